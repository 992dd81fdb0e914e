//! Where certificate authorities ask: on the plain port, and by DNS.

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use proxy::Options;
use proxy::acme::dns::Dns;
use proxy::acme::store::{ChallengeAnswer, ChallengeKind, Store};
use proxy::acme::{AcmeOptions, Issuer};
use proxy::routes::{Route, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::kit::{Edge, loopback, nobody, to};
use crate::store::Memory;

/// A proxy for whom these answers were put down.
async fn asked(answers: &[(ChallengeKind, &str, &str, &str)], dns: Option<Dns>) -> Edge {
    let store = Memory::new();
    for (kind, name, token, value) in answers {
        let answer = ChallengeAnswer {
            kind: *kind,
            name: (*name).to_owned(),
            token: (*token).to_owned(),
            value: (*value).to_owned(),
            until_ms: i64::MAX,
        };
        store.put_answer(answer).await.expect("stored");
    }
    let issuer = Issuer {
        name: "nobody".to_owned(),
        directory: "https://127.0.0.1:9/directory".to_owned(),
        root_pem: None,
        profile: None,
        external_account: None,
    };
    let acme = Some(AcmeOptions::new(vec![issuer], store));
    // Only over TLS, and nothing of it may reach the project.
    let route = || Route { tls: Tls::Files, ..to(nobody()) };
    Edge::start(Options { acme, dns, ..Options::default() }, [("a.example.com", route()), ("b.example.com", route())])
        .await
}

#[tokio::test]
async fn an_authority_is_answered_and_projects_never_see_it() {
    let edge = asked(&[(ChallengeKind::Http01, "a.example.com", "token", "token.proof")], None).await;
    let ask = async |method: &str, host: &str, path: &str| {
        let answer =
            edge.ask(&format!("{method} /.well-known/acme-challenge/{path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        (answer.status, answer.body)
    };
    assert_eq!(ask("GET", "a.example.com", "token").await, (200, "token.proof".to_owned()));
    for (method, host, path) in [
        ("GET", "a.example.com", "other"),
        ("GET", "a.example.com", ""),
        ("GET", "a.example.com", "token/"),
        ("GET", "b.example.com", "token"),
        ("GET", "unknown.example.com", "token"),
        ("DELETE", "a.example.com", "token"),
    ] {
        let (status, body) = ask(method, host, path).await;
        assert_eq!(status, 404, "{method} {host} {path}");
        assert!(body.contains("\"no_challenge\""), "{body}");
    }
}

#[tokio::test]
async fn everything_else_on_the_plain_port_leads_to_tls() {
    let edge = asked(&[], None).await;
    let get = edge.ask("GET /.well-known/other?x=1 HTTP/1.1\r\nHost: a.example.com\r\n\r\n").await;
    assert_eq!(get.status, 308);
    assert_eq!(get.header("location"), Some("https://a.example.com/.well-known/other?x=1"));
    let post = edge.ask("POST / HTTP/1.1\r\nHost: a.example.com\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!((post.status, post.code().as_str()), (400, "https_required"));
}

#[tokio::test]
async fn the_proof_for_a_wildcard_is_a_question_by_dns() {
    let domain = "apps.example.com";
    let proofs = ["one", "two"].map(|value| (ChallengeKind::Dns01, domain, "", value));
    let dns = Dns { listen: vec![loopback()], domain: domain.parse().expect("a host") };
    let edge = asked(&proofs, Some(dns)).await;
    let address = edge.proxy.addresses().dns[0];
    let question = |name: &str| {
        let mut question = Message::query();
        question.add_query(Query::query(Name::from_ascii(name).expect("a name"), RecordType::TXT));
        question.to_vec().expect("a question")
    };
    let proof = question("_acme-challenge.apps.example.com.");

    let udp = UdpSocket::bind(loopback()).await.expect("bind");
    let mut buffer = [0; 1232];
    udp.send_to(&proof, address).await.expect("send");
    let length = udp.recv(&mut buffer).await.expect("an answer");
    let by_udp = Message::from_vec(&buffer[..length]).expect("a message");

    let mut tcp = TcpStream::connect(address).await.expect("connect");
    let mut ask = async |question: &[u8]| {
        tcp.write_u16(question.len() as u16).await.expect("send");
        tcp.write_all(question).await.expect("send");
        let mut answer = vec![0; usize::from(tcp.read_u16().await.expect("a length"))];
        tcp.read_exact(&mut answer).await.expect("an answer");
        Message::from_vec(&answer).expect("a message")
    };
    for answer in [by_udp, ask(&proof).await] {
        let values: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
        assert_eq!(values, ["one", "two"]);
    }
    assert_eq!(ask(&question("example.com.")).await.metadata.response_code, ResponseCode::Refused);
}
