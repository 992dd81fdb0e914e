//! How what is used stands to what is granted: figures in, figures out.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::{self, DAY};
use crate::database::number;
use crate::plans::Plan;

/// From this part of a limit on, in hundredths, people are told.
pub const NEAR: i64 = 80;
/// A warning about something that stands is over below this.
pub const AGAIN: i64 = 70;
/// What stands is called over a little early: the next record may not fit already.
const STANDS_OVER: i64 = 99;

/// What there are limits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Limit {
    Database,
    Storage,
    Egress,
    Requests,
    Realtime,
    Mails,
    Awake,
}

/// How it stands with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LimitState {
    Ok,
    Near,
    Over,
}

/// What something is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unit {
    Bytes,
    Count,
    Ms,
}

/// When counting begins anew; what is `now` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Period {
    Now,
    Day,
    Month,
}

/// A limit, and how much of it is used
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LimitUse {
    /// Which.
    pub limit: Limit,
    /// How much is used.
    pub used: i64,
    /// How much may be; 0 is no limit.
    pub max: i64,
    /// What both are counted in.
    pub unit: Unit,
    /// When counting begins anew.
    pub period: Period,
    /// How it stands.
    pub state: LimitState,
    /// How much it will be when the month ends if it goes on like this; null when too little is known.
    pub forecast: Option<i64>,
}

/// What a project uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in the limits")]
pub struct Used {
    pub database: i64,
    pub storage: i64,
    pub realtime: i64,
    pub mails_today: i64,
    /// In this month.
    pub requests: i64,
    pub egress: i64,
    pub awake_ms: i64,
}

/// Where in time this is looked at.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// The present.
    pub now_ms: i64,
    /// When the month began.
    pub begins_ms: i64,
    /// When the next one does.
    pub resets_ms: i64,
    /// Since when this project is there.
    pub since_ms: i64,
}

/// Sizes at an earlier time, to see where they are going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in the limits")]
pub struct Earlier {
    pub at_ms: i64,
    pub database: i64,
    pub storage: i64,
}

impl Limit {
    /// The name in the database and in mails.
    pub fn name(self) -> &'static str {
        match self {
            Limit::Database => "database",
            Limit::Storage => "storage",
            Limit::Egress => "egress",
            Limit::Requests => "requests",
            Limit::Realtime => "realtime",
            Limit::Mails => "mails",
            Limit::Awake => "awake",
        }
    }

    /// Whether it is about what stands until somebody removes it.
    pub fn stands(self) -> bool {
        matches!(self, Limit::Database | Limit::Storage)
    }

    fn state(self, used: i64, max: i64) -> LimitState {
        let full = if self.stands() { STANDS_OVER } else { 100 };
        match percent(used, max) {
            None => LimitState::Ok,
            Some(percent) if percent >= full => LimitState::Over,
            Some(percent) if percent >= NEAR => LimitState::Near,
            Some(_) => LimitState::Ok,
        }
    }
}

impl LimitState {
    /// The name in the API and in headers.
    pub fn name(self) -> &'static str {
        match self {
            LimitState::Ok => "ok",
            LimitState::Near => "near",
            LimitState::Over => "over",
        }
    }
}

/// How much of a limit is used, in hundredths.
pub fn percent(used: i64, max: i64) -> Option<i64> {
    (max > 0).then(|| number(i128::from(used) * 100 / i128::from(max)))
}

/// All limits of a plan.
pub fn limits(plan: &Plan, used: &Used, when: When, earlier: Option<Earlier>) -> Vec<LimitUse> {
    use Limit::{Awake, Database, Egress, Mails, Realtime, Requests, Storage};
    let trend = |used: i64, before: fn(&Earlier) -> i64| {
        earlier.and_then(|earlier| when.trend(used, before(&earlier), earlier.at_ms))
    };
    let (bytes, count, ms) = (Unit::Bytes, Unit::Count, Unit::Ms);
    let (now, day, month) = (Period::Now, Period::Day, Period::Month);
    let lines = [
        (Database, used.database, number(plan.database_bytes()), bytes, now, trend(used.database, |it| it.database)),
        (Storage, used.storage, number(plan.storage_bytes()), bytes, now, trend(used.storage, |it| it.storage)),
        (Egress, used.egress, number(plan.egress_bytes()), bytes, month, when.sum(used.egress)),
        (Requests, used.requests, number(plan.requests), count, month, when.sum(used.requests)),
        (Realtime, used.realtime, plan.realtime_connections.into(), count, now, None),
        (Mails, used.mails_today, plan.mails_per_day.into(), count, day, None),
        (Awake, used.awake_ms, number(plan.awake_ms()), ms, month, when.sum(used.awake_ms)),
    ];
    let lines = lines.into_iter().map(|(limit, used, max, unit, period, forecast)| LimitUse {
        limit,
        used,
        max,
        unit,
        period,
        state: limit.state(used, max),
        forecast,
    });
    lines.collect()
}

impl When {
    /// What adds up over the month, at the month's end. A first day says too little.
    fn sum(self, used: i64) -> Option<i64> {
        let begins = self.begins_ms.max(self.since_ms);
        let (known, whole) = (self.now_ms - begins, self.resets_ms - begins);
        (known >= clock::millis(DAY)).then(|| scaled(used, whole, known))
    }

    /// What stands, at the month's end.
    fn trend(self, used: i64, before: i64, at_ms: i64) -> Option<i64> {
        let (known, left) = (self.now_ms - at_ms, (self.resets_ms - self.now_ms).max(0));
        (known >= clock::millis(DAY)).then(|| used.saturating_add(scaled(used - before, left, known)).max(0))
    }
}

fn scaled(amount: i64, by: i64, of: i64) -> i64 {
    number(i128::from(amount) * i128::from(by) / i128::from(of.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY_MS;
    use crate::config::Config;
    use crate::plans::STANDARD;

    fn when(day: i64) -> When {
        When { now_ms: day * DAY_MS, begins_ms: 0, resets_ms: 30 * DAY_MS, since_ms: -90 * DAY_MS }
    }

    fn plan() -> Plan {
        let config = Config::load(None).expect("loads");
        Plan { requests: 1_000, egress_gb: 1, database_mb: 100, ..config.plans[STANDARD].clone() }
    }

    fn of(limit: Limit, used: &Used, when: When, earlier: Option<Earlier>) -> LimitUse {
        limits(&plan(), used, when, earlier).into_iter().find(|it| it.limit == limit).expect("is among them")
    }

    #[test]
    fn states_follow_what_is_used() {
        let at = |requests| of(Limit::Requests, &Used { requests, ..Used::default() }, when(10), None).state;
        assert_eq!(
            [at(0), at(799), at(800), at(999), at(1_000)],
            [LimitState::Ok, LimitState::Ok, LimitState::Near, LimitState::Near, LimitState::Over]
        );
        let database = Used { database: 99 << 20, ..Used::default() };
        assert_eq!(of(Limit::Database, &database, when(1), None).state, LimitState::Over);
        let awake = Used { awake_ms: i64::MAX, ..Used::default() };
        assert_eq!(of(Limit::Awake, &awake, when(1), None).state, LimitState::Ok, "what has no limit is never over");
    }

    #[test]
    fn a_forecast_is_only_made_of_what_is_known() {
        let used = Used { requests: 100, database: 50 << 20, ..Used::default() };
        let requests = |when| of(Limit::Requests, &used, when, None).forecast;
        assert_eq!(requests(when(10)), Some(300));
        assert_eq!(requests(When { since_ms: 5 * DAY_MS, ..when(10) }), Some(500));
        assert_eq!(requests(When { since_ms: 10 * DAY_MS - 1, ..when(10) }), None, "a first day says too little");
        let earlier = |at_ms| Some(Earlier { at_ms, database: 40 << 20, storage: 0 });
        let database = |earlier| of(Limit::Database, &used, when(10), earlier).forecast;
        assert_eq!(database(None), None);
        assert_eq!(database(earlier(9 * DAY_MS)), Some((50 + 200) << 20));
        assert_eq!(database(earlier(9 * DAY_MS + 1)), None);
    }
}
