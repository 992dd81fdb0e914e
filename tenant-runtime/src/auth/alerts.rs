//! The places somebody signs in from, and a mail about each new one.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use md5::{Digest as _, Md5};

use super::{accounts, mails};
use crate::app::App;
use crate::client_address;
use crate::error::Result;
use crate::records::{Record, Value, datetime, delete, save};

/// The collection known places are kept in.
const ORIGINS: &str = "_authOrigins";
/// So many places of one account are remembered.
const MOST: usize = 5;
/// How long a sign-in waits for the mail.
const PATIENCE: Duration = Duration::from_secs(15);
const LONGEST_USER_AGENT: usize = 200;

/// Where somebody signs in from.
#[derive(Clone, Debug)]
pub struct Place {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// What its browser calls itself.
    pub user_agent: String,
}

/// Remembers the place, and tells the account's owner if it is new to them. A place they could not be told of is not
/// remembered.
pub async fn watch(app: &App, account: &Record, place: &Place) -> Result<()> {
    let fingerprint = place.fingerprint();
    let (inner, of) = (app.clone(), account.clone());
    let known = app
        .store()
        .read(move |db| accounts::belongings(db, &accounts::supporting(&inner.schema(), ORIGINS)?, &of))
        .await?;
    let is_known = known.iter().any(|origin| origin.text("fingerprint") == fingerprint);
    if !is_known && !known.is_empty() {
        let mail = mails::alert(app, account, &place.describe());
        tokio::time::timeout(PATIENCE, mails::send(app, mail)).await.map_err(anyhow::Error::new)??;
    }
    let (inner, of) = (app.clone(), account.clone());
    app.store()
        .write(move |tx| {
            tx.must_be_possible();
            let origins = accounts::supporting(&inner.schema(), ORIGINS)?;
            let mut known = accounts::belongings(tx, &origins, &of)?;
            let at = known.iter().position(|origin| origin.text("fingerprint") == fingerprint);
            let origin = match at {
                Some(at) => known.swap_remove(at),
                None => {
                    for oldest in known.drain((MOST - 1).min(known.len())..) {
                        delete::delete(&inner, tx, oldest)?;
                    }
                    let mut origin = accounts::belonging(&origins, &of);
                    accounts::set(&mut origin, "fingerprint", Value::Text(fingerprint));
                    origin
                }
            };
            save::save(&inner, tx, origin).map(drop)
        })
        .await
}

impl Place {
    /// What stock servers store.
    fn fingerprint(&self) -> String {
        let digest = Md5::digest(format!("{}{}", self.address_text(), self.short_user_agent()));
        digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn describe(&self) -> String {
        format!("{} - {} {}", datetime::now(), self.address_text(), self.short_user_agent())
    }

    fn address_text(&self) -> String {
        self.address.map(client_address::text).unwrap_or_default()
    }

    fn short_user_agent(&self) -> String {
        match self.user_agent.char_indices().nth(LONGEST_USER_AGENT) {
            Some((end, _)) => format!("{}...", &self.user_agent[..end]),
            None => self.user_agent.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_stock_servers() {
        let place = Place { address: Some([127, 0, 0, 1].into()), user_agent: "node".into() };
        assert_eq!(place.fingerprint(), "e1b2892a537c2611be478c298e10eabb");
        let long = Place { address: None, user_agent: "ä".repeat(201) };
        assert!(long.short_user_agent().ends_with("ä..."));
    }
}
