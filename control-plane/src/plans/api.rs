//! Which plans there are.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Plan;
use crate::state::Platform;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list_plans))
}

#[derive(Serialize, ToSchema)]
struct PlanList {
    items: Vec<NamedPlan>,
    /// The name of the one new projects get.
    default: String,
}

#[derive(Serialize, ToSchema)]
struct NamedPlan {
    name: String,
    #[serde(flatten)]
    plan: Plan,
}

/// The plans there are; 0 is no limit
#[utoipa::path(get, path = "/api/plans", responses((status = 200, body = PlanList)))]
async fn list_plans(State(platform): State<Platform>) -> Json<PlanList> {
    let items = platform.config.plans.iter().map(|(name, plan)| NamedPlan { name: name.clone(), plan: plan.clone() });
    Json(PlanList { items: items.collect(), default: platform.config.default_plan.clone() })
}
