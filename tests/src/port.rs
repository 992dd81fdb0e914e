//! Ports of one's own: a program under test finds its port free whenever it starts, also for the second time.
//!
//! A port that the system chose is anybody's as soon as nobody listens there. These lie below those it chooses, and a lock on
//! a file, which ends with its owner, keeps every other test away, of whichever process.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below what Linux hands out by itself.
const RANGE: Range<u16> = 20_000..32_000;

/// A port that is nobody else's while this value lives.
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// A port that nobody listens on, on either loopback address.
    pub fn reserve() -> Port {
        static TURN: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join("roost-test-ports");
        fs::create_dir_all(&folder).expect("a folder for locks");
        // Processes begin at different places, so that they seldom meet.
        let begin = std::process::id().wrapping_mul(97).wrapping_add(TURN.fetch_add(1, Ordering::Relaxed));
        let turned = |n: u16| RANGE.start + ((begin % RANGE.len() as u32) as u16 + n) % RANGE.len() as u16;
        let reserve = |number: u16| {
            let lock = File::options().create(true).append(true).open(folder.join(number.to_string())).ok()?;
            (lock.try_lock().is_ok() && is_free(number)).then_some(Port { number, _lock: lock })
        };
        (0..RANGE.len() as u16).map(turned).find_map(reserve).expect("a free port")
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

fn is_free(port: u16) -> bool {
    let addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    addresses.into_iter().all(|address| {
        let bound = TcpListener::bind(address).and_then(|_| UdpSocket::bind(address));
        // Not every machine has IPv6.
        bound.map_or_else(|error| error.kind() == ErrorKind::AddrNotAvailable, |_| true)
    })
}
