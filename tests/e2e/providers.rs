//! Signing in with a provider: whom it says somebody is, and when its word does not count.

use http::Method;
use serde_json::json;
use tests::{Answer, IdentityProvider, PASSWORD, Roost};

use crate::second_factor::switch_on;

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The way a browser walks, with a cookie of its own; the last answer.
pub async fn walk(roost: &Roost, meddle: impl Fn(&str) -> String) -> Answer {
    let start = roost.http.get(&format!("{}/api/sign-in/oidc", roost.url())).await;
    assert_eq!(start.status, 303);
    let location = header(&start, "location");
    assert!(
        location.contains("code_challenge=") && location.contains("%2Fapi%2Fsign-in%2Foidc%2Freturn"),
        "{location}"
    );
    let state = location.split("state=").nth(1).and_then(|rest| rest.split('&').next()).expect("a state");
    let cookie = header(&start, "set-cookie").split(';').next().expect("a cookie");
    let url = format!("{}/api/sign-in/oidc/return?code=abc&state={}", roost.url(), meddle(state));
    roost.http.send(Method::GET, &url, &[("cookie", cookie)], None).await.expect("an answer")
}

/// Who is signed in by that answer.
pub async fn email_of(roost: &Roost, answer: &Answer) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let session = cookies.filter_map(|cookie| cookie.split(';').next()).find(|cookie| cookie.starts_with("roost="));
    let url = format!("{}/api/account", roost.url());
    let headers = [("cookie", session.unwrap_or_default())];
    let account = roost.http.send(Method::GET, &url, &headers, None).await.expect("an answer").json();
    account["email"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_provider_opens_an_account_and_knows_it_again() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&provider.settings());
    let offered = roost.http.get(&format!("{}/api/config", roost.url())).await.json()["signIn"].take();
    assert_eq!(offered, json!([{ "name": "oidc", "label": "The provider" }]));
    provider.set("u1", "ann@example.com", true);
    let first = walk(&roost, str::to_owned).await;
    assert_eq!(header(&first, "location"), "/projects");
    assert_eq!(email_of(&roost, &first).await, "ann@example.com");
    // The provider's id counts, not the address it tells today.
    provider.set("u1", "ann.smith@example.com", true);
    assert_eq!(email_of(&roost, &walk(&roost, str::to_owned).await).await, "ann@example.com");
}

#[tokio::test]
async fn an_address_that_is_not_proven_and_a_state_of_somebody_else_lead_nowhere() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&provider.settings());
    roost.sign_up("ann@example.com").await;
    provider.set("u1", "ann@example.com", false);
    assert_eq!(header(&walk(&roost, str::to_owned).await, "location"), "/login?trouble=no_address");
    provider.set("u1", "ann@example.com", true);
    let forged = walk(&roost, |state| state.chars().rev().collect()).await;
    assert_eq!(header(&forged, "location"), "/login?trouble=provider");
    assert_eq!(email_of(&roost, &forged).await, "");
    assert_eq!(roost.http.get(&format!("{}/api/sign-in/github", roost.url())).await.status, 404);
}

#[tokio::test]
async fn whoever_took_an_address_without_proving_it_loses_it_to_its_owner() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&provider.settings());
    let thief = roost.sign_up("ann@example.com").await;
    provider.set("u1", "ann@example.com", true);
    assert_eq!(email_of(&roost, &walk(&roost, str::to_owned).await).await, "ann@example.com");
    assert_eq!(thief.call(Method::GET, "/api/account", None).await.unwrap().status, 401);
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let url = format!("{}/api/session", roost.url());
    assert_eq!(roost.http.post(&url, &body).await.code(), "wrong_credentials");
}

#[tokio::test]
async fn nobody_comes_in_uninvited_by_way_of_a_provider() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&format!("sign_up = \"invite\"\n{}", provider.settings()));
    provider.set("u1", "ann@example.com", true);
    assert_eq!(header(&walk(&roost, str::to_owned).await, "location"), "/login?trouble=invitation_needed");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_behind_a_provider_too() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&provider.settings());
    let ann = roost.sign_up("ann@example.com").await;
    let secret = roost.secret_from_mail("ann@example.com", "/verify#").await;
    let url = format!("{}/api/verification/confirm", roost.url());
    assert_eq!(roost.http.post(&url, &json!({ "token": secret })).await.status, 200);
    let (_, codes) = switch_on(&ann).await;
    provider.set("u1", "ann@example.com", true);
    let answer = walk(&roost, str::to_owned).await;
    assert_eq!(email_of(&roost, &answer).await, "");
    let ticket = header(&answer, "location").strip_prefix("/login#").expect("a ticket").to_owned();
    let url = format!("{}/api/session/second-factor", roost.url());
    let wrong = roost.http.post(&url, &json!({ "token": ticket, "code": "000000x" })).await;
    assert_eq!(wrong.json()["data"]["code"]["code"], "wrong_code");
    let right = roost.http.post(&url, &json!({ "token": ticket, "code": codes[0] })).await;
    assert_eq!(email_of(&roost, &right).await, "ann@example.com");
    let again = roost.http.post(&url, &json!({ "token": ticket, "code": codes[1] })).await;
    assert_eq!(again.code(), "invalid_token");
}

#[tokio::test]
async fn a_provider_is_known_by_its_issuer_alone() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&provider.settings_by_issuer());
    let offered = roost.http.get(&format!("{}/api/config", roost.url())).await.json()["signIn"].take();
    assert_eq!(offered, json!([{ "name": "oidc", "label": "The provider" }]));
    provider.set("u1", "ann@example.com", true);
    let answer = walk(&roost, str::to_owned).await;
    assert_eq!(
        (header(&answer, "location"), email_of(&roost, &answer).await.as_str()),
        ("/projects", "ann@example.com")
    );
}

#[tokio::test]
async fn an_address_that_is_given_wins_over_what_a_provider_says() {
    let provider = IdentityProvider::start().await;
    let settings = format!("{}auth_url = \"{}/own/page\"\n", provider.settings_by_issuer(), provider.url());
    let roost = Roost::start_with(&settings);
    provider.set("u1", "ann@example.com", true);
    let start = roost.http.get(&format!("{}/api/sign-in/oidc", roost.url())).await;
    let page = format!("{}/own/page?", provider.url());
    assert!(header(&start, "location").starts_with(&page), "{}", header(&start, "location"));
    assert_eq!(email_of(&roost, &walk(&roost, str::to_owned).await).await, "ann@example.com");
}

#[tokio::test]
async fn an_identity_token_that_does_not_count_lets_nobody_in() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&provider.settings_by_issuer());
    provider.set("u1", "ann@example.com", true);
    provider.vouch_for("u2");
    assert_eq!(header(&walk(&roost, str::to_owned).await, "location"), "/login?trouble=provider");
    provider.vouch_for("u1");
    assert_eq!(header(&walk(&roost, str::to_owned).await, "location"), "/projects");
    provider.sign_in_secret();
    assert_eq!(header(&walk(&roost, str::to_owned).await, "location"), "/login?trouble=provider");
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_not_gone_to_and_the_doctor_says_so() {
    let provider = IdentityProvider::start().await;
    provider.call_itself("https://somebody.example.com");
    let roost = Roost::start_with(&provider.settings_by_issuer());
    let start = roost.http.get(&format!("{}/api/sign-in/oidc", roost.url())).await;
    assert_eq!((start.status.as_u16(), header(&start, "location")), (303, "/login?trouble=provider_away"));
    let (report, is_content) = roost.doctor();
    let mut findings = report["findings"].as_array().expect("a list").iter();
    let finding = findings.find(|finding| finding["check"] == "sign-in").expect("a finding");
    assert!(!is_content && finding["ok"] == false && finding["advice"].is_string(), "{finding}");
    // Without --dev nobody is asked over plain HTTP, so that is what it finds first.
    assert!(finding["found"].as_str().is_some_and(|found| found.contains("no https address")), "{finding}");
}
