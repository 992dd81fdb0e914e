//! A second factor: switched on with a device, asked for at the door and before what cannot be undone, and lost.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use http::Method;
use serde_json::{Value as Json, json};
use tests::{Answer, Console, PASSWORD, Roost};

/// What an authenticator shows, so many half minutes from now.
fn code(secret: &str, later: i64) -> String {
    let bits: String = secret
        .bytes()
        .map(|c| if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 })
        .map(|five| format!("{five:05b}"))
        .collect();
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0')))
        .collect();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() as i64;
    let step = seconds / 30 + later;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

async fn sign_in(roost: &Roost, code: Option<&str>) -> Answer {
    let body = json!({ "email": "ann@example.com", "password": PASSWORD, "code": code });
    roost.http.post(&format!("{}/api/session", roost.url()), &body).await
}

/// Switches it on with the code of the half minute before, so that the present one is still good.
pub async fn switch_on(ann: &Console) -> (String, Vec<String>) {
    let proposal =
        ann.change(Method::POST, "/api/account/second-factor", &json!({ "currentPassword": PASSWORD })).await;
    let secret = proposal["secret"].as_str().expect("a secret").to_owned();
    assert!(proposal["link"].as_str().expect("a link").contains(&secret));
    assert!(proposal["qr"].as_str().expect("a picture").contains("<svg"));
    let confirm = json!({ "code": code(&secret, -1) });
    let codes = ann.change(Method::POST, "/api/account/second-factor/confirm", &confirm).await["codes"].take();
    let codes = codes.as_array().expect("codes").iter().map(|code| code.as_str().expect("a code").to_owned()).collect();
    (secret, codes)
}

fn field_code(answer: &Answer) -> Json {
    answer.json()["data"]["code"]["code"].take()
}

#[tokio::test]
async fn a_code_is_asked_for_at_the_door_and_works_once() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let begin = json!({ "currentPassword": "wrong" });
    let refused = ann.call(Method::POST, "/api/account/second-factor", Some(&begin)).await.unwrap();
    assert_eq!(refused.json()["data"]["currentPassword"]["code"], "wrong_password");
    assert_eq!(sign_in(&roost, None).await.status, 200, "it is off until it is confirmed");
    let (secret, _) = switch_on(&ann).await;
    assert_eq!(ann.get("/api/account").await["secondFactor"], true);

    assert_eq!(sign_in(&roost, None).await.code(), "second_factor_required");
    assert_eq!(field_code(&sign_in(&roost, Some("000000x")).await), "wrong_code");
    let present = code(&secret, 0);
    assert_eq!(sign_in(&roost, Some(&present)).await.status, 200);
    assert_eq!(field_code(&sign_in(&roost, Some(&present)).await), "wrong_code", "a code works once");
    // Nobody learns of a second factor without the password.
    let body = json!({ "email": "ann@example.com", "password": "wrong" });
    let answer = roost.http.post(&format!("{}/api/session", roost.url()), &body).await;
    assert_eq!(answer.code(), "wrong_credentials");
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_device_once() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let (_, codes) = switch_on(&ann).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(sign_in(&roost, Some(&codes[0].to_lowercase())).await.status, 200);
    assert_eq!(field_code(&sign_in(&roost, Some(&codes[0])).await), "wrong_code");
    assert_eq!(ann.get("/api/account/second-factor").await["recoveryCodesLeft"], 9);
    let renew = json!({ "code": codes[1] });
    let renewed = ann.change(Method::POST, "/api/account/second-factor/recovery-codes", &renew).await;
    assert_eq!(renewed["codes"].as_array().unwrap().len(), 10);
    assert_eq!(field_code(&sign_in(&roost, Some(&codes[2])).await), "wrong_code");
}

#[tokio::test]
async fn it_is_asked_for_again_before_what_cannot_easily_be_undone() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    let (_, codes) = switch_on(&ann).await;
    let new_password = json!({ "password": "another quiet place", "currentPassword": PASSWORD });
    for (method, path, body) in [
        (Method::DELETE, "/api/projects/orchard", json!({ "slug": "orchard" })),
        (Method::POST, "/api/account/email", json!({ "email": "new@example.com", "currentPassword": PASSWORD })),
        (Method::PATCH, "/api/account", new_password),
        (Method::DELETE, "/api/account/second-factor", json!({ "code": "" })),
    ] {
        let answer = ann.call(method, path, Some(&body)).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "second_factor_required"), "{path}");
    }
    assert_ne!(ann.state("orchard").await, "deleted");
    let body = json!({ "slug": "orchard", "code": codes[0] });
    ann.change(Method::DELETE, "/api/projects/orchard", &body).await;
    ann.change(Method::DELETE, "/api/account/second-factor", &json!({ "code": codes[1] })).await;
    assert_eq!(sign_in(&roost, None).await.status, 200);
}
