//! When certificates are to be renewed, as their authorities say (RFC 9773).

use std::sync::Arc;
use std::time::Duration;

use super::Keeper;
use crate::acme::desk::Desk;
use crate::acme::failure::Failure;
use crate::acme::options::ms;
use crate::acme::plan::Window;

/// Questions at once.
const ASKED_AT_ONCE: usize = 5;

/// When to ask again where no answer came.
const ASK_AGAIN: Duration = Duration::from_secs(60 * 60);

/// An authority's own wish about that is heard between these two.
const SOONEST: Duration = Duration::from_secs(60);
const LATEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What an authority said about a certificate, and for how long that holds; nothing if it never says.
pub(super) type Answer = Result<Option<(Window, Duration)>, Failure>;

impl Keeper {
    /// Asks about the certificates whose time for that has come, a few at once.
    pub(super) fn ask_about_renewals(&mut self, now: i64) {
        for name in self.wanted.keys() {
            if self.asking.len() >= ASKED_AT_ONCE {
                return;
            }
            let Some(known) = self.known.get(name) else { continue };
            let is_due = known.ask_ms != 0 && known.ask_ms <= now;
            let may_ask = self.asked.get(name).is_none_or(|again_ms| *again_ms <= now);
            let has_authority = self.desk.authority(&known.issuer).is_some();
            if !is_due || !may_ask || !has_authority {
                continue;
            }
            self.asked.insert(name.clone(), i64::MAX);
            let (desk, name, issuer) = (self.desk.clone(), name.clone(), known.issuer.clone());
            self.asking.spawn(async move {
                let answer = ask(&desk, &name, &issuer).await;
                (name, answer)
            });
        }
    }

    /// Takes over what an authority said, unless it said nothing.
    pub(super) async fn replan(&mut self, name: Arc<str>, answer: Answer) {
        let now = self.now();
        let Some(known) = self.known.get_mut(&name) else { return };
        match answer {
            Ok(Some((window, again))) => {
                let is_first = known.ask_ms == known.obtained_ms;
                known.renew_ms = window.choose((!is_first).then_some(known.renew_ms));
                known.ask_ms = now + ms(again.clamp(SOONEST, LATEST));
            }
            Ok(None) => known.ask_ms = 0,
            Err(failure) => {
                tracing::info!("could not learn when to renew {name}: {failure}");
                self.asked.insert(name, now + ms(ASK_AGAIN));
                return;
            }
        }
        self.asked.remove(&name);
        let planned = self.desk.options.store.plan_renewal(&name, known.renew_ms, known.ask_ms).await;
        if let Err(cause) = planned {
            tracing::error!("could not store when to renew {name}: {cause}");
        }
    }
}

async fn ask(desk: &Desk, name: &str, issuer: &str) -> Answer {
    let held = desk.options.store.certificate(name).await.map_err(Failure::Ours)?;
    match (held, desk.authority(issuer)) {
        (Some(held), Some(authority)) => {
            let answer = authority.renewal(&desk.options, &held.chain_pem).await;
            if let Err(Failure::Limited { until_ms, .. }) = &answer {
                authority.line.close(*until_ms);
            }
            answer
        }
        _ => Ok(None),
    }
}
