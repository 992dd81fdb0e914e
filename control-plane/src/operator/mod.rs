//! What whoever runs this installation sees and does: the machine, the projects of everybody from outside, what needs
//! somebody's attention, jobs. What is *in* a project they see only while its people let them (`projects::support`).

mod attention;
pub mod disk;
mod jobs;
mod machine;
mod node;
pub mod numbers;
pub mod pace;
mod plans;
mod purges;
mod tenants;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::state::Platform;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .merge(node::routes())
        .merge(tenants::routes())
        .merge(plans::routes())
        .merge(attention::routes())
        .merge(jobs::routes())
        .merge(purges::routes())
}

/// A project, as far as it has to be named
#[derive(Clone, Debug, Serialize, ToSchema)]
struct NamedProject {
    id: String,
    slug: String,
    name: String,
}
