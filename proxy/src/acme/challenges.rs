//! What to say when an authority asks whether a name is ours.
//!
//! Every answer is looked up in the store: it may have been put there by another process. This file answers on the
//! plain port and in the handshake; TXT records are read from the same store by whoever answers DNS.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::ClientHello;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::AcmeOptions;
use super::store::{ChallengeAnswer, ChallengeKind};
use crate::BoxError;

/// The protocol of a handshake that is a question (RFC 8737).
const ALPN: &[u8] = b"acme-tls/1";

/// What follows `/.well-known/acme-challenge/` in a question for this token and this host, if there is an answer.
pub(super) async fn http_answer(options: &AcmeOptions, host: &str, token: &str) -> Option<String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if token.is_empty() || token.len() > 256 || !token.bytes().all(is_token) {
        return None;
    }
    let mut answers = current(options, ChallengeKind::Http01, host).await.into_iter();
    Some(answers.find(|answer| answer.token == token)?.value)
}

/// Whether a handshake is nothing but a question. One that offers other protocols, too, is a visitor's.
pub(crate) fn is_question(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut protocols| protocols.next() == Some(ALPN) && protocols.next().is_none())
}

/// How to shake hands with an authority that asks for this name.
pub(super) async fn tls_answer(options: &AcmeOptions, name: &str) -> Option<Arc<ServerConfig>> {
    let answers = current(options, ChallengeKind::TlsAlpn01, name).await;
    let answer = answers.into_iter().max_by_key(|answer| answer.until_ms)?;
    match challenge_config(&answer) {
        Ok(config) => Some(config),
        Err(cause) => {
            tracing::warn!("could not answer the authority's question for {name}: {cause}");
            None
        }
    }
}

async fn current(options: &AcmeOptions, kind: ChallengeKind, name: &str) -> Vec<ChallengeAnswer> {
    let now = options.now();
    match options.store.answers(kind, name).await {
        Ok(answers) => answers.into_iter().filter(|answer| answer.until_ms >= now).collect(),
        Err(cause) => {
            tracing::error!("could not look up the answer to a challenge for {name}: {cause}");
            Vec::new()
        }
    }
}

fn challenge_config(answer: &ChallengeAnswer) -> Result<Arc<ServerConfig>, BoxError> {
    let digest = BASE64_URL_SAFE_NO_PAD.decode(&answer.value)?;
    if digest.len() != 32 {
        return Err("the stored answer is no SHA-256".into());
    }
    let mut params = CertificateParams::new(vec![answer.name.clone()])?;
    params.custom_extensions.push(CustomExtension::new_acme_identifier(&digest));
    let pair = KeyPair::generate()?;
    let certificate = params.self_signed(&pair)?;
    let signer = any_ecdsa_type(&PrivateKeyDer::Pkcs8(pair.serialize_der().into()))?;
    // Not `from_der`: that reads the certificate, and refuses its extension as unknown and critical.
    let key = CertifiedKey::new(vec![certificate.der().clone()], signer);

    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}
