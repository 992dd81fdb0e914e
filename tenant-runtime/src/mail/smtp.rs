//! One conversation with a tenant's mail server.
//!
//! The connection is made by hand rather than by lettre's transport, because where it leads is judged by the resolved
//! address.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::MailError;
use crate::outbound::Outbound;
use crate::settings::Smtp;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For the whole conversation.
const TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_NAME: &str = "localhost";

/// How the last server proves who it is. To make this the system's certificates are read, which takes a while.
#[derive(Default)]
pub(super) struct Trust(Mutex<Option<TlsParameters>>);

impl Trust {
    fn in_host(&self, host: &str) -> Result<TlsParameters, MailError> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = last.as_ref().filter(|known| known.domain() == host) {
            return Ok(known.clone());
        }
        let made = TlsParameters::new(host.to_owned()).map_err(failed)?;
        *last = Some(made.clone());
        Ok(made)
    }
}

/// Hands a message to the server.
pub(super) async fn send(
    outbound: &Outbound,
    trust: &Trust,
    server: &Smtp,
    message: &Message,
) -> Result<(), MailError> {
    let conversation = converse(outbound, trust, server, message);
    tokio::time::timeout(TIMEOUT, conversation).await.map_err(|_| MailError::TooSlow)?
}

async fn converse(outbound: &Outbound, trust: &Trust, server: &Smtp, message: &Message) -> Result<(), MailError> {
    let port = u16::try_from(server.port).map_err(|_| MailError::Failed(format!("{} is no port", server.port)))?;
    let addresses = outbound.resolve(&server.host, port).await.map_err(unreachable)?;
    let name = if server.local_name.is_empty() { DEFAULT_NAME } else { &server.local_name };
    let name = ClientId::Domain(name.to_owned());
    let from_the_start = if server.tls { Some(trust.in_host(&server.host)?) } else { None };
    let connecting =
        AsyncSmtpConnection::connect_tokio1(&addresses[..], Some(CONNECT_TIMEOUT), &name, from_the_start, None);
    let mut connection = connecting.await.map_err(failed)?;
    if connection.can_starttls() {
        connection.starttls(trust.in_host(&server.host)?, &name).await.map_err(failed)?;
    }
    if !server.username.is_empty() || !server.password.is_empty() {
        if !connection.is_encrypted() && !is_this_machine(&server.host) {
            return Err(MailError::InTheOpen);
        }
        let mechanism = if server.auth_method == "LOGIN" { Mechanism::Login } else { Mechanism::Plain };
        let credentials = Credentials::new(server.username.clone(), server.password.clone());
        connection.auth(&[mechanism], &credentials).await.map_err(failed)?;
    }
    connection.send(message.envelope(), &message.formatted()).await.map_err(failed)?;
    // The server has the mail; how it takes its leave changes nothing.
    let _ = connection.quit().await;
    Ok(())
}

fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

fn unreachable(error: io::Error) -> MailError {
    match error.kind() {
        io::ErrorKind::PermissionDenied => MailError::Forbidden,
        _ => MailError::Failed(error.to_string()),
    }
}

fn failed(error: lettre::transport::smtp::Error) -> MailError {
    if error.is_timeout() { MailError::TooSlow } else { MailError::Failed(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{Mail, message};

    #[tokio::test]
    async fn a_server_inside_the_network_is_not_talked_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let mail = Mail {
            from_name: String::new(),
            from_address: "a@example.com".into(),
            to: "b@example.com".into(),
            subject: String::new(),
            html: String::new(),
            text: String::new(),
        };
        let message = message::write(&mail).expect("writes");
        for host in ["localhost", "127.0.0.1"] {
            let server = Smtp { enabled: true, host: host.into(), port: port.into(), ..Smtp::default() };
            let refused = send(&Outbound::public_and(Vec::new()), &Trust::default(), &server, &message).await;
            assert!(matches!(refused, Err(MailError::Forbidden)), "{refused:?}");
        }
    }
}
