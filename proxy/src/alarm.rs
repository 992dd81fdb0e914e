//! A timer for "nothing has happened for so long".
//!
//! Most waits are short or never happen, so nothing is set up before the first wait, and a wait that ended
//! leaves the timer where it was until the next one.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// Rings when it has been waited for long enough without a [`calm`](Alarm::calm) in between.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
    is_set: bool,
}

impl Alarm {
    /// Ready once the wait that began with the first call has lasted so long.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.is_set {
            timer.as_mut().reset(Instant::now() + limit);
            self.is_set = true;
        }
        timer.as_mut().poll(cx)
    }

    /// What was waited for has come.
    pub(crate) fn calm(&mut self) {
        self.is_set = false;
    }
}
