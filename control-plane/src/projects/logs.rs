//! A project's log: pages of what happened, and what happens now. It is read where it lies, so looking wakes nobody.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use chrono::NaiveDateTime;
use futures_util::Stream;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenant_runtime::host::{NodeError, TenantId};
use tenant_runtime::logs::{LogEntry, LogPage, LogQuery};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{find_project, may_still};
use super::store::Row;
use crate::error::{Error, ErrorBody, Result};
use crate::http::Query;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;

/// Entries of an answer when nothing is said, and the most there can be.
const DEFAULT_LIMIT: u32 = 50;
const MOST: u32 = 500;
/// How often a tail looks for more.
const LOOK: Duration = Duration::from_secs(1);
/// How many looks lie between two at whether whoever reads is still welcome; before something is told there is one, too.
const LOOKS_TO_A_CHECK: u32 = 3;
const PING: Duration = Duration::from_secs(20);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(project_logs)).routes(routes!(tail_project_logs))
}

/// Which entries
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct LogFilter {
    /// Part of the message or of the data.
    query: String,
    /// Of this level or a higher one: -4 debug, 0 info, 4 warning, 8 error.
    level: Option<i64>,
    /// Only for pages: `next` of the page before.
    before: Option<i64>,
    /// Only for a tail: the `position` of the newest entry one has, so that nothing is missed.
    after: Option<i64>,
    /// Only for pages: 1 to 500, 50 unless it is said.
    limit: Option<u32>,
}

/// A line of a project's log
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectLogEntry {
    /// Grows with every entry.
    position: i64,
    /// The entry's id in the project's own API.
    id: String,
    /// When, in milliseconds since the epoch.
    at_ms: i64,
    /// -4 debug, 0 info, 4 warning, 8 error.
    level: i64,
    message: String,
    /// Such as `method`, `url`, `status`, `execTime`, `error`.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

#[derive(Serialize, ToSchema)]
struct ProjectLogPage {
    /// Newest first.
    items: Vec<ProjectLogEntry>,
    /// For `before`, if there are older ones.
    next: Option<i64>,
}

/// What a project logged, newest first; one that sleeps goes on sleeping
#[utoipa::path(get, path = "/api/projects/{slug}/logs", params(("slug" = String, Path), LogFilter),
    responses((status = 200, body = ProjectLogPage), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn project_logs(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Query(filter): Query<LogFilter>,
) -> Result<Json<ProjectLogPage>> {
    let project = find_project(&platform, &session, &slug, Action::ReadLogs).await?;
    let limit = filter.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MOST);
    let query = LogQuery { before: filter.before, limit, ..filter.to_query() };
    let page = look(&platform, &project, &query).await?;
    let is_full = page.items.len() >= limit as usize;
    let next = page.items.last().filter(|_| is_full).map(|entry| entry.position);
    Ok(Json(ProjectLogPage { items: page.items.into_iter().map(ProjectLogEntry::from).collect(), next }))
}

/// A stream of what a project logs from now on, or since `after`: events `entry`, each with one entry
#[utoipa::path(get, path = "/api/projects/{slug}/logs/tail", params(("slug" = String, Path), LogFilter),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 404, body = ErrorBody)))]
async fn tail_project_logs(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Query(filter): Query<LogFilter>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let project = find_project(&platform, &session, &slug, Action::ReadLogs).await?;
    let after = match filter.after {
        Some(after) => after,
        None => look(&platform, &project, &LogQuery { limit: 1, ..LogQuery::default() }).await?.newest,
    };
    let tail =
        Tail { query: LogQuery { limit: MOST, ..filter.to_query() }, after, looks: 0, project, platform, session };
    let entries = futures_util::stream::unfold((tail, Vec::new().into_iter()), |(mut tail, mut found)| async move {
        loop {
            if let Some(entry) = found.next() {
                let event = Event::default().event("entry").json_data(ProjectLogEntry::from(entry)).unwrap_or_default();
                return Some((Ok(event), (tail, found)));
            }
            found = tail.next().await?.into_iter();
        }
    });
    Ok(Sse::new(entries).keep_alive(KeepAlive::new().interval(PING).text("ping")))
}

/// Whoever follows a log.
struct Tail {
    platform: Platform,
    session: Session,
    project: Row,
    query: LogQuery,
    /// The position of the newest entry that was told.
    after: i64,
    looks: u32,
}

impl Tail {
    /// What came since the last look; `None` once the reader may not read any more.
    async fn next(&mut self) -> Option<Vec<LogEntry>> {
        if self.looks > 0 {
            tokio::time::sleep(LOOK).await;
        }
        if self.looks.is_multiple_of(LOOKS_TO_A_CHECK) && !self.is_welcome().await {
            return None;
        }
        self.looks += 1;
        let query = LogQuery { after: Some(self.after), ..self.query.clone() };
        // A project that cannot be read just now, such as during a restore, can be later.
        let Ok(page) = look(&self.platform, &self.project, &query).await else { return Some(Vec::new()) };
        if !page.items.is_empty() && !self.is_welcome().await {
            return None;
        }
        let all_told = page.items.len() < self.query.limit as usize;
        self.after = match page.items.last() {
            Some(last) if !all_told => last.position,
            // Also of a log that was cleared, or of other data, which counts anew.
            _ => page.newest,
        };
        Some(page.items)
    }

    async fn is_welcome(&self) -> bool {
        self.session.still_counts(&self.platform).await
            && may_still(&self.platform, &self.session, &self.project.id, Action::ReadLogs).await.is_ok()
    }
}

async fn look(platform: &Platform, project: &Row, query: &LogQuery) -> Result<LogPage> {
    let id: TenantId = project.id.parse().map_err(anyhow::Error::new)?;
    platform.fleet.node(&project.node_id)?.logs(&id, query).await.map_err(|error| match error {
        NodeError::Refused { .. } => {
            tracing::warn!("the log of {id} cannot be read: {error}");
            let message = "The log cannot be read just now.";
            Error::refused(StatusCode::SERVICE_UNAVAILABLE, "unreadable", message)
        }
        error => Error::Internal(error.into()),
    })
}

impl LogFilter {
    fn to_query(&self) -> LogQuery {
        LogQuery { search: self.query.trim().to_owned(), level: self.level, ..LogQuery::default() }
    }
}

impl From<LogEntry> for ProjectLogEntry {
    fn from(entry: LogEntry) -> ProjectLogEntry {
        let moment = NaiveDateTime::parse_from_str(&entry.created, "%Y-%m-%d %H:%M:%S%.fZ");
        ProjectLogEntry {
            at_ms: moment.map_or(0, |moment| moment.and_utc().timestamp_millis()),
            position: entry.position,
            id: entry.id,
            level: entry.level,
            message: entry.message,
            data: entry.data,
        }
    }
}
