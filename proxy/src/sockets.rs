//! Listening sockets that outlive a process.
//!
//! A socket that is closed and bound again loses whoever waits in its queue. So a socket is bound once - by systemd, or by
//! the first process that needs it - and every later process gets a descriptor of that same socket. Which socket is which
//! the system can tell: kind and address are its name.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use socket2::{Domain, Socket, Type};

/// Tells a child which descriptors it was given. systemd's own way names the child's process, which is not known yet.
const HANDED_OVER: &str = "ROOST_SOCKETS";

/// What systemd tells its child with: how many descriptors from the third on, and which process they are for.
const SYSTEMD: [&str; 3] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// Connections that may wait to be accepted; the system may allow fewer.
const QUEUE: i32 = 4_096;

/// The sockets of a process; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Sockets(Arc<Mutex<Vec<Held>>>);

#[derive(Debug)]
struct Held {
    socket: Socket,
    kind: Type,
    address: SocketAddr,
    /// Whether somebody asked for it.
    wanted: bool,
}

impl Sockets {
    /// What systemd or a predecessor gave this process. Only the first call gets it.
    ///
    /// # Errors
    /// When what is announced is not there.
    pub fn inherited() -> io::Result<Sockets> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Relaxed) {
            return Ok(Sockets::default());
        }
        let read = |name: &str| std::env::var(name).ok();
        let numbers = announced(read, std::process::id())?;
        let held = numbers.into_iter().map(adopt).collect::<io::Result<_>>()?;
        Ok(Sockets(Arc::new(Mutex::new(held))))
    }

    /// A listener at an address: the one that is held already, or a new one. Port 0 is any port.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn tcp(&self, address: SocketAddr) -> io::Result<TcpListener> {
        self.find(Type::STREAM, address).map(Into::into)
    }

    /// The same for datagrams.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn udp(&self, address: SocketAddr) -> io::Result<UdpSocket> {
        self.find(Type::DGRAM, address).map(Into::into)
    }

    /// Closes what nobody asked for, and says where that was.
    pub fn close_unwanted(&self) -> Vec<SocketAddr> {
        self.lock().extract_if(.., |held| !held.wanted).map(|held| held.address).collect()
    }

    /// Lets go of all. Who listens on one goes on; once nobody does, connections are refused.
    pub fn close(&self) {
        self.lock().clear();
    }

    /// Gives them to a child that is about to be started. It inherits the descriptors if what is returned lives until then.
    ///
    /// # Errors
    /// When there are no more descriptors.
    pub fn hand_over(&self, command: &mut Command) -> io::Result<Vec<OwnedFd>> {
        let mut handed = Vec::new();
        for held in self.lock().iter() {
            let socket = held.socket.try_clone()?;
            socket.set_cloexec(false)?;
            handed.push(OwnedFd::from(socket));
        }
        let numbers: Vec<String> = handed.iter().map(|socket| socket.as_raw_fd().to_string()).collect();
        for name in SYSTEMD {
            command.env_remove(name);
        }
        command.env(HANDED_OVER, numbers.join(","));
        Ok(handed)
    }

    fn find(&self, kind: Type, address: SocketAddr) -> io::Result<Socket> {
        let mut all = self.lock();
        let place = all.iter().position(|held| held.kind == kind && held.serves(address));
        let place = match place {
            Some(place) => place,
            None => {
                all.push(Held::new(bind(kind, address)?)?);
                all.len() - 1
            }
        };
        all[place].wanted = true;
        all[place].socket.try_clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn new(socket: Socket) -> io::Result<Held> {
        let address = socket.local_addr()?.as_socket();
        let address =
            address.ok_or_else(|| io::Error::other("a socket without an internet address was handed over"))?;
        Ok(Held { kind: socket.r#type()?, address, socket, wanted: false })
    }

    /// Whoever wants any port gets one that nobody else asked for.
    fn serves(&self, wanted: SocketAddr) -> bool {
        self.address == wanted || (wanted.port() == 0 && self.address.ip() == wanted.ip() && !self.wanted)
    }
}

fn bind(kind: Type, address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    if kind == Type::STREAM {
        socket.listen(QUEUE)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Which descriptors are for this process.
fn announced(read: impl Fn(&str) -> Option<String>, process: u32) -> io::Result<Vec<RawFd>> {
    let number = |text: &str| text.parse().map_err(|_| io::Error::other(format!("`{text}` is no descriptor's number")));
    if let Some(list) = read(HANDED_OVER) {
        return list.split(',').filter(|text| !text.is_empty()).map(number).collect();
    }
    let [count, owner, _] = SYSTEMD.map(read);
    match (count, owner) {
        (Some(count), Some(owner)) if owner == process.to_string() => Ok((3..3 + number(&count)?).collect()),
        _ => Ok(Vec::new()),
    }
}

/// Takes a descriptor this process was started with.
#[expect(unsafe_code, reason = "a descriptor a process is started with has no owner whom it could be taken from")]
fn adopt(number: RawFd) -> io::Result<Held> {
    let is_socket = fs::read_link(format!("/proc/self/fd/{number}"));
    if number < 3 || !is_socket.is_ok_and(|target| target.to_string_lossy().starts_with("socket:")) {
        return Err(io::Error::other(format!("descriptor {number} was announced as a socket and is none")));
    }
    // SAFETY: it is open, as was just seen; whoever started this process announced it as ours; and nobody else here has
    // it, because `Sockets::inherited` adopts what was announced only once.
    let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(number) });
    socket.set_cloexec(true)?;
    socket.set_nonblocking(true)?;
    Held::new(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    #[test]
    fn an_address_is_bound_once_and_any_port_is_a_port_of_its_own() {
        let sockets = Sockets::default();
        let first = sockets.tcp(loopback()).expect("binds").local_addr().expect("is bound");
        assert_eq!(sockets.tcp(first).expect("is held").local_addr().expect("is bound"), first);
        let second = sockets.tcp(loopback()).expect("binds").local_addr().expect("is bound");
        assert_ne!(first, second);
        let datagrams = sockets.udp(first).expect("the other kind is another socket");
        assert_eq!(datagrams.local_addr().expect("is bound"), first);
    }

    #[test]
    fn what_nobody_asked_for_is_closed() {
        let socket = bind(Type::STREAM, loopback()).expect("binds");
        let address = socket.local_addr().expect("is bound").as_socket().expect("an address");
        let sockets = Sockets(Arc::new(Mutex::new(vec![Held::new(socket).expect("is known")])));
        let wanted = sockets.tcp(loopback()).expect("is held").local_addr().expect("is bound");
        assert_eq!(wanted, address, "a successor with port 0 among its arguments gets its predecessor's");
        assert!(sockets.close_unwanted().is_empty());
        sockets.0.lock().expect("no panic")[0].wanted = false;
        assert_eq!(sockets.close_unwanted(), [address]);
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    #[test]
    fn descriptors_are_for_the_process_they_were_announced_to() {
        let announced = |variables: &[(&str, &str)]| {
            let read =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            announced(read, 7).ok()
        };
        assert_eq!(announced(&[]), Some(vec![]));
        assert_eq!(announced(&[("LISTEN_FDS", "2"), ("LISTEN_PID", "7")]), Some(vec![3, 4]));
        assert_eq!(announced(&[("LISTEN_FDS", "2"), ("LISTEN_PID", "8")]), Some(vec![]));
        assert_eq!(announced(&[("LISTEN_FDS", "2")]), Some(vec![]));
        assert_eq!(announced(&[(HANDED_OVER, "9,12"), ("LISTEN_FDS", "2"), ("LISTEN_PID", "7")]), Some(vec![9, 12]));
        assert_eq!(announced(&[(HANDED_OVER, "")]), Some(vec![]));
        assert_eq!(announced(&[(HANDED_OVER, "nine")]), None);
    }
}
