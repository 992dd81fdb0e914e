//! Showing what a project uses.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::limits::LimitUse;
use super::{Month, limits_of, store};
use crate::clock::{self, DAY_MS, HOUR_MS};
use crate::error::{ErrorBody, Result};
use crate::http::Query;
use crate::projects::api::find_project;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;

/// The span when none is asked for, and the longest: a quarter, of which there is a row for every hour.
const SPAN_DAYS: i64 = 30;
const LONGEST_DAYS: i64 = 92;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(show_usage))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Span {
    /// Milliseconds since the epoch; 30 days ago when absent.
    from: Option<i64>,
    /// The same; now when absent.
    to: Option<i64>,
}

/// What a project uses
#[derive(Serialize, ToSchema)]
struct Usage {
    plan: UsedPlan,
    limits: Vec<LimitUse>,
    /// Those in which something was counted, oldest first.
    hours: Vec<UsageHour>,
    /// When what counts by the month begins anew, in milliseconds since the epoch.
    resets: i64,
}

#[derive(Serialize, ToSchema)]
struct UsedPlan {
    name: String,
    title: String,
}

/// An hour of a project
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UsageHour {
    /// Its first millisecond.
    hour: i64,
    requests: i64,
    /// Bytes of answers.
    egress: i64,
    /// Bytes of databases on disk at its end.
    database_bytes: i64,
    /// Bytes of files at its end.
    storage_bytes: i64,
    awake_ms: i64,
    mails: i64,
}

/// What a project uses of what it is granted, and used by the hour
#[utoipa::path(get, path = "/api/projects/{slug}/usage", params(("slug" = String, Path), Span),
    responses((status = 200, body = Usage), (status = 404, body = ErrorBody)))]
async fn show_usage(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Query(span): Query<Span>,
) -> Result<Json<Usage>> {
    let row = find_project(&platform, &session, &slug, Action::View).await?;
    let now = clock::now_ms();
    let to = span.to.unwrap_or(now).clamp(0, now.saturating_add(HOUR_MS));
    let from = span.from.unwrap_or(to - SPAN_DAYS * DAY_MS).max(to - LONGEST_DAYS * DAY_MS);
    let hours = store::hours(platform.database.read(), &row.id, from, to).await?;
    let grant = platform.grant_of(&row);
    Ok(Json(Usage {
        plan: UsedPlan { name: grant.plan, title: grant.figures.title },
        limits: limits_of(&platform, &row),
        hours: hours.into_iter().map(UsageHour::from).collect(),
        resets: Month::at(now).resets_ms,
    }))
}

impl From<store::Hour> for UsageHour {
    fn from(hour: store::Hour) -> UsageHour {
        UsageHour {
            hour: hour.hour_ms,
            requests: hour.counts.requests,
            egress: hour.counts.egress,
            database_bytes: hour.sizes.database,
            storage_bytes: hour.sizes.storage,
            awake_ms: hour.counts.awake_ms,
            mails: hour.counts.mails,
        }
    }
}
