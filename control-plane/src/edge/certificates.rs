//! The proxy's keeper of certificates, as the platform sets it up and hears from it.
//!
//! What becomes of a customer's domain is read from the store by [`domains::keeper`](crate::domains::keeper); an event
//! only makes that sooner. The platform's own names have no such reader: their failures are told here.

use std::sync::Arc;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use proxy::Options;
use proxy::acme::dns::Dns;
use proxy::acme::store::Store;
use proxy::acme::{AcmeOptions, Event, ExternalAccount, Issuer, Precheck};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::accounts;
use crate::config::{Authority, Config};
use crate::domains::keeper;
use crate::edge::store::EdgeStore;
use crate::error::Result;
use crate::mail::{self, Mail};
use crate::state::Platform;

/// Has the proxy keep its names certified, and answer authorities that ask. Answers where the keeper's events arrive; none
/// if certificates come from files.
pub fn connect(platform: &Platform, proxy: &mut Options) -> anyhow::Result<Option<mpsc::UnboundedReceiver<Event>>> {
    let config = &platform.config;
    if !config.acme.is_on() {
        return Ok(None);
    }
    let issuers =
        config.acme.authorities().iter().map(|authority| issuer(config, authority)).collect::<anyhow::Result<_>>()?;
    let store: Arc<dyn Store> = Arc::new(EdgeStore::new(platform.database.clone()));
    let (events, heard) = mpsc::unbounded_channel();
    if !config.listen.dns.is_empty() {
        let (listen, domain) = (config.listen.dns.clone(), config.domain.parse().context("read the domain")?);
        proxy.dns = Some(Dns { listen, domain });
    }
    proxy.acme = Some(AcmeOptions {
        contact: config.acme.email.clone(),
        precheck: Arc::new(Look(platform.clone())),
        events: Some(events),
        ..AcmeOptions::new(issuers, store)
    });
    Ok(Some(heard))
}

fn issuer(config: &Config, authority: &Authority) -> anyhow::Result<Issuer> {
    let account = ExternalAccount { key_id: authority.eab_kid.clone(), key: authority.eab_key.clone() };
    Ok(Issuer {
        name: authority.name().to_owned(),
        directory: authority.directory.clone(),
        root_pem: authority.root_pem()?,
        profile: Some(config.acme.profile.clone()).filter(|profile| !profile.is_empty()),
        external_account: Some(account).filter(|account| !account.key_id.is_empty()),
    })
}

/// Looks at a name before an authority is asked.
struct Look(Platform);

impl Precheck for Look {
    fn check<'a>(&'a self, name: &'a str) -> BoxFuture<'a, std::result::Result<(), String>> {
        keeper::precheck(&self.0, name).boxed()
    }
}

/// Hears what the keeper did until cancelled.
pub async fn follow(platform: Platform, mut events: mpsc::UnboundedReceiver<Event>, stop: CancellationToken) {
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            None => return,
            Some(Event::Ordered { name, issuer }) => tracing::info!("a certificate for {name} was asked of {issuer}"),
            Some(Event::Issued { name, issuer, .. }) => {
                tracing::info!("a certificate for {name} came from {issuer}");
                platform.domains.poke();
            }
            Some(Event::Failed { name, message, .. }) => {
                tracing::warn!("no certificate for {name}: {message}");
                platform.domains.poke();
                if let Err(error) = alert(&platform, &name, &message).await {
                    tracing::error!("failed to tell the operators about {name}: {error}");
                }
            }
        }
    }
}

/// Tells the operators that a name of the platform is not renewed: once for each certificate that is about to end.
async fn alert(platform: &Platform, name: &str, message: &str) -> Result<()> {
    let sql = "SELECT expires_ms FROM certificate WHERE name = $1
         AND NOT EXISTS (SELECT 1 FROM domain d WHERE d.name = certificate.name AND d.live = 1)";
    let expires: Option<i64> = sqlx::query_scalar(sql).bind(name).fetch_optional(platform.database.read()).await?;
    let Some(expires) = expires else { return Ok(()) };
    let subject = format!("The certificate of {name} could not be renewed");
    let sentence = format!(
        "The certificate of {name} is served until it ends, and we keep trying to renew it. The last try failed: \
         {message} Run roost doctor on the server to see what is wrong."
    );
    let mut tx = platform.database.begin().await?;
    for operator in accounts::store::operators(&mut tx).await? {
        let mail = Mail::of_platform(&operator, &subject, &sentence, "Open the console", &platform.urls.console());
        mail::enqueue_once(&mut tx, &format!("renewal {name} {expires} {operator}"), &mail).await?;
    }
    tx.commit().await?;
    platform.jobs.poke();
    Ok(())
}
