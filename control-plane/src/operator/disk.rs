//! The disk everything is kept on: when it will be full, and what stops before it is, so that the platform never does.
//!
//! Below the first mark no projects are created, below the second those that are there stop growing. Both are looked at
//! again and again, so both end by themselves. A disk may be full of files while it has bytes: the marks hold for both.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{AnyPool, Row as _};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::machine::{self, Disk};
use crate::backups::Target;
use crate::clock::{self, DAY, MINUTE};
use crate::config;
use crate::database::number;
use crate::error::{Error, Result};
use crate::fleet::LOCAL;
use crate::state::Platform;

/// How often it is looked at: growing writes fill a fast disk by a gigabyte in so much time.
const LOOK: Duration = Duration::from_secs(2);
/// How often what was seen is noted.
const NOTE: Duration = MINUTE.saturating_mul(5);
/// Days of which samples are kept,
const KEPT_DAYS: i64 = 90;
/// and of which a forecast is made,
const FORECAST_DAYS: i64 = 30;
/// if there are at least so many.
const LEAST_SAMPLES: usize = 3;

/// So much of a disk: `5%`, `800 MB` or `2 GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Mark {
    /// Of the whole.
    Percent(u64),
    /// In bytes.
    Bytes(u64),
}

/// What the disk still allows
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Room {
    /// Everything.
    Ample,
    /// No new projects.
    NoProjects,
    /// No writes by which projects grow, either.
    NoGrowth,
}

/// The disk, and how long it will do
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiskView {
    total_bytes: i64,
    free_bytes: i64,
    /// How many files it may hold; 0 where nothing but its bytes is a bound.
    total_files: i64,
    free_files: i64,
    pub(super) room: Room,
    /// With less than this free, no projects are created.
    stop_projects_below_bytes: i64,
    /// With less than this free, projects stop growing.
    stop_writes_below_bytes: i64,
    /// At the pace of the last weeks; null when it does not fill, or too little is known.
    pub(super) full_in_days: Option<i64>,
    /// The last look of each day, oldest first.
    samples: Vec<DiskSample>,
}

/// How full the disk was on a day
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DiskSample {
    /// The day's beginning, in milliseconds since the epoch.
    day_ms: i64,
    total_bytes: i64,
    free_bytes: i64,
}

impl TryFrom<String> for Mark {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Mark, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let number: u64 = number.parse().map_err(|_| format!("`{text}` is neither a share nor a size"))?;
        match unit.trim() {
            "%" if number <= 100 => Ok(Mark::Percent(number)),
            "MB" => Ok(Mark::Bytes(number << 20)),
            "GB" => Ok(Mark::Bytes(number << 30)),
            "" if number == 0 => Ok(Mark::Bytes(0)),
            _ => Err(format!("`{text}` is neither a share such as 5% nor a size such as 800 MB or 2 GB")),
        }
    }
}

impl DiskView {
    /// What there is too little of, if there is.
    pub(super) fn shortage(&self) -> &'static str {
        let has_bytes = self.free_bytes >= self.stop_projects_below_bytes;
        if has_bytes { "The disk takes hardly any more files" } else { "The disk is nearly full" }
    }
}

impl Mark {
    /// Whether less than that is free, or less than such a share of the files the disk may hold.
    fn is_passed(self, disk: Disk) -> bool {
        let bytes = self.bytes(disk);
        let files = u128::from(disk.total_files) * u128::from(bytes) / u128::from(disk.total_bytes.max(1));
        disk.free_bytes < bytes || u128::from(disk.free_files) < files
    }

    pub(super) fn bytes(self, disk: Disk) -> u64 {
        match self {
            Mark::Percent(share) => (u128::from(disk.total_bytes) * u128::from(share) / 100) as u64,
            Mark::Bytes(bytes) => bytes,
        }
    }
}

impl config::Disk {
    pub(super) fn room(&self, disk: Disk) -> Room {
        if self.stop_writes_below.is_passed(disk) {
            Room::NoGrowth
        } else if self.stop_projects_below.is_passed(disk) {
            Room::NoProjects
        } else {
            Room::Ample
        }
    }
}

/// Refuses what would bring more to a disk that is nearly full.
///
/// # Errors
/// `node_full`.
pub fn refuse_if_full(platform: &Platform) -> Result<()> {
    let message = "There is no room for more projects on this installation just now. Its operator knows.";
    refuse_full(platform, &platform.config.dir, message)
}

/// The same for copies of data, which fill the disk they are kept on, and this one whenever they are restored aside.
///
/// # Errors
/// `node_full`.
pub fn refuse_copies_if_full(platform: &Platform) -> Result<()> {
    let message = "There is no room for more copies of data on this installation just now. Its operator knows.";
    refuse_full(platform, &platform.config.dir, message)?;
    match &platform.backups {
        Target::Directory(dir) => refuse_full(platform, dir, message),
        Target::Bucket(_) => Ok(()),
    }
}

/// Whether the disk still takes what projects bring.
pub fn may_grow(platform: &Platform) -> bool {
    !machine::disk(&platform.config.dir).is_ok_and(|disk| platform.config.disk.room(disk) == Room::NoGrowth)
}

fn refuse_full(platform: &Platform, dir: &Path, message: &'static str) -> Result<()> {
    // A disk that cannot be asked is not therefore full.
    let room = machine::disk(dir).map_or(Room::Ample, |disk| platform.config.disk.room(disk));
    if room == Room::Ample {
        return Ok(());
    }
    Err(Error::TryLater { status: StatusCode::SERVICE_UNAVAILABLE, code: "node_full", message, seconds: 3600 })
}

/// Looks at the disk until cancelled.
pub async fn run(platform: Platform, stop: CancellationToken) {
    let (mut noted_ms, mut told) = (0, None);
    while !stop.is_cancelled() {
        if let Err(error) = look(&platform, &mut noted_ms, &mut told).await {
            tracing::warn!("failed to look after the disk: {error:#}");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn look(platform: &Platform, noted_ms: &mut i64, told: &mut Option<Room>) -> anyhow::Result<()> {
    let disk = machine::disk(&platform.config.dir)?;
    let room = platform.config.disk.room(disk);
    if *told != Some(room) {
        platform.fleet.node(LOCAL)?.allow_growth(room != Room::NoGrowth).await?;
        match room {
            Room::Ample if told.is_none() => {}
            Room::Ample => tracing::info!("there is room on the disk again"),
            Room::NoProjects => tracing::warn!("the disk is nearly full: no projects are created"),
            Room::NoGrowth => tracing::error!("the disk is nearly full: projects stop growing"),
        }
        *told = Some(room);
    }
    let now = clock::now_ms();
    if now - *noted_ms >= clock::millis(NOTE) {
        note(platform.database.write(), disk, now).await?;
        *noted_ms = now;
    }
    Ok(())
}

async fn note(db: &AnyPool, disk: Disk, now_ms: i64) -> sqlx::Result<()> {
    let today = now_ms / clock::millis(DAY);
    sqlx::query(
        "INSERT INTO disk_sample (node_id, day, total_bytes, free_bytes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (node_id, day) DO UPDATE SET total_bytes = $3, free_bytes = $4",
    )
    .bind(LOCAL)
    .bind(today)
    .bind(number(disk.total_bytes))
    .bind(number(disk.free_bytes))
    .execute(db)
    .await?;
    sqlx::query("DELETE FROM disk_sample WHERE day < $1").bind(today - KEPT_DAYS).execute(db).await?;
    Ok(())
}

/// What operators are shown.
pub(super) async fn view(platform: &Platform) -> Result<DiskView> {
    let disk = machine::disk(&platform.config.dir).map_err(|error| anyhow::anyhow!("look at the disk: {error}"))?;
    let sql = "SELECT day, total_bytes, free_bytes FROM disk_sample WHERE node_id = $1 ORDER BY day DESC LIMIT $2";
    let rows = sqlx::query(sql).bind(LOCAL).bind(KEPT_DAYS).fetch_all(platform.database.read()).await?;
    let samples = rows.iter().rev().map(|row| {
        let day: i64 = row.try_get(0)?;
        Ok(DiskSample { day_ms: day * clock::millis(DAY), total_bytes: row.try_get(1)?, free_bytes: row.try_get(2)? })
    });
    let samples = samples.collect::<sqlx::Result<Vec<DiskSample>>>()?;
    let settings = &platform.config.disk;
    Ok(DiskView {
        total_bytes: number(disk.total_bytes),
        free_bytes: number(disk.free_bytes),
        total_files: number(disk.total_files),
        free_files: number(disk.free_files),
        room: settings.room(disk),
        stop_projects_below_bytes: number(settings.stop_projects_below.bytes(disk)),
        stop_writes_below_bytes: number(settings.stop_writes_below.bytes(disk)),
        full_in_days: full_in_days(&samples, number(disk.free_bytes), clock::now_ms()),
        samples,
    })
}

/// How many days the free space will do if it goes on shrinking along a straight line through the last weeks' samples.
fn full_in_days(samples: &[DiskSample], free_bytes: i64, now_ms: i64) -> Option<i64> {
    let since_ms = now_ms - clock::millis(DAY) * FORECAST_DAYS;
    let points: Vec<(f64, f64)> = samples
        .iter()
        .filter(|sample| sample.day_ms >= since_ms)
        .map(|sample| ((sample.day_ms - since_ms) as f64 / clock::millis(DAY) as f64, sample.free_bytes as f64))
        .collect();
    if points.len() < LEAST_SAMPLES {
        return None;
    }
    let count = points.len() as f64;
    let (mean_day, mean_free) = (
        points.iter().map(|(day, _)| day).sum::<f64>() / count,
        points.iter().map(|(_, free)| free).sum::<f64>() / count,
    );
    let spread: f64 = points.iter().map(|(day, _)| (day - mean_day).powi(2)).sum();
    let slope = points.iter().map(|(day, free)| (day - mean_day) * (free - mean_free)).sum::<f64>() / spread;
    let days = (free_bytes as f64 / -slope).floor();
    // Years ahead, a straight line means nothing.
    (slope < 0.0 && days < 3650.0).then_some(days as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1 << 30;
    const EMPTY: Disk = Disk { total_bytes: 40 * GB, free_bytes: 40 * GB, total_files: 1000, free_files: 1000 };

    fn mark(text: &str) -> Mark {
        Mark::try_from(text.to_owned()).expect("a mark")
    }

    fn samples(free: &[i64]) -> Vec<DiskSample> {
        let day = |n: usize| i64::try_from(n).expect("small") * clock::millis(DAY);
        let sample = |(n, free): (usize, &i64)| DiskSample { day_ms: day(n), total_bytes: 1000, free_bytes: *free };
        free.iter().enumerate().map(sample).collect()
    }

    #[test]
    fn marks_are_shares_or_sizes() {
        assert_eq!(
            (mark("5%"), mark("800 MB"), mark("2GB")),
            (Mark::Percent(5), Mark::Bytes(800 << 20), Mark::Bytes(2 * GB))
        );
        for bad in ["", "5", "101%", "2 TB", "much"] {
            assert!(Mark::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn first_projects_stop_then_growth_and_all_goes_on_by_itself() {
        let settings = config::Disk { stop_projects_below: mark("10%"), stop_writes_below: mark("1 GB") };
        let room = |free| settings.room(Disk { free_bytes: free, ..EMPTY });
        assert_eq!(room(4 * GB), Room::Ample);
        assert_eq!(room(4 * GB - 1), Room::NoProjects);
        assert_eq!(room(GB - 1), Room::NoGrowth);
        assert_eq!(room(20 * GB), Room::Ample);
        // The second mark is a fortieth of the disk, so it is of its files, too.
        let room = |free| settings.room(Disk { free_files: free, ..EMPTY });
        assert_eq!([100, 99, 25, 24].map(room), [Room::Ample, Room::NoProjects, Room::NoProjects, Room::NoGrowth]);
        assert_eq!(settings.room(Disk { total_files: 0, free_files: 0, ..EMPTY }), Room::Ample, "no bound at all");
    }

    #[test]
    fn a_forecast_needs_days_and_a_slope() {
        let now = clock::millis(DAY) * 5;
        let forecast = |free: &[i64]| full_in_days(&samples(free), *free.last().expect("some"), now);
        assert_eq!(forecast(&[900, 800]), None);
        assert_eq!(forecast(&[900, 800, 700, 600]), Some(6));
        assert_eq!(forecast(&[600, 700, 800]), None);
        assert_eq!(forecast(&[700, 700, 700]), None);
    }
}
