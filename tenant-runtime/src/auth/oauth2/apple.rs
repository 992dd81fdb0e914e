//! Apple gives no client secret: a developer signs one with a key from Apple, good for half a year at most.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::id_token::APPLE_ISSUER;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// What a client secret is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientSecret {
    /// The service or the app people sign in to.
    pub client_id: String,
    /// Whose key it is.
    pub team_id: String,
    /// Which key it is.
    pub key_id: String,
    /// The key, as Apple gives it: PKCS #8 in PEM.
    pub private_key: String,
    /// Seconds it is good for.
    pub duration: i64,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum NoClientSecret {
    /// The key is no key at all.
    #[error("invalid key: the key must be PKCS8 in PEM")]
    Unreadable,
    /// It is another kind of key.
    #[error("the key is not a valid ECDSA private key on P-256")]
    Unfit,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: [&'a str; 1],
    exp: i64,
    iat: i64,
}

impl ClientSecret {
    /// Whether the key looks like one.
    pub fn has_key(&self) -> bool {
        self.key_text().is_some_and(|text| !text.is_empty())
    }

    /// The secret, valid from now on.
    pub fn sign(&self, now: i64) -> Result<String, NoClientSecret> {
        let text = self.key_text().filter(|text| text.starts_with(['\n', '\r'])).ok_or(NoClientSecret::Unreadable)?;
        let text: String = text.split_ascii_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| NoClientSecret::Unreadable)?;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.key_id.clone());
        let claims = Claims {
            iss: &self.team_id,
            sub: &self.client_id,
            aud: [APPLE_ISSUER],
            exp: now.saturating_add(self.duration),
            iat: now,
        };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&der)).map_err(|_| NoClientSecret::Unfit)
    }

    /// What stands between the lines that begin and end a key.
    fn key_text(&self) -> Option<&str> {
        let (_, rest) = self.private_key.split_once(BEGIN)?;
        Some(rest.split_once(END)?.0)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value as Json;

    use super::*;

    fn secret(key: &str) -> ClientSecret {
        let text = |text: &str| text.to_owned();
        ClientSecret {
            client_id: text("com.example"),
            team_id: text("TEAM567890"),
            key_id: text("KEY4567890"),
            private_key: text(key),
            duration: 100,
        }
    }

    fn pem(pair: &EcdsaKeyPair) -> String {
        let der = pair.to_pkcs8v1().expect("a key");
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der.as_ref()))
    }

    #[test]
    fn a_secret_says_what_apple_asks_for_and_is_signed_with_the_key() {
        use aws_lc_rs::signature::KeyPair as _;
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let signed = secret(&format!("  {} ", pem(&pair))).sign(1_000_000).expect("signs");
        assert_eq!(jsonwebtoken::decode_header(&signed).expect("a header").kid.as_deref(), Some("KEY4567890"));
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.set_audience(&[APPLE_ISSUER]);
        let key = DecodingKey::from_ec_der(pair.public_key().as_ref());
        let claims = jsonwebtoken::decode::<Json>(&signed, &key, &validation).expect("is genuine").claims;
        let expected = serde_json::json!({
            "iss": "TEAM567890", "sub": "com.example", "aud": [APPLE_ISSUER], "exp": 1_000_100, "iat": 1_000_000,
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn other_keys_and_other_texts_make_none() {
        let larger = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        assert!(matches!(secret(&pem(&larger)).sign(0), Err(NoClientSecret::Unfit)));
        for text in ["zzz", &format!("{BEGIN}AAAA{END}"), &format!("{BEGIN}\n%%\n{END}")] {
            assert!(matches!(secret(text).sign(0), Err(NoClientSecret::Unreadable)), "{text}");
        }
    }
}
