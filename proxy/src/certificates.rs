//! Names and the certificates that cover them, wherever they came from: files, or an authority (see [`acme`](crate::acme)).
//!
//! A handshake only reads an immutable table in memory; a name that is not in it is refused before any work is
//! done. Every change builds a whole new table first, so a broken file leaves the old certificates in service.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::BoxError;
use crate::routes::parent;

/// The certificates of a proxy. Clones share one table.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    files: Arc<[CertificateFiles]>,
    sources: Arc<Mutex<Sources>>,
    table: Arc<ArcSwap<Table>>,
}

type Table = HashMap<String, Arc<Certificate>>;

/// What the next table is made of.
#[derive(Debug, Default)]
struct Sources {
    from_files: Vec<Arc<Certificate>>,
    /// By the name each was ordered for.
    issued: Table,
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
        let read = self.files.iter().map(|files| Certificate::load(&files.chain, &files.key).map(Arc::new));
        let from_files = read.collect::<Result<_, _>>()?;
        self.change(|sources| sources.from_files = from_files);
        Ok(())
    }

    /// Serves these certificates of authorities, each in place of the one its name had.
    pub(crate) fn issue(&self, issued: Vec<(String, Certificate)>) {
        let issued = issued.into_iter().map(|(name, certificate)| (name, Arc::new(certificate)));
        self.change(|sources| sources.issued.extend(issued));
    }

    /// Stops serving what was ordered for this name.
    pub(crate) fn withdraw(&self, name: &str) {
        self.change(|sources| drop(sources.issued.remove(name)));
    }

    /// Whether a file holds a certificate for exactly this name; no other one is needed then.
    pub(crate) fn has_file_for(&self, name: &str) -> bool {
        self.sources().from_files.iter().any(|certificate| certificate.is_for(name))
    }

    /// Publishes a table of what the sources are then. What stands in a file wins.
    fn change(&self, change: impl FnOnce(&mut Sources)) {
        let mut sources = self.sources();
        change(&mut sources);
        let mut table = Table::new();
        for certificate in sources.issued.values().chain(&sources.from_files) {
            for name in &certificate.names {
                table.insert(name.clone(), certificate.clone());
            }
        }
        self.table.store(Arc::new(table));
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
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
        match Certificate::new(certificates, private) {
            Ok(Some(certificate)) => Ok(certificate),
            Ok(None) => Err(CertificateError::Nameless { path: chain.to_owned() }),
            Err(cause) => Err(CertificateError::Mismatch { path: chain.to_owned(), cause }),
        }
    }

    /// Reads what an authority issued for this name.
    pub(crate) fn from_pem(name: &str, chain: &str, key: &str) -> Result<Self, BoxError> {
        let certificates = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        let private = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
        let certificate = Certificate::new(certificates, private)?;
        Ok(certificate.filter(|certificate| certificate.is_for(name)).ok_or("it is for another name")?)
    }

    /// `None` if it is for no DNS name; an error if the key does not belong to it.
    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Option<Self>, rustls::Error> {
        let names = chain.first().map(dns_names).unwrap_or_default();
        if names.is_empty() {
            return Ok(None);
        }
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?;
        Ok(Some(Certificate { key: Arc::new(key), names }))
    }

    fn is_for(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
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
