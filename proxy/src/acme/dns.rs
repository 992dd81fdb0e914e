//! Answers the one question by DNS that a wildcard's certificate takes: TXT for `_acme-challenge.<domain>`.
//!
//! The domain's owner delegates that name to this machine once and never has to give anybody a password. Everything else
//! is REFUSED, answers are hardly longer than questions, and nobody may ask often: there is nothing to amplify.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{NS, SOA, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::store::{ChallengeKind, Store, Stored};
use crate::Sockets;
use crate::limits::Pace;
use crate::routes::Host;
use crate::visitors::{Origin, Paces};

/// The longest answer: what passes every network in one piece.
pub(crate) const LONGEST: usize = 1232;
/// The longest answer by UDP for who does not say that more is fine.
const LONGEST_UNASKED: usize = 512;
/// The longest question.
const LONGEST_QUESTION: usize = 512;
/// As many values as fit.
const VALUES: usize = 16;
/// Seconds for which an answer may be kept. The next order puts other values there.
const KEPT: u32 = 1;
/// How fast one client may ask; an authority asks from several places a few times each.
const PACE: Pace = Pace { per_second: 20, burst: 100 };
/// Connections by TCP at once, and how long each may last.
const CONNECTIONS: usize = 64;
const CONNECTION: Duration = Duration::from_secs(5);
/// How long to look for the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is answered for by DNS, and where.
#[derive(Clone, Debug)]
pub struct Dns {
    /// Addresses to listen on, UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The domain whose wildcard is to be certified. It must lead to this machine, and `_acme-challenge` below it have
    /// this one record: `NS <domain>`.
    pub domain: Host,
}

/// Listens on one address.
pub(crate) struct Responder {
    udp: UdpSocket,
    tcp: TcpListener,
    zone: Arc<Zone>,
}

/// Listens wherever there is to be an answer, with the values in this store.
pub(crate) fn listen(dns: &Dns, store: &Arc<dyn Store>, sockets: &Sockets) -> io::Result<Vec<Responder>> {
    let zone = Arc::new(Zone::new(&dns.domain, values_in(store.clone(), dns.domain.clone()))?);
    let mut responders = Vec::with_capacity(dns.listen.len());
    for address in &dns.listen {
        let tcp = TcpListener::from_std(sockets.tcp(*address)?)?;
        let udp = UdpSocket::from_std(sockets.udp(tcp.local_addr()?)?)?;
        responders.push(Responder { udp, tcp, zone: zone.clone() });
    }
    Ok(responders)
}

/// What to answer with now.
type Values = Box<dyn Fn() -> Stored<'static, Vec<String>> + Send + Sync>;

fn values_in(store: Arc<dyn Store>, domain: Host) -> Values {
    Box::new(move || {
        let (store, domain) = (store.clone(), domain.clone());
        let values = async move {
            let answers = store.answers(ChallengeKind::Dns01, domain.as_str()).await?;
            Ok(answers.into_iter().map(|answer| answer.value).collect())
        };
        values.boxed()
    })
}

impl Responder {
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.udp.local_addr()
    }

    /// Answers until told to stop.
    pub(crate) async fn serve(self, stopping: CancellationToken) {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.serve_udp() => {}
            () = self.serve_tcp() => {}
        }
    }

    /// One question after the other: while one is looked up, the system drops what it has no room for.
    async fn serve_udp(&self) {
        let mut buffer = [0; LONGEST_QUESTION];
        loop {
            let Ok((length, peer)) = self.udp.recv_from(&mut buffer).await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            if let Some(answer) = self.zone.answer(&buffer[..length], peer.ip(), Transport::Udp).await {
                let _ = self.udp.send_to(&answer, peer).await;
            }
        }
    }

    async fn serve_tcp(&self) {
        let (connections, tasks) = (Arc::new(Semaphore::new(CONNECTIONS)), TaskTracker::new());
        loop {
            let Ok(permit) = connections.clone().acquire_owned().await else {
                return;
            };
            let Ok((tcp, peer)) = self.tcp.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let zone = self.zone.clone();
            tasks.spawn(async move {
                let _ = timeout(CONNECTION, zone.converse(tcp, peer.ip())).await;
                drop(permit);
            });
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// The one name there is.
pub(crate) struct Zone {
    name: Name,
    /// Who is responsible for it.
    authority: Name,
    values: Values,
    paces: Paces,
}

impl Zone {
    pub(crate) fn new(domain: &Host, values: Values) -> io::Result<Zone> {
        let named = |text: String| Name::from_ascii(text).map_err(io::Error::other);
        Ok(Zone {
            name: named(format!("_acme-challenge.{domain}."))?,
            authority: named(format!("{domain}."))?,
            values,
            paces: Paces::default(),
        })
    }

    /// Answers the questions of one connection, each with its length in front.
    async fn converse(&self, mut tcp: TcpStream, peer: IpAddr) -> io::Result<()> {
        loop {
            let length = usize::from(tcp.read_u16().await?);
            if length > LONGEST_QUESTION {
                return Ok(());
            }
            let mut question = vec![0; length];
            tcp.read_exact(&mut question).await?;
            let Some(answer) = self.answer(&question, peer, Transport::Tcp).await else {
                return Ok(());
            };
            tcp.write_u16(answer.len() as u16).await?;
            tcp.write_all(&answer).await?;
        }
    }

    /// What to say to these bytes, if anything.
    async fn answer(&self, bytes: &[u8], peer: IpAddr, transport: Transport) -> Option<Vec<u8>> {
        if !self.paces.admits(Origin::from(peer), PACE, Instant::now()) {
            return None;
        }
        self.answer_anybody(bytes, transport).await
    }

    /// What to say to these bytes, whoever asks.
    pub(crate) async fn answer_anybody(&self, bytes: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let question = Message::from_vec(bytes).ok()?;
        // An answer to an answer could go on for ever.
        if question.metadata.message_type != MessageType::Query {
            return None;
        }
        let answer = self.reply(&question).await;
        let room = match (transport, &question.edns) {
            (Transport::Udp, None) => LONGEST_UNASKED,
            (Transport::Udp, Some(edns)) => usize::from(edns.max_payload()).clamp(LONGEST_UNASKED, LONGEST),
            (Transport::Tcp, _) => LONGEST,
        };
        let encoded = answer.to_vec().ok()?;
        if encoded.len() <= room {
            Some(encoded)
        } else {
            answer.truncate().to_vec().ok().filter(|short| short.len() <= room)
        }
    }

    async fn reply(&self, question: &Message) -> Message {
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        if let Some(asked) = &question.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(LONGEST as u16).set_version(0);
            answer.set_edns(edns);
            if asked.version() > 0 {
                answer.metadata.response_code = ResponseCode::BADVERS;
                return answer;
            }
        }
        let [query] = &question.queries[..] else {
            answer.metadata.response_code = ResponseCode::FormErr;
            return answer;
        };
        answer.add_query(query.clone());
        let is_ours = question.metadata.op_code == OpCode::Query
            && query.query_class() == DNSClass::IN
            && *query.name() == self.name
            && !matches!(query.query_type(), RecordType::ANY | RecordType::AXFR | RecordType::IXFR);
        if !is_ours {
            answer.metadata.response_code = ResponseCode::Refused;
            return answer;
        }
        answer.metadata.authoritative = true;
        match self.records(query).await {
            Ok(records) if records.is_empty() => {
                answer.add_authority(self.record(query, self.authority_record()));
            }
            Ok(records) => {
                answer.add_answers(records);
            }
            Err(cause) => {
                tracing::error!("could not look up the answer to a challenge: {cause}");
                answer.metadata.response_code = ResponseCode::ServFail;
            }
        }
        answer
    }

    /// The records of our name that a question is for.
    async fn records(&self, query: &Query) -> Result<Vec<Record>, crate::BoxError> {
        let data = match query.query_type() {
            RecordType::TXT => {
                let values = timeout(PATIENCE, (self.values)()).await??;
                values.into_iter().take(VALUES).map(|value| RData::TXT(TXT::new(vec![value]))).collect()
            }
            RecordType::SOA => vec![self.authority_record()],
            RecordType::NS => vec![RData::NS(NS(self.authority.clone()))],
            _ => Vec::new(),
        };
        Ok(data.into_iter().map(|data| self.record(query, data)).collect())
    }

    /// A record with the name as it was asked for, capitals and all: some resolvers know their question by them.
    fn record(&self, query: &Query, data: RData) -> Record {
        Record::from_rdata(query.name().clone(), KEPT, data)
    }

    fn authority_record(&self) -> RData {
        let [refresh, retry, expire] = [3600, 600, 86_400];
        let mailbox = Name::from_ascii("hostmaster").and_then(|name| name.append_domain(&self.authority));
        let mailbox = mailbox.unwrap_or_else(|_| self.authority.clone());
        RData::SOA(SOA::new(self.authority.clone(), mailbox, 1, refresh, retry, expire, KEPT))
    }
}

#[cfg(test)]
mod tests;
