//! Password hashing on threads of its own: one hash costs as much as two thousand reads.
//!
//! Hashes are bcrypt, as stock servers store them.

use anyhow::anyhow;

use crate::error::{Error, Result};
use crate::store::{Turn, Turns, half_the_cores};

/// What bcrypt can take.
const MOST_BYTES: usize = 72;
/// Hashes of one tenant that may wait.
const WAITING: usize = 256;
const DEFAULT_COST: u32 = 10;

/// The threads; shared by all backends of a process.
#[derive(Clone)]
pub struct Hasher(Turns);

/// One backend's place in the queue.
#[derive(Clone)]
pub struct TenantHasher(Turn);

impl Hasher {
    /// Half as many threads as there are cores, at least one.
    pub fn for_this_machine() -> Hasher {
        Hasher(Turns::new("roost-hash", half_the_cores(), WAITING))
    }

    /// A place in the queue for one more backend.
    pub fn for_tenant(&self) -> TenantHasher {
        TenantHasher(self.0.for_tenant())
    }
}

impl TenantHasher {
    /// Hashes a password; a cost of 0 means 10.
    ///
    /// # Errors
    /// `Error::Busy` when 256 wait already. The caller has checked that it has at most 72 bytes; more is an internal
    /// error, never a truncated hash.
    pub async fn hash(&self, plain: String, cost: i64) -> Result<String> {
        let cost = u32::try_from(cost).ok().filter(|cost| *cost > 0).unwrap_or(DEFAULT_COST);
        self.0.run(move || hash(&plain, cost)).await?
    }

    /// Whether a password has that hash. An empty or malformed hash fits none.
    pub async fn verify(&self, plain: String, hash: String) -> Result<bool> {
        self.0.run(move || bcrypt::verify(plain.as_bytes(), &hash).unwrap_or(false)).await
    }
}

/// Hashes on the calling thread, for command lines and set-ups without a queue.
pub fn hash(plain: &str, cost: u32) -> Result<String> {
    if plain.len() > MOST_BYTES {
        return Err(Error::Internal(anyhow!("a password of more than {MOST_BYTES} bytes")));
    }
    let parts = bcrypt::hash_with_result(plain, cost).map_err(|error| Error::Internal(anyhow!(error)))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_have_the_prefix_stock_servers_write() {
        let hashed = hash("1234567890", 4).expect("hashes");
        assert!(hashed.starts_with("$2a$04$"), "{hashed}");
        assert!(bcrypt::verify("1234567890", &hashed).expect("verifies"));
    }

    #[test]
    fn what_bcrypt_would_truncate_is_refused() {
        assert!(hash(&"ä".repeat(37), 4).is_err());
    }
}
