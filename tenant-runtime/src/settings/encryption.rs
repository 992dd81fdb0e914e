//! Settings that nobody reads who only has the file: AES-GCM, as stock servers write it.
//!
//! Stored is the base64 of a random nonce of 12 bytes, the ciphertext and its tag.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The key of one or many backends.
#[derive(Clone)]
pub struct EncryptionKey(Arc<LessSafeKey>);

/// A key of a length there is no cipher for.
#[derive(Debug, thiserror::Error)]
#[error("the encryption key has {0} bytes; it must have 32, or else 24 or 16")]
pub struct UnfitKey(usize);

impl EncryptionKey {
    /// The bytes as they are, usually 32 letters.
    pub fn new(bytes: &[u8]) -> Result<EncryptionKey, UnfitKey> {
        let algorithm = match bytes.len() {
            16 => &AES_128_GCM,
            24 => &AES_192_GCM,
            32 => &AES_256_GCM,
            other => return Err(UnfitKey(other)),
        };
        let key = UnboundKey::new(algorithm, bytes).map_err(|_| UnfitKey(bytes.len()))?;
        Ok(EncryptionKey(Arc::new(LessSafeKey::new(key))))
    }

    /// The text to store.
    pub(super) fn encrypt(&self, plain: Vec<u8>) -> anyhow::Result<String> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = plain;
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .map_err(|_| anyhow::anyhow!("the settings cannot be encrypted"))?;
        Ok(STANDARD.encode([&nonce[..], &sealed].concat()))
    }

    /// What was stored; nothing if it was with another key, or is no such text.
    pub(super) fn decrypt(&self, stored: &[u8]) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(stored).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::empty(), &mut sealed).ok()?;
        Some(plain.to_vec())
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_is_read_with_the_same_key_only() {
        let key = EncryptionKey::new(&[b'k'; 32]).expect("a key");
        let stored = key.encrypt(b"{}".to_vec()).expect("encrypts");
        assert_eq!(key.decrypt(stored.as_bytes()).as_deref(), Some(&b"{}"[..]));
        assert_ne!(key.encrypt(b"{}".to_vec()).expect("encrypts"), stored);
        let other = EncryptionKey::new(&[b'o'; 32]).expect("a key");
        assert_eq!(other.decrypt(stored.as_bytes()), None);
        for unfit in ["", "AAAA", "no base64"] {
            assert_eq!(key.decrypt(unfit.as_bytes()), None);
        }
    }

    #[test]
    fn keys_have_the_lengths_there_are_ciphers_for() {
        for length in [16, 24, 32] {
            let key = EncryptionKey::new(&vec![b'k'; length]).expect("a key");
            let stored = key.encrypt(b"x".to_vec()).expect("encrypts");
            assert_eq!(key.decrypt(stored.as_bytes()).as_deref(), Some(&b"x"[..]));
        }
        assert!(EncryptionKey::new(b"short").is_err());
    }
}
