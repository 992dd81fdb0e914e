//! Every few seconds: what came on top goes into the database, and whoever came near a limit is told.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use proxy::answers::Answer;
use proxy::meter::{Allowance, Meter};
use tokio_util::sync::CancellationToken;

use super::limits::{Limit, LimitState, LimitUse};
use super::store::{self, Counts, Sizes};
use super::{Known, Month, Written, lock, notices, work_out};
use crate::clock::{self, DAY_MS, HOUR_MS};
use crate::database::number;
use crate::fleet::{Counters, LOCAL};
use crate::projects::store::{self as projects, Row};
use crate::state::Platform;

/// How often. So much and the time it takes is what `kill -9` costs.
const EVERY: Duration = Duration::from_secs(5);
/// When news are looked at: a project that is new, or granted something else. Until then it may use what it likes, or what
/// it was granted before.
const SOON: Duration = Duration::from_millis(300);
/// How long hours are kept.
const KEPT_DAYS: i64 = 400;
/// How far back one looks to see where sizes are going.
const TREND_DAYS: i64 = 7;
/// Beyond its egress a project answers slowly; beyond this part of it, in hundredths, files are refused.
const FILES_UP_TO: u64 = 110;
/// Where a project's files are: what weighs most, and what it can do without.
const FILES: &str = "/api/files/";

/// Gathers until cancelled.
pub async fn run(platform: Platform, stop: CancellationToken) {
    let mut forgotten_ms = 0;
    while !stop.is_cancelled() {
        if let Err(error) = round(&platform).await {
            tracing::warn!("failed to note what projects use: {error:#}");
        }
        let now = clock::now_ms();
        if now - forgotten_ms > DAY_MS {
            forgotten_ms = now;
            if let Err(error) = store::forget_before(platform.database.write(), now - KEPT_DAYS * DAY_MS).await {
                tracing::warn!("failed to forget old figures: {error}");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
            () = async { platform.usage.news.notified().await; tokio::time::sleep(SOON).await } => {}
        }
    }
}

/// Notes what there is to note, for the last time.
pub async fn finish(platform: &Platform) {
    let last = async {
        for report in platform.fleet.node(LOCAL)?.tenants().await? {
            platform.fleet.see(platform, report);
        }
        round(platform).await
    };
    if let Err(error) = last.await {
        tracing::warn!("failed to note what projects used last: {error:#}");
    }
}

async fn round(platform: &Platform) -> anyhow::Result<()> {
    let month = Month::at(clock::now_ms());
    let changed = write(platform, month).await?;
    platform.usage.judge_later(changed.into_iter().chain(platform.usage.unknown_in(month)));
    while let Some(id) = platform.usage.next_due() {
        if let Err(error) = look_at(platform, &id, month).await {
            platform.usage.judge_later([id]);
            return Err(error);
        }
    }
    Ok(())
}

async fn look_at(platform: &Platform, id: &str, month: Month) -> anyhow::Result<()> {
    let known = platform.usage.known(id).filter(|known| known.month_ms == month.begins_ms);
    match projects::by_id(platform.database.read(), id).await? {
        Some(row) => judge(platform, &row, known, month).await,
        None => {
            platform.usage.remove(id);
            Ok(())
        }
    }
}

/// Writes what came on top since the last time. Answers whose figures changed.
async fn write(platform: &Platform, month: Month) -> anyhow::Result<Vec<String>> {
    let mut written = platform.usage.written.lock().await;
    let meters: Vec<_> = lock(&platform.usage.meters).iter().map(|(id, meter)| (id.clone(), meter.clone())).collect();
    let mut fresh = Vec::new();
    for (id, meter) in meters {
        let now = counted(platform, &id, &meter);
        match written.get(&id) {
            Some(before) if *before == now => {}
            Some(before) => fresh.push((id, before.clone(), now)),
            // After a start sizes are what they were.
            None if now.counts == Counts::default() => _ = written.insert(id, now),
            None => fresh.push((id, Written::default(), now)),
        }
    }
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let hour = clock::now_ms() / HOUR_MS * HOUR_MS;
    let mut there = Vec::new();
    for entry in fresh {
        // A project may be gone by now, and its rows could not be added.
        match projects::by_id(platform.database.read(), &entry.0).await? {
            Some(_) => there.push(entry),
            None => platform.usage.remove(&entry.0),
        }
    }
    let mut tx = platform.database.begin().await?;
    for (id, before, now) in &there {
        if (now.counts, now.sizes) != (before.counts, before.sizes) {
            let more = now.counts.since(before.counts);
            store::add(&mut tx, id, (hour, month.begins_ms), more, now.sizes).await?;
        }
    }
    tx.commit().await?;
    let mut changed = Vec::with_capacity(there.len());
    for (id, _, now) in there {
        written.insert(id.clone(), now);
        changed.push(id);
    }
    Ok(changed)
}

/// What was counted of a project since this process started, and how large it is.
fn counted(platform: &Platform, id: &str, meter: &Meter) -> Written {
    let counters = platform.fleet.counters(id).unwrap_or_default();
    let sizes =
        platform.fleet.seen(id).map(|seen| Sizes { database: seen.database_bytes, storage: seen.storage_bytes });
    let counts = Counts {
        requests: number(meter.requests()),
        egress: number(meter.bytes()),
        awake_ms: counters.awake_ms,
        mails: counters.mails,
    };
    Written { counts, sizes: sizes.unwrap_or_default(), counters: Counters { awake_ms: 0, mails: 0, ..counters } }
}

/// Works out how it stands with a project's limits: for the edge, for the console, for its people.
async fn judge(platform: &Platform, row: &Row, known: Option<Known>, month: Month) -> anyhow::Result<()> {
    let (db, now) = (platform.database.read(), clock::now_ms());
    let before = known.as_ref().map(|known| states(&known.limits));
    let mut known = known.unwrap_or_default();
    known.month_ms = month.begins_ms;
    let meter = platform.usage.meter(&row.id);
    // Before the database is asked, so that what comes in between is counted on top of it.
    let counted = counted(platform, &row.id, &meter).counts;
    known.month = store::month(db, &row.id, month.begins_ms).await?;
    known.day = now / DAY_MS;
    known.mails_today = store::mails_on(db, &row.id, known.day).await?;
    if now - known.looked_up_ms > HOUR_MS {
        known.looked_up_ms = now;
        known.earlier = store::earlier(db, &row.id, now - TREND_DAYS * DAY_MS).await?;
    }
    known.limits = work_out(platform, row, &platform.grant_of(row).figures, &known, month);
    let written = platform.usage.written.lock().await.get(&row.id).cloned().unwrap_or_default().counts;
    // What is counted here and not yet in the database is part of the month, too.
    let used = known.month.plus(counted.since(written));
    meter.allow(allowance(&known.limits, counted, used, month));
    let after = states(&known.limits);
    if before.as_ref() != Some(&after) {
        notices::tell(platform, row, &known.limits, month).await?;
    }
    lock(&platform.usage.known).insert(row.id.clone(), known);
    if before.is_some_and(|before| before != after) {
        platform.changed(&row.id);
    }
    Ok(())
}

/// Each limit with the step it is on: what people are told changes only with it.
fn states(limits: &[LimitUse]) -> Vec<(Limit, LimitState, bool)> {
    limits.iter().map(|limit| (limit.limit, limit.state, notices::is_calm(limit))).collect()
}

/// How far the edge may count until the month's limits are reached.
fn allowance(limits: &[LimitUse], counted: Counts, used: Counts, month: Month) -> Allowance {
    let find = |wanted: Limit| limits.iter().find(|limit| limit.limit == wanted && limit.max > 0);
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    let left = Duration::from_millis(unsigned(month.resets_ms - clock::now_ms()));
    let refusal = |code: &'static str, message: &'static str| {
        Answer::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(left)
    };
    let requests = if find(Limit::Awake).is_some_and(|awake| used.awake_ms >= awake.max) {
        Some((0, refusal("quota_awake", "This project was awake as long as it may be this month.")))
    } else {
        find(Limit::Requests).map(|limit| {
            let most = unsigned(counted.requests.saturating_add(limit.max.saturating_sub(used.requests)));
            (most, refusal("quota_requests", "This project has answered as many requests as it may this month."))
        })
    };
    let egress = find(Limit::Egress).map(|limit| {
        let at = |most: i64| unsigned(counted.egress.saturating_add(most.saturating_sub(used.egress)));
        let all = number(u128::from(unsigned(limit.max)) * u128::from(FILES_UP_TO) / 100);
        (at(limit.max), at(all))
    });
    Allowance {
        requests,
        fast_bytes: egress.map_or(u64::MAX, |(fast, _)| fast),
        heavy: egress.map(|(_, all)| {
            (FILES, all, refusal("quota_egress", "This project has sent as much as it may this month."))
        }),
        quota: quota(limits),
    }
}

/// The limits that are near or over, for `x-roost-quota`: `database=near, egress=over`, a dictionary of tokens (RFC 9651).
fn quota(limits: &[LimitUse]) -> Option<HeaderValue> {
    let told = limits.iter().filter(|limit| limit.state != LimitState::Ok);
    let told: Vec<String> = told.map(|limit| format!("{}={}", limit.limit.name(), limit.state.name())).collect();
    if told.is_empty() { None } else { HeaderValue::try_from(told.join(", ")).ok() }
}

impl Counts {
    fn since(self, before: Counts) -> Counts {
        Counts {
            requests: self.requests - before.requests,
            egress: self.egress - before.egress,
            awake_ms: self.awake_ms - before.awake_ms,
            mails: self.mails - before.mails,
        }
    }

    fn plus(self, more: Counts) -> Counts {
        Counts {
            requests: self.requests + more.requests,
            egress: self.egress + more.egress,
            awake_ms: self.awake_ms + more.awake_ms,
            mails: self.mails + more.mails,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits::{self, Used, When};
    use super::*;
    use crate::config::Config;
    use crate::plans::{Plan, STANDARD};

    #[test]
    fn an_hour_awake_is_all_a_plan_of_one_hour_grants() {
        let config = Config::load(None).expect("loads");
        let plan = Plan { awake_hours: 1, requests: 1_000, ..config.plans[STANDARD].clone() };
        let now_ms = clock::now_ms();
        let month = Month::at(now_ms);
        let when = When { now_ms, begins_ms: month.begins_ms, resets_ms: month.resets_ms, since_ms: 0 };
        let requests = |awake_ms| {
            let used = Counts { requests: 10, awake_ms, ..Counts::default() };
            let limits = limits::limits(&plan, &Used { awake_ms, requests: 10, ..Used::default() }, when, None);
            let (most, refusal) = allowance(&limits, used, used, month).requests.expect("there is a limit");
            (most, refusal.status(), refusal.code().to_owned())
        };
        let of = |most, code: &str| (most, StatusCode::TOO_MANY_REQUESTS, code.to_owned());
        assert_eq!(requests(HOUR_MS - 1), of(1_000, "quota_requests"));
        assert_eq!(requests(HOUR_MS), of(0, "quota_awake"));
    }

    #[test]
    fn answers_name_the_limits_that_are_near_or_over_and_no_others() {
        let config = Config::load(None).expect("loads");
        let plan = Plan { database_mb: 100, egress_gb: 1, requests: 10, ..config.plans[STANDARD].clone() };
        let when = When { now_ms: 0, begins_ms: 0, resets_ms: 1, since_ms: 0 };
        let said = |used: &Used| quota(&limits::limits(&plan, used, when, None));
        assert_eq!(said(&Used { requests: 7, ..Used::default() }), None);
        let used = Used { database: 85 << 20, egress: 2 << 30, requests: 7, ..Used::default() };
        assert_eq!(said(&used), Some(HeaderValue::from_static("database=near, egress=over")));
    }
}
