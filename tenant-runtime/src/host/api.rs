//! The admin API: how the control plane states its wishes.

use serde::{Deserialize, Serialize};

/// The body of `PUT /v1/tenants/{id}/superusers`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SuperuserUpsert {
    pub(super) email: String,
    pub(super) password_hash: String,
}
