//! Names and the certificates that cover them.
//!
//! A handshake only reads an immutable table in memory; a name that is not in it is refused before any work is
//! done. Reloading builds a whole new table first, so a broken file leaves the old certificates in service.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::routes::parent;

/// The certificates of a proxy. Clones share one table.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    files: Arc<[CertificateFiles]>,
    table: Arc<ArcSwap<HashMap<String, Arc<Certificate>>>>,
}

/// Where one certificate is on disk, both files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, followed by its intermediates.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why certificates could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file is missing or no PEM.
    #[error("read {}: {cause}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        cause: rustls::pki_types::pem::Error,
    },
    /// The key is of no use, or does not belong to the certificate.
    #[error("use the key for {}: {cause}", path.display())]
    Mismatch {
        /// The certificate's file.
        path: PathBuf,
        /// What does not fit.
        cause: rustls::Error,
    },
    /// The file's first certificate cannot be read, or is for no DNS name.
    #[error("{} is not a certificate for any DNS name", path.display())]
    Nameless {
        /// The certificate's file.
        path: PathBuf,
    },
}

impl Certificates {
    /// Reads these files.
    pub fn from_files(files: Vec<CertificateFiles>) -> Result<Self, CertificateError> {
        let certificates = Certificates { files: files.into(), ..Certificates::default() };
        certificates.reload()?;
        Ok(certificates)
    }

    /// Reads the same files again. New handshakes use what they hold now; on an error nothing changes.
    pub fn reload(&self) -> Result<(), CertificateError> {
        let mut table = HashMap::new();
        for files in self.files.iter() {
            let certificate = Arc::new(Certificate::load(&files.chain, &files.key)?);
            for name in &certificate.names {
                table.insert(name.clone(), certificate.clone());
            }
        }
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// The certificate for a name: its own, else a wildcard's.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Certificate>> {
        let table = self.table.load();
        let found = table.get(name).or_else(|| table.get(&format!("*.{}", parent(name)?)));
        found.cloned()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificate = self.find(&hello.server_name()?.to_ascii_lowercase())?;
        Some(certificate.key.clone())
    }
}

/// One certificate with its key.
#[derive(Debug)]
pub(crate) struct Certificate {
    key: Arc<CertifiedKey>,
    /// In lower case; wildcards as `*.example.com`.
    names: Vec<String>,
}

impl Certificate {
    fn load(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |cause| CertificateError::Unreadable { path, cause }
        };
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable(chain))?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
        let nameless = || CertificateError::Nameless { path: chain.to_owned() };
        let names = certificates.first().map(dns_names).unwrap_or_default();
        if names.is_empty() {
            return Err(nameless());
        }
        let key = CertifiedKey::from_der(certificates, private, &aws_lc_rs::default_provider())
            .map_err(|cause| CertificateError::Mismatch { path: chain.to_owned(), cause })?;
        Ok(Certificate { key: Arc::new(key), names })
    }

    /// Whether a client may believe that this certificate's holder speaks for this host.
    pub(crate) fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(suffix) => parent(host) == Some(suffix),
            None => name == host,
        })
    }
}

fn dns_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else {
        return Vec::new();
    };
    parsed.valid_dns_names().map(str::to_ascii_lowercase).collect()
}
