//! The kit: starts the real platform in a directory of its own and drives it over HTTP.

mod authority;
mod console;
mod engine;
mod http;
mod identity_provider;
mod postgres;
mod roost;

pub use authority::Authority;
pub use console::{Console, Project};
pub use engine::{Engine, KEY_VARIABLE, Make};
pub use http::{Answer, Http, Upload};
pub use identity_provider::IdentityProvider;
pub use postgres::Postgres;
pub use roost::{POSTGRES_VARIABLE, Roost, Underway, binary_under_test, run, run_as, signal};

use std::time::{Duration, Instant};

/// Asks again and again until the answer is yes.
///
/// # Panics
/// After ten seconds, naming what was waited for.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
