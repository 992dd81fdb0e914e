//! Codes that change every half minute: RFC 6238 with SHA-1, six digits and steps of 30 s, which is what every
//! authenticator app takes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, rand};

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_MS: i64 = 30_000;
/// Characters of a secret: 160 bits, as long as the hash.
const SECRET_LENGTH: usize = 32;

/// So many characters of base32 nobody can guess.
pub fn random_base32(length: usize) -> anyhow::Result<String> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// A new secret, in base32.
pub fn new_secret() -> anyhow::Result<String> {
    random_base32(SECRET_LENGTH)
}

/// The link apps read from a QR code.
pub fn link(issuer: &str, account: &str, secret: &str) -> String {
    let encode = |text: &str| text.bytes().map(encode_byte).collect::<String>();
    let (issuer, account) = (encode(issuer), encode(account));
    format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}")
}

/// The step in which a code is right: the one at that moment or a neighbour, as clocks differ.
pub fn step_of(secret: &str, code: &str, now_ms: i64) -> Option<i64> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decode(secret));
    let now = now_ms / STEP_MS;
    (now - 1..=now + 1).find(|step| verify_slices_are_equal(code_at(&key, *step).as_bytes(), code.as_bytes()).is_ok())
}

fn code_at(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0xf);
    let number = tag[offset..offset + 4].iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// Five bits a character; what is no base32 is left out.
fn decode(secret: &str) -> Vec<u8> {
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for value in secret.bytes().filter_map(|c| ALPHABET.iter().position(|known| *known == c)) {
        buffer = buffer << 5 | value as u32;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits & 0xff) as u8);
        }
    }
    bytes
}

fn encode_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238's appendix B, `12345678901234567890`.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_are_those_of_the_standard() {
        assert_eq!(decode(SECRET), b"12345678901234567890");
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(step_of(SECRET, code, seconds * 1_000), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn a_clock_may_be_half_a_minute_off_but_no_more() {
        for (seconds, fits) in [(0, true), (59, true), (89, true), (90, false)] {
            assert_eq!(step_of(SECRET, "287082", seconds * 1_000).is_some(), fits, "{seconds}");
        }
        assert_eq!(step_of(SECRET, "", 59_000), None);
    }

    #[test]
    fn links_are_what_apps_read() {
        assert_eq!(
            link("Roost localhost", "ann@example.com", "ABC"),
            "otpauth://totp/Roost%20localhost:ann%40example%2Ecom?secret=ABC&issuer=Roost%20localhost"
        );
    }
}
