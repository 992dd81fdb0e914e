//! What all work shares: the authorities, what was learnt about them, and what may still be asked of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::AcmeOptions;
use super::budget;
use super::failure::Failure;
use super::handle::Outcome;
use super::options::ms;
use super::order::Authority;
use super::plan::host;
use super::store::{Held, Ordered, Tries};
use super::work::{Job, Stop};
use crate::routes::parent;

/// So many failed attempts in a row are an outage, which another authority can mend.
pub(super) const OUTAGE_ATTEMPTS: u32 = 3;

/// See the [module](self).
pub(super) struct Desk {
    pub(super) options: Arc<AcmeOptions>,
    pub(super) authorities: Vec<Authority>,
    /// This process, as the holder of leases.
    pub(super) me: String,
    /// Taken while an order is counted, so that two do not count as one.
    pub(super) counting: tokio::sync::Mutex<()>,
    pub(super) tally: Mutex<BTreeMap<(String, Outcome), u64>>,
}

impl Desk {
    /// The authority of that name, if there still is one.
    pub(super) fn authority(&self, name: &str) -> Option<&Authority> {
        self.authorities.iter().find(|authority| authority.issuer.name == name)
    }

    /// Counts an order, unless too many were placed. Renewals an authority asked for are free.
    pub(super) async fn take_from_budget(&self, job: &Job, issuer: &str, held: Option<&Held>) -> Result<(), Stop> {
        let Desk { options, .. } = self;
        let _alone = self.counting.lock().await;
        let now = options.now();
        let renews = held.is_some();
        let is_free = held.is_some_and(|held| held.issuer == issuer && held.ask_ms != 0);
        if !is_free {
            let placed = options.store.orders_since(budget::counted_since(&options.budget, now)).await?;
            let wish = budget::Wish { issuer, name: &job.name, owner: &job.owner, renews };
            options.budget.admits(&placed, &wish, now).map_err(Stop::Waits)?;
        }
        let (issuer, name, owner) = (issuer.to_owned(), job.name.to_string(), job.owner.clone());
        Ok(options.store.note_order(Ordered { issuer, name, owner, renews, at_ms: now }).await?)
    }

    /// An authority is well, and its order went well.
    pub(super) fn note_success(&self, authority: &Authority, renewed: bool) {
        authority.is_well();
        self.count(authority, if renewed { Outcome::Renewed } else { Outcome::Issued });
    }

    /// Draws the consequences of a failure for everybody else's orders at this authority.
    pub(super) async fn note_failure(&self, authority: &Authority, name: &str, failure: &Failure) {
        match failure {
            Failure::Ours(_) => return,
            Failure::Refused { .. } => authority.is_well(),
            Failure::Limited { words, until_ms } if !is_about(name, words) => authority.line.close(*until_ms),
            Failure::Limited { .. } | Failure::Unfinished => {}
            Failure::Outage(_) => {
                if authority.is_unwell().await >= OUTAGE_ATTEMPTS {
                    authority.line.close(self.options.now() + ms(self.options.times.outage));
                }
            }
        }
        let is_refusal = matches!(failure, Failure::Refused { .. });
        self.count(authority, if is_refusal { Outcome::Refused } else { Outcome::Unavailable });
        tracing::warn!("{name}: no certificate from {}: {failure}", authority.issuer.name);
    }

    /// Nobody will come back to the order of this name.
    pub(super) fn leave_order(&self, tries: &mut Tries) {
        if let Some((issuer, url)) = tries.order.take()
            && let Some(authority) = self.authority(&issuer)
        {
            authority.forget(&url);
        }
    }

    fn count(&self, authority: &Authority, outcome: Outcome) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        *tally.entry((authority.issuer.name.clone(), outcome)).or_default() += 1;
    }
}

/// Whether a limit is one of this name's: then the words name it, or a domain above it, or "this exact set".
/// Otherwise it is one for all our orders.
fn is_about(name: &str, words: &str) -> bool {
    let mut domain = Some(host(name));
    while let Some(part) = domain.filter(|part| part.contains('.')) {
        if words.contains(&format!("\"{part}\"")) {
            return true;
        }
        domain = parent(part);
    }
    words.contains("exact set of")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_one_name_are_told_from_limits_for_all() {
        let about = |words| is_about("a.shop.example.com", words);
        assert!(about(r#"too many certificates (50) already issued for "example.com" in the last 168h0m0s"#));
        assert!(about(r#"too many failed authorizations (5) for "a.shop.example.com" in the last 1h0m0s"#));
        assert!(about("too many certificates (5) already issued for this exact set of identifiers"));
        assert!(!about("too many new orders (300) from this account in the last 3h0m0s"));
        assert!(!about(r#"too many certificates already issued for "com""#));
    }
}
