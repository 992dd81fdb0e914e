//! What was found about a name, judged: pure, so that every sentence a customer reads can be tested.

use std::net::IpAddr;

use super::{Check, CheckKind, CheckState, proof_name};

/// Everything that was asked about a name at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where it is to point.
    pub wanted: Vec<IpAddr>,
    /// Where it points, or why that could not be learned.
    pub addresses: Result<Vec<IpAddr>, String>,
    /// The name its CNAME names.
    pub alias: Option<String>,
    /// What each address answered on port 80; `Ok` is our own token. `None` where nobody certifies names.
    pub answers: Option<Vec<(IpAddr, Result<(), String>)>>,
    /// The CAA records that hold for it, and what our authorities call themselves. `None` where nobody certifies names.
    pub caa: Option<Authorities>,
    /// The proof that is wanted and the values found in its place. `None` if it needs none.
    pub proof: Option<(String, Result<Vec<String>, String>)>,
}

/// Who may issue certificates for a name, and who would.
#[derive(Clone, Debug)]
pub struct Authorities {
    /// The properties of its CAA records, or why they could not be learned.
    pub permitted: Result<Vec<Property>, String>,
    /// What our authorities are called in CAA records; empty if they have not said.
    pub ours: Vec<String>,
}

/// One property of a CAA record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Whether an authority that does not know the tag must not issue.
    pub critical: bool,
    /// Such as `issue`.
    pub tag: String,
    /// Such as `letsencrypt.org`.
    pub value: String,
}

/// How far a name's checks let it come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its records are not right yet.
    Records,
    /// They are, but an authority would not issue a certificate.
    Reach,
    /// Everything is right.
    Good,
}

/// How far these checks let a name come.
pub fn stage(checks: &[Check]) -> Stage {
    let fails =
        |kinds: &[CheckKind]| checks.iter().any(|check| kinds.contains(&check.kind) && check.state != CheckState::Ok);
    // An authority looks at CAA by itself: not knowing what it would say holds nobody up.
    let forbidden = checks.iter().any(|check| check.kind == CheckKind::Caa && check.state == CheckState::Wrong);
    if fails(&[CheckKind::A, CheckKind::Aaaa, CheckKind::Txt]) {
        Stage::Records
    } else if forbidden || fails(&[CheckKind::Http]) {
        Stage::Reach
    } else {
        Stage::Good
    }
}

/// The checks of a name nobody has looked at.
pub fn not_looked_yet(proof: Option<&String>) -> Vec<Check> {
    let waiting = |kind, wanted: Option<&String>| {
        check(kind, CheckState::Waiting, Vec::new(), wanted.cloned(), "Not looked at yet.")
    };
    let mut checks = vec![waiting(CheckKind::A, None), waiting(CheckKind::Aaaa, None)];
    checks.extend(proof.map(|token| waiting(CheckKind::Txt, Some(token))));
    checks
}

/// Judges all facts.
pub fn judge(name: &str, facts: &Facts) -> Vec<Check> {
    let mut checks = vec![addresses(facts, Family::V4), addresses(facts, Family::V6)];
    checks.extend(facts.proof.as_ref().map(|(token, found)| proof(name, token, found)));
    let leads_here = checks.iter().all(|check| check.state == CheckState::Ok);
    checks.extend(facts.caa.as_ref().map(authorities));
    checks.extend(facts.answers.as_ref().map(|answers| port_80(name, answers, leads_here)));
    checks
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn has(self, address: IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }

    fn record(self) -> &'static str {
        if self == Family::V4 { "A" } else { "AAAA" }
    }
}

/// Every address must be ours, or answer our token because a proxy passes requests on.
fn addresses(facts: &Facts, family: Family) -> Check {
    let kind = if family == Family::V4 { CheckKind::A } else { CheckKind::Aaaa };
    let record = family.record();
    let wanted: Vec<IpAddr> = facts.wanted.iter().copied().filter(|address| family.has(*address)).collect();
    let shown = (!wanted.is_empty()).then(|| join(&wanted));
    let found: Vec<IpAddr> = match &facts.addresses {
        Ok(found) => found.iter().copied().filter(|address| family.has(*address)).collect(),
        Err(error) => return check(kind, CheckState::Waiting, Vec::new(), shown, error),
    };
    let answers =
        |address: &IpAddr| facts.answers.iter().flatten().any(|(asked, answer)| asked == address && answer.is_ok());
    let texts = found.iter().map(IpAddr::to_string).collect();
    let strays: Vec<IpAddr> =
        found.iter().copied().filter(|address| !wanted.contains(address) && !answers(address)).collect();
    // Visitors without IPv6 are many, those without IPv4 few.
    let needed = !wanted.is_empty() && (family == Family::V4 || facts.wanted.iter().all(IpAddr::is_ipv6));
    let (state, message) = if !strays.is_empty() {
        let through = facts.alias.as_ref().map(|alias| format!(" (by its CNAME to {alias})")).unwrap_or_default();
        let todo = match &shown {
            Some(wanted) if strays.len() == found.len() => format!("set it to {wanted}"),
            _ => "remove it".to_owned(),
        };
        (CheckState::Wrong, format!("{}{through} is not this server: {todo}.", join(&strays)))
    } else if found.is_empty() && needed {
        let wanted = shown.clone().unwrap_or_default();
        (CheckState::Missing, format!("There is no {record} record: set it to {wanted}."))
    } else if found.is_empty() {
        (CheckState::Ok, format!("There is no {record} record, and none is needed."))
    } else if found.iter().any(|address| !wanted.contains(address)) {
        (CheckState::Ok, "A proxy stands in front and passes requests on to this server.".to_owned())
    } else {
        (CheckState::Ok, format!("The {record} record leads here."))
    };
    check(kind, state, texts, shown, &message)
}

fn proof(name: &str, token: &str, found: &Result<Vec<String>, String>) -> Check {
    let place = proof_name(name);
    let (state, found, message) = match found {
        Err(error) => (CheckState::Waiting, Vec::new(), error.clone()),
        Ok(found) if found.iter().any(|value| value == token) => {
            (CheckState::Ok, found.clone(), "The proof is there.".to_owned())
        }
        Ok(found) if found.is_empty() => {
            (CheckState::Missing, Vec::new(), format!("There is no TXT record at {place}: set it to {token}."))
        }
        Ok(found) => {
            (CheckState::Wrong, found.clone(), format!("The TXT record at {place} is another: set it to {token}."))
        }
    };
    check(CheckKind::Txt, state, found, Some(token.to_owned()), &message)
}

/// RFC 8659: if any `issue` property is there, one of them must name the authority; an unknown critical one forbids.
fn authorities(authorities: &Authorities) -> Check {
    let wanted = authorities.ours.first().cloned();
    let properties = match &authorities.permitted {
        Ok(properties) => properties,
        Err(error) => return check(CheckKind::Caa, CheckState::Waiting, Vec::new(), wanted, error),
    };
    let is = |property: &Property, tag: &str| property.tag.eq_ignore_ascii_case(tag);
    let known = ["issue", "issuewild", "iodef", "issuemail", "contactemail", "contactphone"];
    let unknown = |property: &Property| property.critical && !known.iter().any(|tag| is(property, tag));
    let issue: Vec<&str> = properties
        .iter()
        .filter(|property| is(property, "issue"))
        .map(|property| property.value.split(';').next().unwrap_or_default().trim())
        .collect();
    let named = issue.iter().any(|name| authorities.ours.iter().any(|our| our.eq_ignore_ascii_case(name)));
    let found = properties.iter().map(|property| format!("{} {:?}", property.tag, property.value)).collect();
    let (state, message) = if properties.iter().any(unknown) {
        (CheckState::Wrong, "A critical CAA record says something no authority here understands: remove it.".to_owned())
    } else if issue.is_empty() {
        (CheckState::Ok, "Every authority may issue certificates.".to_owned())
    } else if authorities.ours.is_empty() {
        (CheckState::Waiting, "It is not known yet what the authority is called in CAA records.".to_owned())
    } else if named {
        (CheckState::Ok, "The CAA records permit our authority.".to_owned())
    } else {
        let wanted = wanted.clone().unwrap_or_default();
        (CheckState::Wrong, format!("The CAA records permit other authorities only: add issue \"{wanted}\"."))
    };
    check(CheckKind::Caa, state, found, wanted, &message)
}

fn port_80(name: &str, answers: &[(IpAddr, Result<(), String>)], leads_here: bool) -> Check {
    let failed: Vec<String> = answers
        .iter()
        .filter_map(|(address, answer)| answer.as_ref().err().map(|error| format!("{address}: {error}")))
        .collect();
    let (state, message) = if !leads_here {
        (CheckState::Waiting, "Waits for the records above.".to_owned())
    } else if failed.is_empty() {
        (CheckState::Ok, "Port 80 answers.".to_owned())
    } else {
        let message = format!("http://{name}/ does not reach this server: open port 80 for everybody.");
        (CheckState::Wrong, message)
    };
    let found = if leads_here { failed } else { Vec::new() };
    check(CheckKind::Http, state, found, None, &message)
}

fn check(kind: CheckKind, state: CheckState, found: Vec<String>, wanted: Option<String>, message: &str) -> Check {
    Check { kind, state, found, wanted, message: message.to_owned() }
}

fn join(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(found: &[&str]) -> Facts {
        let addresses: Vec<IpAddr> = found.iter().map(|text| text.parse().expect("an address")).collect();
        Facts {
            wanted: vec!["192.0.2.1".parse().expect("an address"), "2001:db8::1".parse().expect("an address")],
            answers: Some(addresses.iter().map(|address| (*address, Ok(()))).collect()),
            addresses: Ok(addresses),
            alias: None,
            caa: Some(Authorities { permitted: Ok(Vec::new()), ours: vec!["letsencrypt.org".to_owned()] }),
            proof: None,
        }
    }

    fn look(facts: &Facts) -> Vec<Check> {
        judge("api.orchard.shop", facts)
    }

    fn of(kind: CheckKind, checks: &[Check]) -> &Check {
        checks.iter().find(|check| check.kind == kind).expect("the check")
    }

    #[test]
    fn a_name_that_leads_here_is_good() {
        for found in [&["192.0.2.1"][..], &["192.0.2.1", "2001:db8::1"]] {
            let checks = look(&facts(found));
            assert_eq!(stage(&checks), Stage::Good, "{checks:?}");
        }
    }

    #[test]
    fn a_stale_ipv6_address_is_shown_beside_the_right_one() {
        let mut stale = facts(&["192.0.2.1", "2001:db8::9"]);
        stale.answers.as_mut().expect("answers")[1].1 = Err("connection refused".to_owned());
        let checks = look(&stale);
        let aaaa = of(CheckKind::Aaaa, &checks);
        assert_eq!((aaaa.state, aaaa.found.join(",")), (CheckState::Wrong, "2001:db8::9".to_owned()));
        assert_eq!(aaaa.wanted.as_deref(), Some("2001:db8::1"));
        assert!(aaaa.message.contains("2001:db8::9") && aaaa.message.contains("set it to 2001:db8::1"));
        assert_eq!(of(CheckKind::A, &checks).state, CheckState::Ok);
        assert_eq!(of(CheckKind::Http, &checks).state, CheckState::Waiting);
        assert_eq!(stage(&checks), Stage::Records);
    }

    #[test]
    fn an_address_beside_ours_is_to_be_removed() {
        let mut beside = facts(&["192.0.2.1", "198.51.100.7"]);
        beside.answers.as_mut().expect("answers")[1].1 = Err("answered 404".to_owned());
        assert_eq!(of(CheckKind::A, &look(&beside)).message, "198.51.100.7 is not this server: remove it.");
    }

    #[test]
    fn nothing_set_is_missing() {
        let checks = look(&facts(&[]));
        assert_eq!(of(CheckKind::A, &checks).state, CheckState::Missing);
        assert_eq!(of(CheckKind::Aaaa, &checks).state, CheckState::Ok);
    }

    #[test]
    fn a_proxy_that_passes_our_token_on_is_as_good() {
        let checks = look(&facts(&["203.0.113.5"]));
        assert_eq!(stage(&checks), Stage::Good);
        assert!(of(CheckKind::A, &checks).message.contains("proxy"));
    }

    #[test]
    fn the_name_a_cname_leads_to_is_told() {
        let mut aliased = facts(&["203.0.113.5"]);
        aliased.alias = Some("old.example".to_owned());
        aliased.answers = Some(Vec::new());
        assert!(of(CheckKind::A, &look(&aliased)).message.contains("CNAME to old.example"));
    }

    #[test]
    fn a_closed_port_waits_at_the_second_stage() {
        let mut closed = facts(&["192.0.2.1"]);
        closed.answers.as_mut().expect("answers")[0].1 = Err("connection refused".to_owned());
        let checks = look(&closed);
        assert_eq!(of(CheckKind::Http, &checks).found, ["192.0.2.1: connection refused"]);
        assert_eq!(stage(&checks), Stage::Reach);
    }

    #[test]
    fn caa_must_name_our_authority_if_it_names_any() {
        let property =
            |tag: &str, value: &str| Property { critical: false, tag: tag.to_owned(), value: value.to_owned() };
        let with = |properties: Vec<Property>| {
            let mut facts = facts(&["192.0.2.1"]);
            facts.caa.as_mut().expect("authorities").permitted = Ok(properties);
            of(CheckKind::Caa, &look(&facts)).state
        };
        assert_eq!(with(vec![property("iodef", "mailto:a@b.example")]), CheckState::Ok);
        assert_eq!(with(vec![property("issue", "other.example")]), CheckState::Wrong);
        assert_eq!(with(vec![property("issue", ";")]), CheckState::Wrong);
        assert_eq!(
            with(vec![property("issue", "other.example"), property("issue", "letsencrypt.org; accounturi=x")]),
            CheckState::Ok
        );
        assert_eq!(with(vec![Property { critical: true, ..property("strange", "") }]), CheckState::Wrong);
    }

    #[test]
    fn a_proof_is_asked_for_with_its_value() {
        let with = |found: &[&str]| {
            let mut facts = facts(&["192.0.2.1"]);
            facts.proof = Some(("token".to_owned(), Ok(found.iter().map(|text| (*text).to_owned()).collect())));
            let checks = look(&facts);
            (of(CheckKind::Txt, &checks).state, stage(&checks))
        };
        assert_eq!(with(&[]), (CheckState::Missing, Stage::Records));
        assert_eq!(with(&["another"]), (CheckState::Wrong, Stage::Records));
        assert_eq!(with(&["another", "token"]), (CheckState::Ok, Stage::Good));
    }

    #[test]
    fn what_could_not_be_learned_is_not_called_wrong() {
        let mut unknown = facts(&[]);
        unknown.addresses = Err("The name servers do not answer.".to_owned());
        assert_eq!(of(CheckKind::A, &look(&unknown)).state, CheckState::Waiting);
        let mut nameless = facts(&["192.0.2.1"]);
        nameless.caa =
            Some(Authorities { permitted: Err("The name servers do not answer.".to_owned()), ours: Vec::new() });
        assert_eq!(stage(&look(&nameless)), Stage::Good);
    }
}
