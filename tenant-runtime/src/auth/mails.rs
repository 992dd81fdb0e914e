//! The mails accounts get: which template, which link, to whom.

use std::sync::Arc;

use super::{accounts, tokens};
use crate::app::App;
use crate::error::{Error, Result};
use crate::mail::Mail;
use crate::mail::template::{self, Filling};
use crate::records::{Record, Value};
use crate::schema::auth_options::{AuthOptions, EmailTemplate};
use crate::schema::{Collection, TokenType};

/// "Is this address yours?"
pub(super) fn verification(app: &App, record: &Record) -> Result<Mail> {
    let token = tokens::issue_for_mail(record, TokenType::Verification)?;
    compose(app, record, record.text("email"), |auth| &auth.verification_template, &[("TOKEN", token)])
}

/// "Choose a new password."
pub(super) fn password_reset(app: &App, record: &Record) -> Result<Mail> {
    let token = tokens::issue_for_mail(record, TokenType::PasswordReset)?;
    compose(app, record, record.text("email"), |auth| &auth.reset_password_template, &[("TOKEN", token)])
}

/// "Is this to be your address?", to the new one.
pub(super) fn email_change(app: &App, record: &Record, new_email: &str) -> Result<Mail> {
    let token = tokens::issue_email_change(record, new_email)?;
    compose(app, record, new_email, |auth| &auth.confirm_email_change_template, &[("TOKEN", token)])
}

/// A one-time password.
pub(super) fn otp(app: &App, record: &Record, id: &str, password: &str) -> Result<Mail> {
    let own = [("OTP", password.to_owned()), ("OTP_ID", id.to_owned())];
    compose(app, record, record.text("email"), |auth| &auth.otp.email_template, &own)
}

/// "Somebody signed in from a new place."
pub(super) fn alert(app: &App, record: &Record, about: &str) -> Result<Mail> {
    let own = [("ALERT_INFO", template::escape(about))];
    compose(app, record, record.text("email"), |auth| &auth.auth_alert.email_template, &own)
}

fn compose(
    app: &App,
    record: &Record,
    to: &str,
    template: impl Fn(&AuthOptions) -> &EmailTemplate,
    own: &[(&str, String)],
) -> Result<Mail> {
    let auth = record.collection().auth.as_deref();
    let auth = auth.ok_or_else(|| Error::Internal(anyhow::anyhow!("not an auth record")))?;
    Ok(template::mail(&app.settings(), template(auth), to, &Filling { record, own }))
}

/// Sends one of them, if it could be written, and waits until it is on its way.
pub(super) async fn send(app: &App, mail: Result<Mail>) -> Result<()> {
    app.send(&mail?).await.map_err(|error| Error::Internal(anyhow::Error::new(error)))
}

/// What a mail is about.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Occasion {
    Verification,
    PasswordReset,
    EmailChange,
    Otp,
    LoginAlert,
}

impl Occasion {
    /// Reads the name on the wire.
    pub fn from_name(name: &str) -> Option<Occasion> {
        Some(match name {
            "verification" => Occasion::Verification,
            "password-reset" => Occasion::PasswordReset,
            "email-change" => Occasion::EmailChange,
            "otp" => Occasion::Otp,
            "login-alert" => Occasion::LoginAlert,
            _ => return None,
        })
    }

    /// The mail about an account that does not exist, to see what it looks like.
    pub fn sample(self, app: &App, collection: &Arc<Collection>, to: &str) -> Result<Mail> {
        let mut record = Record::new(collection);
        for (at, field) in collection.fields.iter().enumerate() {
            if matches!(record.values()[at], Value::Text(_)) {
                record.set_value(at, Value::Text(format!("__pb_test_{}__", field.name)));
            }
        }
        accounts::set(&mut record, "email", Value::Text(to.to_owned()));
        match self {
            Occasion::Verification => verification(app, &record),
            Occasion::PasswordReset => password_reset(app, &record),
            Occasion::EmailChange => email_change(app, &record, to),
            Occasion::Otp => otp(app, &record, "_PB_TEST_OTP_ID_", "123456"),
            Occasion::LoginAlert => alert(app, &record, "__pb_test_alert_info__"),
        }
    }
}
