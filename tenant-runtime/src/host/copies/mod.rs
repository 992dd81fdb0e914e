//! Copies of a tenant's data: archives for whoever keeps backups elsewhere, and archives restored aside.
//!
//! An archive waits in the tenant's folder `copies` until it was fetched. What comes back is unpacked there, checked and
//! opened like any tenant: that proves the archive, and only then it may take the place of the data, by one rewrite of
//! `tenant.json`. The data before stays until it is told to go. Every call names what it makes, so that asking twice does
//! it once.

mod archives;
mod client;
mod restores;

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{self, State};
use axum::routing::{delete, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::Host;
use super::answers::Refusal;
use super::api::{Answer, parse, to_its_end};
use super::directory::{DataName, Directory, private_dir};
use super::spec::TenantId;
use crate::backups::Census;

const FOLDER: &str = "copies";
const CHUNK: usize = 256 << 10;

/// An archive that waits to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveReport {
    /// Its size.
    pub bytes: u64,
    /// Of all its bytes, in hexadecimal digits.
    pub sha256: String,
    /// What it holds.
    pub census: Census,
    /// Whether the counts are exact, as nobody wrote while it was made.
    pub exact: bool,
}

/// An archive that was restored aside, where it opened and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// The archive's size.
    pub bytes: u64,
    /// Of all its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Whose data it says it is; empty for an archive made elsewhere.
    pub owner: String,
    /// What was restored.
    pub census: Census,
}

/// Which data a tenant has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataReport {
    /// The data it opens, such as `data-2`.
    pub data: String,
    /// The data before the last restore, as long as it is kept.
    pub other: Option<String>,
}

/// What a copy is called: up to 40 of `a-z0-9`, so also a safe name of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CopyName(String);

/// The text is not the name of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a copy's name has up to 40 letters and digits")]
pub struct InvalidCopyName;

impl FromStr for CopyName {
    type Err = InvalidCopyName;

    fn from_str(text: &str) -> Result<CopyName, InvalidCopyName> {
        let plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if plain && (1..=40).contains(&text.len()) { Ok(CopyName(text.to_owned())) } else { Err(InvalidCopyName) }
    }
}

impl TryFrom<String> for CopyName {
    type Error = InvalidCopyName;

    fn try_from(text: String) -> Result<CopyName, InvalidCopyName> {
        text.parse()
    }
}

impl From<CopyName> for String {
    fn from(name: CopyName) -> String {
        name.0
    }
}

impl fmt::Display for CopyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<InvalidCopyName> for Refusal {
    fn from(error: InvalidCopyName) -> Refusal {
        Refusal::Invalid(error.to_string())
    }
}

/// The part of the admin API that is about copies.
pub(super) fn routes() -> Router<Host> {
    Router::new()
        .route("/v1/tenants/{id}/archives/{name}", put(make_archive).get(get_archive).delete(remove_archive))
        .route("/v1/tenants/{id}/restores/{name}", put(prepare_restore).delete(discard_restore))
        .route("/v1/tenants/{id}/restores/{name}/switch", post(switch))
        .route("/v1/tenants/{id}/data", put(choose_data))
        .route("/v1/tenants/{id}/data/{data}", delete(forget_data))
}

/// The body of `PUT /v1/tenants/{id}/data`.
#[derive(Serialize, Deserialize)]
struct Choice {
    data: DataName,
}

type Names = extract::Path<(String, String)>;

/// Does what takes long for as long as somebody waits for it, and even then comes to an end in good order: the token is
/// cancelled when nobody does any more.
async fn while_wanted<T, W>(work: impl FnOnce(CancellationToken) -> W) -> Result<T, Refusal>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Refusal>> + Send + 'static,
{
    let gone = CancellationToken::new();
    let _waiting = gone.clone().drop_guard();
    to_its_end(work(gone)).await
}

async fn make_archive(State(host): State<Host>, extract::Path((id, name)): Names) -> Answer<ArchiveReport> {
    let (id, name) = (id.parse()?, name.parse()?);
    while_wanted(move |gone| async move { host.make_archive(id, name, gone).await }).await.map(axum::Json)
}

async fn get_archive(State(host): State<Host>, extract::Path((id, name)): Names) -> Result<Body, Refusal> {
    host.open_archive(id.parse()?, name.parse()?).await
}

async fn remove_archive(State(host): State<Host>, extract::Path((id, name)): Names) -> Result<StatusCode, Refusal> {
    host.remove_archive(id.parse()?, name.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn prepare_restore(
    State(host): State<Host>,
    extract::Path((id, name)): Names,
    archive: Body,
) -> Answer<RestoreReport> {
    let (id, name) = (id.parse()?, name.parse()?);
    while_wanted(move |gone| async move { host.prepare_restore(id, name, archive, gone).await }).await.map(axum::Json)
}

async fn discard_restore(State(host): State<Host>, extract::Path((id, name)): Names) -> Result<StatusCode, Refusal> {
    host.discard_restore(id.parse()?, name.parse()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn switch(State(host): State<Host>, extract::Path((id, name)): Names) -> Answer<DataReport> {
    let (id, name) = (id.parse()?, name.parse()?);
    to_its_end(async move { host.switch(id, name).await }).await.map(axum::Json)
}

async fn choose_data(
    State(host): State<Host>,
    extract::Path(id): extract::Path<String>,
    body: Bytes,
) -> Answer<DataReport> {
    let (id, Choice { data }) = (id.parse()?, parse(&body)?);
    to_its_end(async move { host.choose_data(id, data).await }).await.map(axum::Json)
}

async fn forget_data(State(host): State<Host>, extract::Path((id, data)): Names) -> Answer<DataReport> {
    let data = DataName::try_from(data).map_err(Refusal::Invalid)?;
    let id = id.parse()?;
    to_its_end(async move { host.forget_data(id, data).await }).await.map(axum::Json)
}

impl Directory {
    /// Where a tenant's copies are; made if it is absent.
    fn copies(&self, id: TenantId) -> io::Result<PathBuf> {
        let folder = self.tenant(id).join(FOLDER);
        private_dir(&folder)?;
        Ok(folder)
    }
}

/// Size and SHA-256 of a file.
fn fingerprint(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut bytes) = (fs::File::open(path)?, Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((bytes, hex(&hash.finalize()))),
            read => {
                hash.update(&chunk[..read]);
                bytes += read as u64;
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
