//! The chain: handlers around an operation, each deciding when (and whether) the rest runs.
//!
//! Realtime and files are handlers of the same events users get. Handlers are plain synchronous functions because they
//! run inside the transaction; the first registered is the outermost. Registration ends when serving begins, so a chain
//! is read without a lock.

pub mod events;
mod registry;

use std::sync::Arc;

use crate::error::Result;

pub use registry::Hooks;

/// A kind of event: what is passed along the chain, and which tags it answers to.
pub trait Event {
    /// The event itself; it may borrow the transaction.
    type Of<'e>;

    /// Whether a handler registered for `tag` wants this event. Tags of records are their collection's id or name.
    fn has_tag(event: &Self::Of<'_>, tag: &str) -> bool;
}

/// What a user registers.
pub type Handler<K> = Arc<dyn for<'e> Fn(&mut <K as Event>::Of<'e>, Next<'_, K>) -> Result<()> + Send + Sync>;

/// All handlers of one event, in order.
pub struct Hook<K: Event> {
    handlers: Vec<Bound<K>>,
}

struct Bound<K: Event> {
    tags: Vec<String>,
    handler: Handler<K>,
}

/// The rest of the chain. Running it consumes it, so it runs at most once; dropping it stops the chain without error.
pub struct Next<'n, K: Event> {
    rest: &'n [Bound<K>],
    finish: &'n mut dyn FnMut(&mut K::Of<'_>) -> Result<()>,
}

impl<K: Event> Hook<K> {
    /// Adds a handler for events with one of these tags, or for all when there are none.
    pub fn bind<F>(&mut self, tags: &[&str], handler: F)
    where
        F: for<'e> Fn(&mut K::Of<'e>, Next<'_, K>) -> Result<()> + Send + Sync + 'static,
    {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        self.handlers.push(Bound { tags, handler: Arc::new(handler) });
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.handlers.is_empty()
    }

    /// Runs the handlers and, inside the innermost, `finish`.
    pub fn trigger(&self, event: &mut K::Of<'_>, mut finish: impl FnMut(&mut K::Of<'_>) -> Result<()>) -> Result<()> {
        Next { rest: &self.handlers, finish: &mut finish }.run(event)
    }
}

impl<K: Event> Next<'_, K> {
    /// Runs the remaining handlers, then the operation itself.
    pub fn run(self, event: &mut K::Of<'_>) -> Result<()> {
        let mut rest = self.rest;
        while let Some((first, others)) = rest.split_first() {
            rest = others;
            if first.tags.is_empty() || first.tags.iter().any(|tag| K::has_tag(event, tag)) {
                return (first.handler)(event, Next { rest, finish: self.finish });
            }
        }
        (self.finish)(event)
    }
}

impl<K: Event> Default for Hook<K> {
    fn default() -> Hook<K> {
        Hook { handlers: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Words;

    impl Event for Words {
        type Of<'e> = Vec<&'static str>;

        fn has_tag(event: &Vec<&'static str>, tag: &str) -> bool {
            event.first().is_some_and(|first| *first == tag)
        }
    }

    #[test]
    fn handlers_nest_in_order_around_the_operation() {
        let mut hook = Hook::<Words>::default();
        hook.bind(&[], |words, next| {
            words.push("outer");
            next.run(words)?;
            words.push("after outer");
            Ok(())
        });
        hook.bind(&["other"], |words, next| {
            words.push("never");
            next.run(words)
        });
        hook.bind(&["start"], |words, next| {
            words.push("inner");
            next.run(words)
        });
        let mut words = vec!["start"];
        hook.trigger(&mut words, |words| {
            words.push("operation");
            Ok(())
        })
        .expect("runs");
        assert_eq!(words, ["start", "outer", "inner", "operation", "after outer"]);
    }

    #[test]
    fn a_handler_that_does_not_go_on_stops_the_chain_without_error() {
        let mut hook = Hook::<Words>::default();
        hook.bind(&[], |_, _| Ok(()));
        let mut words = Vec::new();
        hook.trigger(&mut words, |words| {
            words.push("operation");
            Ok(())
        })
        .expect("stops quietly");
        assert!(words.is_empty());
    }
}
