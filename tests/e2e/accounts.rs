//! Accounts: taken addresses, weak passwords, crowds, links in mails, and requests from elsewhere.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use tests::{PASSWORD, Roost, eventually};

#[tokio::test]
async fn what_cannot_be_an_account_is_told_field_by_field() {
    let roost = Roost::start();
    let url = format!("{}/api/accounts", roost.url());
    roost.sign_up("ann@example.com").await;
    for (email, password, field, code) in [
        ("Ann@Example.com", PASSWORD, "email", "email_taken"),
        ("nobody", PASSWORD, "email", "invalid_email"),
        ("bob@example.com", "short", "password", "password_too_short"),
        ("bob@example.com", "password123", "password", "password_too_common"),
    ] {
        let answer = roost.http.post(&url, &json!({ "email": email, "password": password })).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["data"][field]["code"], code, "{email} {password}");
    }
}

#[tokio::test]
async fn a_change_that_is_refused_changes_nothing() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let change = json!({ "name": "A".repeat(81), "password": "another quiet place", "currentPassword": PASSWORD });
    let answer = ann.call(Method::PATCH, "/api/account", Some(&change)).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.json()["data"]["name"]["code"]), (400, &json!("too_long")));
    roost.sign_in("ann@example.com").await;
}

#[tokio::test]
async fn two_hundred_sign_up_at_once() {
    let roost = Roost::start();
    let url = format!("{}/api/accounts", roost.url());
    // Every address is asked for twice: one of the two gets it.
    let crowd = (0..200).map(|n| {
        let (http, url) = (roost.http.clone(), url.clone());
        let body = json!({ "email": format!("p{}@example.com", n / 2), "password": PASSWORD });
        async move { http.post(&url, &body).await.status.as_u16() }
    });
    let answers = join_all(crowd).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(201), count(400)), (100, 100), "{answers:?}");
}

#[tokio::test]
async fn a_mail_address_is_proven_by_the_link_which_works_once() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    assert_eq!(ann.get("/api/account").await["verified"], false);
    let token = roost.secret_from_mail("ann@example.com", "/verify#").await;
    let confirm = format!("{}/api/verification/confirm", roost.url());
    assert_eq!(roost.http.post(&confirm, &json!({ "token": token })).await.status, 200);
    assert_eq!(ann.get("/api/account").await["verified"], true);
    let again = roost.http.post(&confirm, &json!({ "token": token })).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (400, "invalid_token"));
}

#[tokio::test]
async fn a_new_password_by_mail_ends_all_sessions() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let reset = format!("{}/api/password-reset", roost.url());
    for email in ["nobody@example.com", "ann@example.com"] {
        assert_eq!(roost.http.post(&reset, &json!({ "email": email })).await.status, 204);
    }
    let token = roost.secret_from_mail("ann@example.com", "/reset#").await;
    let body = json!({ "token": token, "password": "another quiet place" });
    assert_eq!(roost.http.post(&format!("{reset}/confirm"), &body).await.status, 204);
    let answer = ann.call(Method::GET, "/api/account", None).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "not_signed_in"));
    let session = format!("{}/api/session", roost.url());
    let old = json!({ "email": "ann@example.com", "password": PASSWORD });
    assert_eq!(roost.http.post(&session, &old).await.code(), "wrong_credentials");
    let new = json!({ "email": "ann@example.com", "password": "another quiet place" });
    assert_eq!(roost.http.post(&session, &new).await.status, 200);
}

#[tokio::test]
async fn a_link_for_a_new_password_works_however_often_strangers_ask_for_another() {
    let roost = Roost::start();
    roost.sign_up("ann@example.com").await;
    let reset = format!("{}/api/password-reset", roost.url());
    let ask = async || assert_eq!(roost.http.post(&reset, &json!({ "email": "ann@example.com" })).await.status, 204);
    let latest = || roost.secret_from_mail("ann@example.com", "/reset#");
    ask().await;
    let first = latest().await;
    ask().await;
    eventually("the second mail", || async { latest().await != first }).await;
    let second = latest().await;
    let confirm = async |token: &str, password: &str| {
        let body = json!({ "token": token, "password": password });
        roost.http.post(&format!("{reset}/confirm"), &body).await
    };
    assert_eq!(confirm(&first, "another quiet place").await.status, 204);
    assert_eq!(confirm(&second, "a third quiet place").await.code(), "invalid_token", "one was used");
}

#[tokio::test]
async fn a_page_of_a_project_cannot_act_for_whoever_visits_it() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let url = format!("{}/api/projects", roost.url());
    let body = json!({ "name": "evil" });
    let origin = roost.project_url("evil");
    for headers in [
        vec![("origin", origin.as_str()), ("sec-fetch-site", "same-site")],
        vec![("origin", origin.as_str())],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "null")],
        vec![],
    ] {
        let headers: Vec<(&str, &str)> = [("cookie", ann.cookie())].into_iter().chain(headers).collect();
        let answer = roost.http.send(Method::POST, &url, &headers, Some(&body)).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "cross_site"), "{headers:?}");
    }
    assert_eq!(ann.get("/api/projects").await["items"], json!([]));
}
