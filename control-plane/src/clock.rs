//! The present moment, in the control database's unit.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::database::number;

/// Milliseconds since the epoch.
pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    millis(now)
}

/// A length of time in milliseconds.
pub fn millis(time: Duration) -> i64 {
    number(time.as_millis())
}

pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(60 * 60);
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Of an hour, in the unit of columns and of the API.
pub const HOUR_MS: i64 = 60 * 60 * 1000;
/// Of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
