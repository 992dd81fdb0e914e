//! How many orders may be placed: less than the authorities allow, so that renewals never wait for new names.

use super::Budget;
use super::options::ms;
use super::store::Ordered;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Why an order has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Everybody's orders at this authority are used up until then.
    Everybody { until_ms: i64 },
    /// This owner's new names are used up until then.
    Owner { until_ms: i64 },
}

/// An order that is about to be placed.
pub(super) struct Wish<'a> {
    pub(super) issuer: &'a str,
    pub(super) name: &'a str,
    pub(super) owner: &'a str,
    pub(super) renews: bool,
}

/// How far back orders count.
pub(super) fn counted_since(budget: &Budget, now: i64) -> i64 {
    now - ms(budget.window).max(DAY_MS)
}

impl Budget {
    /// Whether an order may be placed beside those that were. Renewals an authority asked for need not
    /// ask here.
    pub(super) fn admits(&self, placed: &[Ordered], wish: &Wish<'_>, now: i64) -> Result<(), Wait> {
        if let Some(until_ms) = self.owner_waits(placed, wish, now) {
            return Err(Wait::Owner { until_ms });
        }
        let allowed = if wish.renews { self.new_names + self.renewals } else { self.new_names };
        let window = ms(self.window);
        let here = || placed.iter().filter(|order| order.issuer == wish.issuer && order.at_ms > now - window);
        let mut counted: Vec<i64> =
            here().filter(|order| wish.renews || !order.renews).map(|order| order.at_ms).collect();
        counted.sort_unstable();
        match counted.len().checked_sub(allowed) {
            None => Ok(()),
            // The next place is free once all but `allowed - 1` have left the window.
            Some(excess) => Err(Wait::Everybody { until_ms: counted.get(excess).unwrap_or(&now) + window }),
        }
    }

    /// New names that may still be ordered at an authority.
    pub(super) fn left(&self, placed: &[Ordered], issuer: &str, now: i64) -> usize {
        let window = ms(self.window);
        let counts = |order: &&Ordered| order.issuer == issuer && !order.renews && order.at_ms > now - window;
        self.new_names.saturating_sub(placed.iter().filter(counts).count())
    }

    fn owner_waits(&self, placed: &[Ordered], wish: &Wish<'_>, now: i64) -> Option<i64> {
        if wish.renews || wish.owner.is_empty() {
            return None;
        }
        let today = |order: &&Ordered| order.owner == wish.owner && !order.renews && order.at_ms > now - DAY_MS;
        let mut names: Vec<(&str, i64)> = Vec::new();
        for order in placed.iter().filter(today) {
            if order.name == wish.name {
                return None;
            }
            match names.iter_mut().find(|(name, _)| *name == order.name) {
                Some((_, last)) => *last = (*last).max(order.at_ms),
                None => names.push((&order.name, order.at_ms)),
            }
        }
        if names.len() < self.names_per_owner {
            return None;
        }
        names.iter().map(|(_, last)| last + DAY_MS).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR_MS: i64 = 60 * 60 * 1000;

    fn budget() -> Budget {
        Budget {
            new_names: 2,
            renewals: 1,
            names_per_owner: 2,
            window: Duration::from_secs(3 * 60 * 60),
            ..Budget::default()
        }
    }

    fn placed(name: &str, owner: &str, renews: bool, at_ms: i64) -> Ordered {
        Ordered { issuer: "one".into(), name: name.into(), owner: owner.into(), renews, at_ms }
    }

    fn wish<'a>(name: &'a str, owner: &'a str, renews: bool) -> Wish<'a> {
        Wish { issuer: "one", name, owner, renews }
    }

    #[test]
    fn new_names_wait_until_the_window_lets_the_oldest_go() {
        let now = 100 * HOUR_MS;
        let orders = [placed("a", "x", false, now - 2 * HOUR_MS), placed("b", "y", false, now - HOUR_MS)];
        let waits = budget().admits(&orders, &wish("c", "z", false), now);
        assert_eq!(waits, Err(Wait::Everybody { until_ms: now + HOUR_MS }));
        assert_eq!(budget().left(&orders, "one", now), 0);
        assert_eq!(budget().admits(&orders, &wish("c", "z", false), now + HOUR_MS), Ok(()));
        let elsewhere = Wish { issuer: "two", ..wish("c", "z", false) };
        assert_eq!(budget().admits(&orders, &elsewhere, now), Ok(()));
    }

    #[test]
    fn something_is_kept_for_renewals() {
        let now = 100 * HOUR_MS;
        let mut orders = vec![placed("a", "x", false, now), placed("b", "y", false, now)];
        assert_eq!(budget().admits(&orders, &wish("c", "z", true), now), Ok(()));
        orders.push(placed("c", "z", true, now));
        assert!(budget().admits(&orders, &wish("d", "z", true), now).is_err());
    }

    #[test]
    fn one_owner_cannot_spend_everybodys() {
        let now = 100 * HOUR_MS;
        let budget = Budget { new_names: 100, ..budget() };
        let orders = [
            placed("a", "x", false, now - 20 * HOUR_MS),
            placed("a", "x", false, now - 10 * HOUR_MS),
            placed("b", "x", false, now - 5 * HOUR_MS),
            placed("p", "", false, now),
            placed("q", "", false, now),
        ];
        let waits = budget.admits(&orders, &wish("c", "x", false), now);
        assert_eq!(waits, Err(Wait::Owner { until_ms: now + 14 * HOUR_MS }));
        assert_eq!(budget.admits(&orders, &wish("a", "x", false), now), Ok(()), "a name counts once");
        assert_eq!(budget.admits(&orders, &wish("c", "x", true), now), Ok(()), "renewals do not count");
        assert_eq!(budget.admits(&orders, &wish("c", "y", false), now), Ok(()));
        assert_eq!(budget.admits(&orders, &wish("r", "", false), now), Ok(()), "the platform's own do not count");
    }
}
