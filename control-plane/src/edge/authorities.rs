//! What certificate authorities say of themselves in their directories.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::config::Authority;

const PATIENCE: Duration = Duration::from_secs(10);

/// An authority's directory, as far as it concerns us.
#[derive(Debug)]
pub struct Directory {
    /// What it is called in CAA records.
    pub caa_identities: Vec<String>,
    /// Its clock, as it tells it in HTTP.
    pub date: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    caa_identities: Vec<String>,
}

/// Asks an authority for its directory.
pub async fn directory(authority: &Authority) -> anyhow::Result<Directory> {
    let mut client = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
    if let Some(pem) = authority.root_pem()? {
        let roots = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).context("read the root")?;
        client = client.tls_certs_only(roots);
    }
    let client = client.build().context("prepare a client")?;
    let response = client.get(&authority.directory).send().await.and_then(reqwest::Response::error_for_status);
    let response = response.with_context(|| format!("ask {}", authority.name()))?;
    let date = response.headers().get(http::header::DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
    let document: Document = serde_json::from_slice(&response.bytes().await?).context("read the directory")?;
    Ok(Directory { caa_identities: document.meta.caa_identities, date })
}
