//! What the edge stamped on a request, and took care that no client can write.

use std::str::FromStr;

use http::HeaderMap;

use super::answers::Refusal;
use super::spec::{Generation, TenantId};
use crate::client_address::ClientAddress;

const PREFIX: &str = "x-roost-";

/// The edge's words for the host.
pub(super) struct Stamp {
    pub(super) tenant: TenantId,
    pub(super) generation: Option<Generation>,
    pub(super) client: Option<ClientAddress>,
}

impl Stamp {
    /// Reads the stamp.
    pub(super) fn read(headers: &HeaderMap) -> Result<Stamp, Refusal> {
        let tenant = parse(headers, "x-roost-tenant");
        let generation = parse(headers, "x-roost-generation");
        let client = parse(headers, "x-roost-client-ip").map(ClientAddress);
        Ok(Stamp { tenant: tenant.ok_or(Refusal::UnknownProject)?, generation, client })
    }

    /// Removes every header of ours: a tenant must not see, still less believe, one.
    pub(super) fn remove(headers: &mut HeaderMap) {
        let ours: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
        for name in ours {
            headers.remove(name);
        }
    }
}

fn parse<T: FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}
