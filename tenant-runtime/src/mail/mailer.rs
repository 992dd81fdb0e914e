//! Sends the mails of one backend, few at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{Mail, MailError, Outbox, message, smtp};
use crate::outbound::Outbound;
use crate::settings::Smtp;

/// Mails that nobody waits for, sent at once.
const AT_ONCE: usize = 4;
/// Mails that nobody waits for, under way or waiting for their turn.
const WAITING: usize = 256;
/// How long a closing backend waits for mails under way.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends mail. One for each backend.
pub struct Mailer {
    outbound: Outbound,
    outbox: Option<Arc<dyn Outbox>>,
    trust: smtp::Trust,
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    under_way: TaskTracker,
}

impl Mailer {
    /// A mailer that reaches tenants' servers through `outbound`, and gives what has no server to `outbox`.
    pub fn new(outbound: Outbound, outbox: Option<Arc<dyn Outbox>>) -> Mailer {
        Mailer {
            outbound,
            outbox,
            trust: smtp::Trust::default(),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            under_way: TaskTracker::new(),
        }
    }

    /// Sends a mail and waits until the server has it.
    pub async fn send(&self, server: &Smtp, mail: &Mail) -> Result<(), MailError> {
        if server.enabled {
            return smtp::send(&self.outbound, &self.trust, server, &message::write(mail)?).await;
        }
        match &self.outbox {
            Some(outbox) => outbox.take(mail).await,
            None => Err(MailError::NoServer),
        }
    }

    /// Runs work that sends mail and that nobody waits for.
    ///
    /// # Errors
    /// `MailError::TooMany` when too much of it waits already.
    pub fn later(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), MailError> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| MailError::TooMany)?;
        let at_once = Arc::clone(&self.at_once);
        self.under_way.spawn(async move {
            let turn = at_once.acquire().await;
            work.await;
            drop((turn, waiting));
        });
        Ok(())
    }

    /// Lets what is under way arrive, if it does soon.
    pub async fn close(&self) {
        self.under_way.close();
        if tokio::time::timeout(FAREWELL, self.under_way.wait()).await.is_err() {
            tracing::warn!("{} mails were not sent in time", self.under_way.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    struct Letterbox(mpsc::UnboundedSender<Mail>);

    impl Outbox for Letterbox {
        fn take<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
            async { self.0.send(mail.clone()).map_err(|_| MailError::TooMany) }.boxed()
        }
    }

    fn mail() -> Mail {
        let text = || "x".to_owned();
        Mail { from_name: text(), from_address: text(), to: text(), subject: text(), html: text(), text: text() }
    }

    #[tokio::test]
    async fn without_a_server_the_outbox_gets_the_mail_and_without_an_outbox_nobody() {
        let (letters, mut received) = mpsc::unbounded_channel();
        let server = Smtp::default();
        let mailer = Mailer::new(Outbound::anywhere(), Some(Arc::new(Letterbox(letters))));
        mailer.send(&server, &mail()).await.expect("is taken");
        assert_eq!(received.recv().await, Some(mail()));
        let alone = Mailer::new(Outbound::anywhere(), None);
        assert!(matches!(alone.send(&server, &mail()).await, Err(MailError::NoServer)));
    }

    #[tokio::test]
    async fn only_so_much_waits_and_what_waits_is_done_before_closing() {
        let mailer = Mailer::new(Outbound::anywhere(), None);
        let (done, mut finished) = mpsc::unbounded_channel();
        let (gate, opened) = oneshot::channel::<()>();
        let opened = opened.shared();
        for _ in 0..WAITING {
            let (opened, done) = (opened.clone(), done.clone());
            let work = async move {
                let _ = opened.await;
                let _ = done.send(());
            };
            mailer.later(work).expect("there is room");
        }
        assert!(matches!(mailer.later(async {}), Err(MailError::TooMany)));
        gate.send(()).expect("somebody waits");
        mailer.close().await;
        drop(done);
        let mut count = 0;
        while finished.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, WAITING);
    }
}
