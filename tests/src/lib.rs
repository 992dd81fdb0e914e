//! The kit: starts the real platform in a directory of its own and drives it over HTTP.

mod authority;
mod console;
mod engine;
mod http;
mod identity_provider;
mod port;
mod postgres;
mod roost;

pub use authority::Authority;
pub use console::{Console, PASSWORD, Project};
pub use engine::{Engine, KEY_VARIABLE, Make};
pub use http::{Answer, Http, Upload};
pub use identity_provider::IdentityProvider;
pub use port::Port;
pub use postgres::Postgres;
pub use roost::{POSTGRES_VARIABLE, Roost, SLEEPY, Underway, binary_under_test, run, run_as, signal};

use std::time::{Duration, Instant};

/// Asks again and again until the answer is yes.
///
/// # Panics
/// After ten seconds, naming what was waited for.
pub async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl FnMut() -> F) {
    wait(what, condition, Duration::from_secs(10), Duration::from_millis(10)).await;
}

/// The same for what waits for leases and retries.
///
/// # Panics
/// After ninety seconds, naming what was waited for.
pub async fn in_the_end<F: Future<Output = bool>>(what: &str, condition: impl FnMut() -> F) {
    wait(what, condition, Duration::from_secs(90), Duration::from_millis(100)).await;
}

async fn wait<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
    patience: Duration,
    pause: Duration,
) {
    let end = Instant::now() + patience;
    while !condition().await {
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(pause).await;
    }
}
