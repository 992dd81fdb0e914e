//! The platform's own mails: written as jobs with the change they tell of, sent over SMTP, or kept in an outbox under
//! development.

use std::time::Duration;

use anyhow::Context as _;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;

use crate::accounts::{Account, Email};
use crate::clock::{self, DAY};
use crate::config::{self, Config, Security};
use crate::database::Database;
use crate::error::Result;
use crate::fleet::urls::Urls;
use crate::jobs::{self, Kind, Run};
use crate::state::Platform;

/// For each step of a talk with the mail server.
const SMTP_PATIENCE: Duration = Duration::from_secs(60);

/// A mail to be sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Mail {
    to: String,
    subject: String,
    text: String,
    html: String,
    link: Option<String>,
    /// Absent for mails of the platform itself.
    #[serde(default)]
    sender: Option<Sender>,
}

/// In whose name a mail is sent beside the platform's.
#[derive(Clone, Serialize, Deserialize)]
pub struct Sender {
    /// As people read it.
    pub name: String,
    /// Where answers go.
    pub answers_to: String,
}

/// A mail as the development outbox shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutboxMail {
    id: String,
    to: String,
    subject: String,
    text: String,
    html: String,
    /// The one link of the mail.
    link: Option<String>,
    at_ms: i64,
}

impl Mail {
    /// "Prove your address."
    pub fn verification(platform: &Platform, account: &Account, secret: &str) -> Mail {
        let link = format!("{}/verify#{secret}", platform.urls.console());
        Mail::of_platform(
            &account.email,
            "Confirm your mail address",
            "Welcome to Roost. Somebody, hopefully you, opened an account with this address. Please confirm that it is \
             yours; the link works for three days. If you did not sign up, ignore this mail and leave the link alone: \
             it would make your address theirs here.",
            "Confirm my address",
            &link,
        )
    }

    /// "Choose a new password."
    pub fn reset(platform: &Platform, account: &Account, secret: &str) -> Mail {
        let link = format!("{}/reset#{secret}", platform.urls.console());
        Mail::of_platform(
            &account.email,
            "Choose a new password",
            "Somebody, hopefully you, asked for a new password for your Roost account. The link works once, for an \
             hour. If it was not you, ignore this mail: nothing changes.",
            "Choose a new password",
            &link,
        )
    }

    /// "This address is to be yours here."
    pub fn new_address(platform: &Platform, to: &Email, secret: &str) -> Mail {
        let link = format!("{}/verify-address#{secret}", platform.urls.console());
        Mail::of_platform(
            to.as_str(),
            "Confirm your new mail address",
            "Somebody, hopefully you, wants to use this address for a Roost account. The link works once, for an hour. \
             If it was not you, ignore this mail: nothing changes.",
            "Use this address",
            &link,
        )
    }

    /// "This address is no longer yours here", to the old one.
    pub fn address_changed(platform: &Platform, before: &Account, now: &Email) -> Mail {
        let sentence = format!(
            "Your Roost account has another mail address now: {now}. If that was not you, ask whoever runs this \
             installation for help at once."
        );
        let link = format!("{}/account", platform.urls.console());
        Mail::of_platform(&before.email, "Your mail address was changed", &sentence, "Look at my account", &link)
    }

    /// "There were projects in your account."
    pub fn projects_found(urls: &Urls, to: &str, names: &[String]) -> Mail {
        let sentence = format!(
            "You proved that this address is yours. Before you did, somebody, possibly you, made projects in its account: \
             {}. They go on serving, but whoever knew the passwords of their superusers is locked out: all superusers are \
             removed. Look at each project; if it is yours, set a superuser in its settings, and if not, delete it. \
             Everything else in it is as that person left it, and its backups still have the old superusers.",
            names.join(", ")
        );
        let link = format!("{}/projects", urls.console());
        Mail::of_platform(to, "Projects in your account", &sentence, "Look at the projects", &link)
    }

    /// "Join our team."
    pub fn invitation(platform: &Platform, to: &Email, by: &Account, team: &str, secret: &str) -> Mail {
        let link = format!("{}/join#{secret}", platform.urls.console());
        let sentence = format!(
            "{} invites you to the team {team} on Roost. The link works once, for a week. If you do not know them, \
             ignore this mail: nothing happens.",
            by.email
        );
        Mail::of_platform(to.as_str(), &format!("Join {team} on Roost"), &sentence, "Join the team", &link)
    }

    /// A sentence and what to press. The sentence may hold others' words, so it is escaped.
    pub fn of_platform(to: &str, subject: &str, sentence: &str, button: &str, link: &str) -> Mail {
        let html = page(&escape(sentence), button, link);
        let text = format!("Hello,\n\n{sentence}\n\n{link}\n");
        Mail { to: to.to_owned(), subject: subject.to_owned(), text, html, link: Some(link.to_owned()), sender: None }
    }

    /// A mail of a project.
    pub fn of_project(sender: Sender, to: &str, subject: &str, text: &str, html: &str) -> Mail {
        Mail {
            to: to.to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: html.to_owned(),
            link: None,
            sender: Some(sender),
        }
    }

    /// Sends it, or puts it into the outbox. What is sent twice under one id, since a crash hid the first time, is known
    /// by it: the outbox takes it once, and readers show messages of the same id once.
    pub async fn deliver(&self, id: &str, config: &Config, database: &Database) -> anyhow::Result<()> {
        if !config.mail.host.is_empty() {
            return self.send_by_smtp(id, &config.mail).await;
        }
        if !config.dev {
            anyhow::bail!("no mail server is configured ([mail] host)");
        }
        sqlx::query(
            "INSERT INTO outbox (id, recipient, subject, text, html, link, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(&self.to)
        .bind(&self.subject)
        .bind(&self.text)
        .bind(&self.html)
        .bind(&self.link)
        .bind(clock::now_ms())
        .execute(database.write())
        .await?;
        Ok(())
    }

    async fn send_by_smtp(&self, id: &str, settings: &config::Mail) -> anyhow::Result<()> {
        let mut from: Mailbox = settings.from.parse().context("read [mail] from")?;
        let mut message = Message::builder().message_id(Some(format!("<{id}@{}>", from.email.domain())));
        if let Some(sender) = &self.sender {
            from.name = Some(sender.name.clone());
            if let Ok(address) = sender.answers_to.parse() {
                message = message.reply_to(Mailbox::new(Some(sender.name.clone()), address));
            }
        }
        let message = message
            .from(from)
            .to(self.to.parse().context("read the recipient")?)
            .subject(&self.subject)
            .multipart(MultiPart::alternative_plain_html(self.text.clone(), self.html.clone()))
            .context("write the mail")?;
        transport(settings)?.send(message).await.context("hand the mail to the mail server")?;
        Ok(())
    }
}

/// The job that hands a mail over.
pub async fn send(run: &Run) -> anyhow::Result<()> {
    run.input::<Mail>()?.deliver(&run.id, &run.platform.config, &run.platform.database).await
}

/// The way to the mail server.
fn transport(settings: &config::Mail) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let host = &settings.host;
    let transport = match settings.security {
        Security::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host)?,
        Security::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host)?,
        Security::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
    };
    let mut transport = transport.port(settings.port).timeout(Some(SMTP_PATIENCE));
    if !settings.username.is_empty() {
        transport = transport.credentials(Credentials::new(settings.username.clone(), settings.password.clone()));
    }
    Ok(transport.build())
}

/// Whether the mail server lets us in.
pub async fn reach(settings: &config::Mail) -> anyhow::Result<()> {
    let ready = transport(settings)?.test_connection().await.context("connect")?;
    anyhow::ensure!(ready, "it does not answer as a mail server does");
    Ok(())
}

fn page(sentence: &str, button: &str, link: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><body style=\"font:16px/24px system-ui,sans-serif;color:#1b1a17\">\
         <p>Hello,</p><p>{sentence}</p><p><a href=\"{link}\" style=\"display:inline-block;padding:8px 16px;\
         border-radius:7px;background:#0b6e75;color:#fff;text-decoration:none\">{button}</a></p>\
         <p style=\"color:#6b665d\">Or open {link}</p></body></html>"
    )
}

/// What people typed, as text in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Has a mail sent once the transaction is committed.
pub async fn enqueue(tx: &mut Transaction<'static, Any>, mail: &Mail) -> Result<()> {
    let input = serde_json::to_string(mail).map_err(anyhow::Error::new)?;
    jobs::enqueue(tx, Kind::SendMail, "", None, &input, clock::now_ms(), DAY).await?;
    Ok(())
}

/// The same, but whatever was sent under this key is not sent again.
pub async fn enqueue_once(tx: &mut Transaction<'static, Any>, key: &str, mail: &Mail) -> Result<()> {
    let input = serde_json::to_string(mail).map_err(anyhow::Error::new)?;
    jobs::enqueue(tx, Kind::SendMail, "", Some(key), &input, clock::now_ms(), DAY).await?;
    Ok(())
}

/// Mails of the development outbox that are shown.
const LATEST: i64 = 100;

/// The development outbox, newest first.
pub async fn outbox(db: &AnyPool) -> Result<Vec<OutboxMail>> {
    let sql = "SELECT id, recipient, subject, text, html, link, at_ms FROM outbox ORDER BY at_ms DESC, id LIMIT $1";
    let rows = sqlx::query(sql).bind(LATEST).fetch_all(db).await?;
    let mails = rows.iter().map(|row| {
        Ok(OutboxMail {
            id: row.try_get(0)?,
            to: row.try_get(1)?,
            subject: row.try_get(2)?,
            text: row.try_get(3)?,
            html: row.try_get(4)?,
            link: row.try_get(5)?,
            at_ms: row.try_get(6)?,
        })
    });
    Ok(mails.collect::<sqlx::Result<Vec<OutboxMail>>>()?)
}
