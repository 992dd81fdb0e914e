//! Which plans there are.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Catalog, Plan};
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

/// A plan in force
#[derive(Serialize, ToSchema)]
pub struct NamedPlan {
    name: String,
    #[serde(flatten)]
    plan: Plan,
    origin: PlanOrigin,
    /// Of a plan that was changed: what the settings say.
    settings: Option<Plan>,
}

/// Whose word a plan is
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PlanOrigin {
    /// The settings'.
    Settings,
    /// An operator's, in place of the settings'.
    Changed,
    /// An operator's alone.
    Console,
}

/// The plans there are; 0 is no limit
#[utoipa::path(get, path = "/api/plans", responses((status = 200, body = PlanList)))]
async fn list_plans(State(platform): State<Platform>) -> Json<PlanList> {
    let plans = platform.plans.now();
    let items = plans.all().into_keys().filter_map(|name| NamedPlan::find(&plans, name)).collect();
    Json(PlanList { items, default: plans.default_name().to_owned() })
}

impl NamedPlan {
    /// The plan of that name.
    pub fn find(plans: &Catalog, name: &str) -> Option<NamedPlan> {
        let plan = plans.find(name)?.clone();
        let settings = plans.in_settings(name).filter(|_| plans.is_changed(name)).cloned();
        let origin = match (plans.is_changed(name), &settings) {
            (false, _) => PlanOrigin::Settings,
            (true, Some(_)) => PlanOrigin::Changed,
            (true, None) => PlanOrigin::Console,
        };
        Some(NamedPlan { name: name.to_owned(), plan, origin, settings })
    }
}
