//! Tells systemd what it wants to know, if it is systemd that runs us.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends variables such as `READY=1`, one a line. Nobody waits for them, so a failure is only logged.
pub fn notify(variables: &str) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send(&socket, variables)
    {
        tracing::warn!("systemd could not be told {variables:?}: {error}");
    }
}

fn send(socket: &OsStr, variables: &str) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(variables.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_sockets_are_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("notify");
        let by_path = UnixDatagram::bind(&path).expect("binds");
        let name = format!("roost-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let by_name = UnixDatagram::bind_addr(&address).expect("binds");
        for (socket, told) in [(path.into_os_string(), by_path), (format!("@{name}").into(), by_name)] {
            send(&socket, "READY=1").expect("is sent");
            let mut heard = [0; 64];
            let length = told.recv(&mut heard).expect("is received");
            assert_eq!(&heard[..length], b"READY=1");
        }
    }
}
