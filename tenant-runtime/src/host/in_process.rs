//! Opens a tenant's App in this process.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, TryFutureExt as _};

use super::Outboxes;
use super::answers::Refusal;
use super::spec::{FirstSuperuser, TenantSpec};
use crate::app::{App, AppOptions, Identity, OpenError};
use crate::cron;
use crate::mail::{Mail, MailError, Outbox};
use crate::meter::Meter;
use crate::service::{self, HttpService};
use crate::store::Tx;
use crate::superusers;

/// Opens the data directory it is given, making what is absent.
pub(super) type Launch =
    Box<dyn Fn(PathBuf, &TenantSpec, &Meter) -> BoxFuture<'static, Result<Backend, OpenError>> + Send + Sync>;

/// What answers a tenant's requests.
#[derive(Clone)]
pub(super) struct Backend {
    pub(super) service: HttpService,
    /// Absent where something else than an App answers.
    pub(super) app: Option<App>,
}

/// Launches Apps that share what these options hold.
pub(super) fn launcher(engine: AppOptions, outboxes: Option<Outboxes>) -> Launch {
    Box::new(move |dir, spec, meter| {
        let identity = Identity { app_name: spec.app_name.clone(), app_url: spec.public_url.clone() };
        let count = |outbox| Arc::new(Counted { outbox, meter: meter.clone() }) as Arc<dyn Outbox>;
        let outbox = outboxes.as_ref().map(|find| count(find(spec.id)));
        let options = AppOptions { identity: Some(identity), outbox, meter: meter.clone(), ..engine.clone() };
        Box::pin(open(dir, options))
    })
}

/// Counts the mails that an outbox takes.
struct Counted {
    outbox: Arc<dyn Outbox>,
    meter: Meter,
}

impl Outbox for Counted {
    fn take<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        let taken = self.outbox.take(mail);
        taken.inspect_ok(|()| _ = self.meter.mails.fetch_add(1, Ordering::Relaxed)).boxed()
    }
}

async fn open(dir: PathBuf, options: AppOptions) -> Result<Backend, OpenError> {
    let pool = options.pool.clone();
    let app = pool.run(move || App::open(&dir, options)).await.map_err(anyhow::Error::new)??;
    Ok(Backend { service: service::boxed(app.router()), app: Some(app) })
}

impl Backend {
    /// Creates a superuser or sets its password.
    pub(super) async fn put_superuser(&self, superuser: FirstSuperuser) -> Result<(), Refusal> {
        let FirstSuperuser { email, password_hash } = superuser;
        if password_hash.parse::<bcrypt::HashParts>().is_err() {
            return Err(Refusal::Invalid("A superuser's password travels as a bcrypt hash.".to_owned()));
        }
        if let Some(app) = &self.app {
            let put = move |tx: &mut Tx| {
                tx.must_be_possible();
                superusers::put(tx, &email, &password_hash)
            };
            app.store().write(put).await?;
        }
        Ok(())
    }

    /// Removes all superusers.
    pub(super) async fn remove_superusers(&self) -> Result<(), Refusal> {
        if let Some(app) = &self.app {
            let remove = |tx: &mut Tx| {
                tx.must_be_possible();
                superusers::remove_all(tx)
            };
            app.store().write(remove).await?;
        }
        Ok(())
    }

    /// Begins to see to what is due.
    pub(super) fn keep_time(&self) {
        if let Some(app) = &self.app {
            app.keep_time();
        }
    }

    /// Whether it is at work although nobody waits for an answer.
    pub(super) fn is_at_work(&self) -> bool {
        self.app.as_ref().is_some_and(App::is_at_work)
    }

    /// When it wants to be woken after it was closed, in milliseconds since the epoch.
    pub(super) fn wakes_at_ms(&self) -> Option<i64> {
        let wakes_at = self.app.as_ref().and_then(cron::next_wake);
        wakes_at.map(|moment| moment.timestamp_millis())
    }

    /// Gives back caches.
    pub(super) async fn rest(&self) {
        if let Some(app) = &self.app {
            app.rest().await;
        }
    }

    /// Finishes what was begun and closes the files.
    pub(super) async fn close(&self) {
        if let Some(app) = &self.app
            && let Err(error) = app.close().await
        {
            tracing::error!("failed to close: {error}");
        }
    }
}
