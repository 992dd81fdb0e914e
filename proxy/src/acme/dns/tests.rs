//! What is answered, byte for byte, and that no bytes are too strange.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// A zone for `apps.example.com` with so many values.
fn zone(values: usize) -> Zone {
    let values = move || async move { Ok((0..values).map(|number| format!("{number:043}")).collect()) }.boxed();
    Zone::new(&"apps.example.com".parse().expect("a host"), Box::new(values)).expect("a zone")
}

fn bytes(zone: &Zone, question: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(zone.answer(question, Ipv4Addr::LOCALHOST.into(), transport))
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut question = Message::query();
    question.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
    question
}

fn ask(values: usize, name: &str, kind: RecordType) -> Message {
    let question = question(name, kind).to_vec().expect("a question");
    let answer = bytes(&zone(values), &question, Transport::Tcp).expect("an answer");
    Message::from_vec(&answer).expect("a message")
}

const NAME: &str = "_acme-challenge.apps.example.com.";

#[test]
fn values_stand_side_by_side_and_the_name_comes_back_as_it_was_written() {
    let answer = ask(2, "_ACME-challenge.Apps.example.com.", RecordType::TXT);
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    assert!(answer.metadata.authoritative);
    let values: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
    assert_eq!(values, [format!("{:043}", 0), format!("{:043}", 1)]);
    assert_eq!(answer.queries[0].name().to_ascii(), "_ACME-challenge.Apps.example.com.");
    assert_eq!(answer.answers[0].name.to_ascii(), "_ACME-challenge.Apps.example.com.");
}

#[test]
fn a_delegation_finds_what_it_needs() {
    assert_eq!(ask(0, NAME, RecordType::NS).answers[0].data.to_string(), "apps.example.com.");
    assert_eq!(ask(0, NAME, RecordType::SOA).answers[0].record_type(), RecordType::SOA);
    for kind in [RecordType::TXT, RecordType::A, RecordType::AAAA, RecordType::CAA] {
        let nothing = ask(0, NAME, kind);
        assert_eq!(nothing.metadata.response_code, ResponseCode::NoError, "{kind}");
        assert!(nothing.answers.is_empty(), "{kind}");
        assert_eq!(nothing.authorities[0].record_type(), RecordType::SOA, "{kind}");
    }
}

#[test]
fn everything_else_is_refused() {
    for (name, kind) in [
        ("example.com.", RecordType::TXT),
        ("apps.example.com.", RecordType::TXT),
        ("x._acme-challenge.apps.example.com.", RecordType::TXT),
        ("_acme-challenge.example.com.", RecordType::TXT),
        (NAME, RecordType::ANY),
        (NAME, RecordType::AXFR),
        (".", RecordType::NS),
    ] {
        let refused = ask(1, name, kind);
        assert_eq!(refused.metadata.response_code, ResponseCode::Refused, "{name} {kind}");
        assert!(refused.answers.is_empty() && refused.authorities.is_empty());
    }
    let mut twice = question(NAME, RecordType::TXT);
    twice.add_query(twice.queries[0].clone());
    let answer = bytes(&zone(1), &twice.to_vec().expect("bytes"), Transport::Udp).expect("an answer");
    assert_eq!(Message::from_vec(&answer).expect("a message").metadata.response_code, ResponseCode::FormErr);
}

#[test]
fn what_is_too_long_for_udp_is_cut_and_comes_whole_by_tcp() {
    let zone = zone(100);
    let plain = question(NAME, RecordType::TXT);
    let mut roomy = plain.clone();
    let mut edns = Edns::new();
    edns.set_max_payload(65_000);
    roomy.set_edns(edns);
    let answered = |question: &Message, transport| {
        let answer = bytes(&zone, &question.to_vec().expect("bytes"), transport).expect("an answer");
        let message = Message::from_vec(&answer).expect("a message");
        (answer.len(), message.metadata.truncation, message.answers.len())
    };
    let (length, is_cut, values) = answered(&plain, Transport::Udp);
    assert!(length <= 512 && is_cut && values == 0);
    for (question, transport) in [(&roomy, Transport::Udp), (&plain, Transport::Tcp)] {
        let (length, is_cut, values) = answered(question, transport);
        assert!(length <= 1232 && !is_cut && values == VALUES, "{length} {is_cut} {values}");
    }
}

#[test]
fn answers_get_no_answer_and_who_asks_too_often_gets_none_either() {
    let zone = zone(1);
    let mut reply = question(NAME, RecordType::TXT);
    reply.metadata.message_type = MessageType::Response;
    assert_eq!(bytes(&zone, &reply.to_vec().expect("bytes"), Transport::Udp), None);

    let question = question(NAME, RecordType::TXT).to_vec().expect("bytes");
    let answered = (0..1_000).filter(|_| bytes(&zone, &question, Transport::Udp).is_some()).count();
    assert!((50..500).contains(&answered), "{answered}");
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes_of_stranger in proptest::collection::vec(any::<u8>(), 0..600)) {
        let answer = bytes(&zone(100), &bytes_of_stranger, Transport::Udp);
        prop_assert!(answer.is_none_or(|answer| answer.len() <= LONGEST));
    }

    #[test]
    fn no_change_to_a_question_is_too_strange(place in 0usize..60, byte: u8, cut in 0usize..60) {
        let mut question = question(NAME, RecordType::TXT).to_vec().expect("bytes");
        let place = place % question.len();
        question[place] = byte;
        question.truncate(question.len().saturating_sub(cut / 2));
        let answer = bytes(&zone(100), &question, Transport::Udp);
        prop_assert!(answer.is_none_or(|answer| answer.len() <= LONGEST));
    }
}
