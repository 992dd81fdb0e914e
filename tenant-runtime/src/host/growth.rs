//! What stops while the disk of the machine is nearly full: whatever would surely fill it further, archives and restores
//! among it. Reading, deleting and signing in go on, so that there is a way back; so does everything else of the platform's
//! own.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;

use super::answers::Refusal;

/// Whether tenants may grow.
#[derive(Default)]
pub(super) struct Growth {
    stopped: AtomicBool,
}

impl Growth {
    /// From now on they may or may not.
    pub(super) fn allow(&self, allowed: bool) {
        self.stopped.store(!allowed, Ordering::Relaxed);
    }

    /// Refuses what would bring more to the disk while nothing may grow.
    pub(super) fn check_allowed(&self) -> Result<(), Refusal> {
        if self.stopped.load(Ordering::Relaxed) { Err(Refusal::DiskFull) } else { Ok(()) }
    }

    /// Refuses a request that would make a tenant larger while none may grow. Wakes nobody.
    pub(super) fn check(&self, method: &Method, path: &str) -> Result<(), Refusal> {
        if grows(method, path) { self.check_allowed() } else { Ok(()) }
    }
}

/// Whether a request brings records, files, collections or archives.
fn grows(method: &Method, path: &str) -> bool {
    if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        return false;
    }
    let Some(path) = path.strip_prefix("/api/") else { return false };
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    matches!(
        (parts.next(), parts.next(), parts.next()),
        (Some("batch" | "backups"), _, _)
            | (Some("collections"), None | Some("import"), _)
            | (Some("collections"), Some(_), None | Some("records"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_brings_something_is_told_from_what_does_not() {
        for (method, path) in [
            (Method::POST, "/api/collections/posts/records"),
            (Method::PATCH, "/api/collections/posts/records/abc"),
            (Method::POST, "/api/batch"),
            (Method::POST, "/api/collections"),
            (Method::PATCH, "/api/collections/posts"),
            (Method::PUT, "/api/collections/import"),
            (Method::POST, "/api/backups/upload"),
        ] {
            assert!(grows(&method, path), "{method} {path}");
        }
        for (method, path) in [
            (Method::GET, "/api/collections/posts/records"),
            (Method::DELETE, "/api/collections/posts/records/abc"),
            (Method::DELETE, "/api/collections/posts/truncate"),
            (Method::POST, "/api/collections/users/auth-with-password"),
            (Method::POST, "/api/collections/users/auth-refresh"),
            (Method::POST, "/api/collections/users/request-password-reset"),
            (Method::POST, "/api/realtime"),
            (Method::POST, "/api/files/token"),
            (Method::DELETE, "/api/backups/a.zip"),
            (Method::POST, "/index.html"),
        ] {
            assert!(!grows(&method, path), "{method} {path}");
        }
    }

    #[test]
    fn it_ends_as_it_began() {
        let growth = Growth::default();
        let create = || growth.check(&Method::POST, "/api/collections/posts/records");
        assert_eq!(create(), Ok(()));
        growth.allow(false);
        assert_eq!(create(), Err(Refusal::DiskFull));
        growth.allow(true);
        assert_eq!(create(), Ok(()));
    }
}
