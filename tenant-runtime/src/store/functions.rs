//! SQL functions that SQLite lacks and the filter language needs.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

/// The Earth's mean radius in kilometres.
const EARTH_RADIUS: f64 = 6371.0;

/// Adds them to a connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("geoDistance", 4, flags, |call| {
        let [lon_a, lat_a, lon_b, lat_b] = [0, 1, 2, 3].map(|at| number(call, at));
        Ok(lon_a.zip(lat_a).zip(lon_b.zip(lat_b)).map(|(a, b)| geo_distance(a, b)))
    })
}

/// Kilometres between two points given as longitude and latitude in degrees, by the spherical law of cosines.
fn geo_distance((lon_a, lat_a): (f64, f64), (lon_b, lat_b): (f64, f64)) -> f64 {
    let (lat_a, lat_b) = (lat_a.to_radians(), lat_b.to_radians());
    let angle = (lon_b - lon_a).to_radians();
    let cosine = lat_a.cos() * lat_b.cos() * angle.cos() + lat_a.sin() * lat_b.sin();
    // rounding may carry the cosine of no distance at all past 1
    EARTH_RADIUS * cosine.clamp(-1.0, 1.0).acos()
}

/// An argument as a number, if it is one or reads like one.
fn number(call: &Context<'_>, at: usize) -> Option<f64> {
    match call.get_raw(at) {
        ValueRef::Integer(_) | ValueRef::Real(_) => call.get(at).ok(),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_on_a_sphere() {
        let (sofia, plovdiv) = ((23.32, 42.69), (24.75, 42.13));
        assert!((geo_distance(sofia, plovdiv) - 132.8).abs() < 0.5);
        assert_eq!(geo_distance(sofia, sofia), 0.0);
        let half_the_equator = geo_distance((0.0, 0.0), (180.0, 0.0));
        assert!((half_the_equator - 20015.1).abs() < 0.1, "{half_the_equator}");
    }

    #[test]
    fn what_is_no_number_is_nowhere() {
        let connection = Connection::open_in_memory().expect("a database");
        register(&connection).expect("registers");
        let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<f64>>(0)).expect("an answer");
        assert_eq!(ask("SELECT geoDistance(1, '2', 1.0, 2)"), Some(0.0));
        assert_eq!(ask("SELECT geoDistance(1, NULL, 1, 2)"), None);
        assert_eq!(ask("SELECT geoDistance(1, 'x', 1, 2)"), None);
    }
}
