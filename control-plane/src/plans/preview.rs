//! What a plan would mean for the projects that have it, before it is saved.

use serde::Serialize;
use utoipa::ToSchema;

use super::Plan;
use crate::database::number;
use crate::error::Result;
use crate::fleet::LOCAL;
use crate::projects::store;
use crate::state::Platform;
use crate::usage;
use crate::usage::limits::{LimitState, LimitUse};

/// How many projects are named.
const MOST_NAMED: usize = 50;

/// What a plan would mean for the projects that have it
#[derive(Serialize, ToSchema)]
pub struct PlanPreview {
    /// How many projects have the plan.
    projects: i64,
    /// How many of them would newly be near a limit or over one.
    concerned: i64,
    /// How many of those would be over.
    over: i64,
    /// The first of those that are concerned, with what would be over before what would be near.
    items: Vec<ConcernedProject>,
}

/// A project that would newly be near a limit or over one
#[derive(Serialize, ToSchema)]
struct ConcernedProject {
    id: String,
    slug: String,
    name: String,
    limits: Vec<ConcernedLimit>,
}

/// A limit as it would stand
#[derive(Serialize, ToSchema)]
struct ConcernedLimit {
    #[serde(flatten)]
    limit: LimitUse,
    /// How it stands now.
    now: LimitState,
}

/// Who would newly be near a limit, or over one, if a plan were like this.
pub async fn preview(platform: &Platform, name: &str, plan: Plan) -> Result<PlanPreview> {
    let after = platform.plans.now().with(name, Some(plan));
    let (mut projects, mut concerned) = (0, Vec::new());
    for row in store::of_node(platform.database.read(), LOCAL).await? {
        let grant = after.grant_of(&row);
        if grant.plan != name {
            continue;
        }
        projects += 1;
        let (now, then) = (usage::limits_of(platform, &row), usage::limits_under(platform, &row, &grant.figures));
        let worse = then.into_iter().zip(now).filter(|(then, now)| then.state > now.state);
        let limits: Vec<_> = worse.map(|(limit, now)| ConcernedLimit { limit, now: now.state }).collect();
        if !limits.is_empty() {
            concerned.push(ConcernedProject { id: row.id, slug: row.slug, name: row.name, limits });
        }
    }
    concerned.sort_by(|one, other| one.rank().cmp(&other.rank()));
    let over = concerned.iter().filter(|project| project.is_over()).count();
    let total = concerned.len();
    concerned.truncate(MOST_NAMED);
    Ok(PlanPreview { projects, concerned: number(total), over: number(over), items: concerned })
}

impl ConcernedProject {
    fn is_over(&self) -> bool {
        self.limits.iter().any(|limit| limit.limit.state == LimitState::Over)
    }

    /// What would be over comes first, then names decide.
    fn rank(&self) -> (bool, String, &str) {
        (!self.is_over(), self.name.to_lowercase(), &self.id)
    }
}
