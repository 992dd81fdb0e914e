//! Every answer the host gives itself, in PocketBase's envelope with a stable code.

use std::io::ErrorKind;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};

use super::spec::InvalidTenantId;
use crate::error::{ApiError, Error};

/// Why a request got no answer from a tenant, or a wish was not granted.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// No such tenant here, or the request names none.
    UnknownProject,
    /// The request is meant for another generation of the tenant, which lives, or will live, on another host.
    ///
    /// 421 says just that: this server is not the one to ask. Whoever routed the request holds an old table, may look
    /// again and send it once more; nothing of it was done.
    Moved,
    /// Its state is not to run.
    Suspended { reason: String },
    /// The body is larger than the tenant takes.
    TooLarge,
    /// More requests in a second than it may have.
    RateLimited,
    /// More requests or event streams at once than it may have.
    TooManyConnections,
    /// It takes longer to wake than a request waits, or too many wait already.
    Waking,
    /// All tenants that may be awake are, and none of them is unused.
    Busy,
    /// It could not be opened.
    NotStarting { retry_after: u32 },
    /// It could not be opened because its files are damaged.
    Damaged { retry_after: u32 },
    /// It is to sleep, and has something to finish.
    AtWork,
    /// The service that answers panicked, or gave no answer.
    Broken,
    /// A wish of a generation that is over.
    StaleGeneration,
    /// A removal of a tenant that is wished to run.
    StillWanted,
    /// A wish for a process of its own, which this host does not offer.
    IsolationUnavailable,
    /// An admin request that was not understood.
    Invalid(String),
    /// An archive that cannot be restored.
    Unfit(String),
    /// No such archive, restore or data.
    NoCopy,
    /// The disk is full.
    DiskFull,
    /// It was given up before its end, as nobody wanted it any more or the tenant was closed.
    BrokenOff,
    /// The disk, most likely; the log knows.
    StorageFailed,
    /// What the engine answered.
    Engine(ApiError),
}

impl Refusal {
    fn to_api(&self) -> ApiError {
        use StatusCode as S;
        let coded = ApiError::coded;
        match self {
            Refusal::UnknownProject => coded(S::NOT_FOUND, "unknown_project", "There is no project at this address."),
            Refusal::Moved => {
                coded(S::MISDIRECTED_REQUEST, "moved", "The project has moved, please try again.").retry_after(1)
            }
            Refusal::Suspended { reason } if reason.is_empty() => {
                coded(S::FORBIDDEN, "suspended", "The project is suspended.")
            }
            Refusal::Suspended { reason } => {
                coded(S::FORBIDDEN, "suspended", &format!("The project is suspended: {reason}"))
            }
            Refusal::TooLarge => ApiError::new(S::PAYLOAD_TOO_LARGE, ""),
            Refusal::RateLimited => coded(S::TOO_MANY_REQUESTS, "rate_limited", "Too Many Requests.").retry_after(1),
            Refusal::TooManyConnections => {
                coded(S::TOO_MANY_REQUESTS, "too_many_connections", "Too many requests at once.").retry_after(1)
            }
            Refusal::Waking => {
                coded(S::SERVICE_UNAVAILABLE, "waking", "The project is waking up, please try again.").retry_after(1)
            }
            Refusal::Busy => coded(S::SERVICE_UNAVAILABLE, "busy", "The server is busy, please try again in a moment.")
                .retry_after(1),
            Refusal::NotStarting { retry_after } => {
                coded(S::SERVICE_UNAVAILABLE, "not_starting", "The project could not be started.")
                    .retry_after(*retry_after)
            }
            Refusal::Damaged { retry_after } => {
                coded(S::SERVICE_UNAVAILABLE, "damaged", "The project's data is damaged.").retry_after(*retry_after)
            }
            Refusal::AtWork => {
                coded(S::CONFLICT, "at_work", "The project is answering something that takes long, or at work itself.")
                    .retry_after(5)
            }
            Refusal::Broken => ApiError::new(S::INTERNAL_SERVER_ERROR, ""),
            Refusal::StaleGeneration => {
                coded(S::CONFLICT, "stale_generation", "The host holds a later generation of this tenant.")
            }
            Refusal::StillWanted => {
                coded(S::CONFLICT, "still_wanted", "This tenant is wished to run: only one that is not is removed.")
            }
            Refusal::IsolationUnavailable => {
                coded(S::BAD_REQUEST, "isolation_unavailable", "This host cannot give a tenant a process of its own.")
            }
            Refusal::Invalid(message) => coded(S::BAD_REQUEST, "invalid_request", message),
            Refusal::Unfit(reason) => {
                coded(S::UNPROCESSABLE_ENTITY, "unfit", &format!("The archive cannot be restored: {reason}."))
            }
            Refusal::NoCopy => coded(S::NOT_FOUND, "no_copy", "There is no such copy of the data."),
            Refusal::DiskFull => coded(S::INSUFFICIENT_STORAGE, "disk_full", "The disk is full.").retry_after(60),
            Refusal::BrokenOff => {
                coded(S::SERVICE_UNAVAILABLE, "broken_off", "This was broken off, please try again.").retry_after(1)
            }
            Refusal::StorageFailed => {
                coded(S::SERVICE_UNAVAILABLE, "storage_failed", "The data could not be read or written just now.")
                    .retry_after(5)
            }
            Refusal::Engine(answer) => answer.clone(),
        }
    }
}

impl IntoResponse for Refusal {
    /// The edge reads the code without looking into the body: people in a browser get a page for it.
    fn into_response(self) -> Response {
        let answer = self.to_api();
        let code = answer.data["code"].as_str().and_then(|code| HeaderValue::from_str(code).ok());
        let mut response = answer.into_response();
        if let Some(code) = code {
            response.headers_mut().insert("x-roost-code", code);
        }
        response
    }
}

impl From<InvalidTenantId> for Refusal {
    fn from(error: InvalidTenantId) -> Refusal {
        Refusal::Invalid(error.to_string())
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Refusal {
        if error.kind() == ErrorKind::Interrupted {
            return Refusal::BrokenOff;
        }
        tracing::error!("the host's directory could not be read or written: {error}");
        if error.kind() == ErrorKind::StorageFull { Refusal::DiskFull } else { Refusal::StorageFailed }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Engine(error.to_api())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_off_is_no_failure_of_the_disk() {
        assert_eq!(Refusal::from(std::io::Error::from(ErrorKind::Interrupted)), Refusal::BrokenOff);
        assert_eq!(Refusal::from(std::io::Error::from(ErrorKind::StorageFull)), Refusal::DiskFull);
        assert_eq!(Refusal::from(std::io::Error::from(ErrorKind::PermissionDenied)), Refusal::StorageFailed);
    }

    #[test]
    fn the_edge_learns_the_code_of_what_the_host_refuses() {
        let code = |refusal: Refusal| refusal.into_response().headers().get("x-roost-code").cloned();
        assert_eq!(code(Refusal::Waking), Some(HeaderValue::from_static("waking")));
        assert_eq!(code(Refusal::NotStarting { retry_after: 2 }), Some(HeaderValue::from_static("not_starting")));
        assert_eq!(code(Refusal::TooLarge), None);
    }
}
