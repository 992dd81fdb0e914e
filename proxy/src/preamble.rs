//! What a load balancer says in front of a connection: for whom it was opened, by the PROXY protocol in version 1 or 2.
//!
//! Not a byte more than the header is read, because what follows belongs to TLS or HTTP.

use std::io::{self, ErrorKind};
use std::net::IpAddr;

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest header of version 1 there can be.
const LONGEST_TEXT: usize = 107;

/// The longest header of version 2 worth reading; what is not an address in it is small.
const LONGEST_BINARY: usize = 4096;

/// Where version 2 says how much follows.
const BEFORE_ADDRESSES: usize = 16;

/// Reads a header: the address of the client, or `None` if the load balancer speaks for itself.
pub(crate) async fn read<R: AsyncRead + Unpin>(from: &mut R) -> io::Result<Option<IpAddr>> {
    let mut header = vec![0; v2::PROTOCOL_PREFIX.len()];
    from.read_exact(&mut header).await?;
    if header == v2::PROTOCOL_PREFIX {
        read_on(from, &mut header, BEFORE_ADDRESSES).await?;
        let rest = u16::from_be_bytes([header[14], header[15]]);
        read_on(from, &mut header, BEFORE_ADDRESSES + usize::from(rest)).await?;
        return binary(&header);
    }
    while !header.ends_with(b"\r\n") {
        if header.len() == LONGEST_TEXT || !header.starts_with(b"PROXY ") {
            return Err(ErrorKind::InvalidData.into());
        }
        header.push(from.read_u8().await?);
    }
    text(&header)
}

async fn read_on<R: AsyncRead + Unpin>(from: &mut R, header: &mut Vec<u8>, length: usize) -> io::Result<()> {
    if length > LONGEST_BINARY {
        return Err(ErrorKind::InvalidData.into());
    }
    let begin = header.len();
    header.resize(length, 0);
    from.read_exact(&mut header[begin..]).await.map(drop)
}

fn text(header: &[u8]) -> io::Result<Option<IpAddr>> {
    match v1::Header::try_from(header).map_err(invalid)?.addresses {
        v1::Addresses::Tcp4(addresses) => Ok(Some(addresses.source_address.into())),
        v1::Addresses::Tcp6(addresses) => Ok(Some(addresses.source_address.into())),
        v1::Addresses::Unknown => Ok(None),
    }
}

fn binary(header: &[u8]) -> io::Result<Option<IpAddr>> {
    let header = v2::Header::try_from(header).map_err(invalid)?;
    match (header.command, header.addresses) {
        (v2::Command::Proxy, v2::Addresses::IPv4(addresses)) => Ok(Some(addresses.source_address.into())),
        (v2::Command::Proxy, v2::Addresses::IPv6(addresses)) => Ok(Some(addresses.source_address.into())),
        // A health check, or somebody without an address.
        _ => Ok(None),
    }
}

fn invalid<E: std::error::Error + Send + Sync + 'static>(cause: E) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use proptest::prelude::*;

    /// The address, and what is left to read.
    fn parse(mut bytes: &[u8]) -> Result<(Option<String>, &[u8]), ErrorKind> {
        let address = read(&mut bytes).now_or_never().expect("nothing to wait for").map_err(|cause| cause.kind())?;
        Ok((address.map(|address| address.to_string()), bytes))
    }

    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut header = v2::PROTOCOL_PREFIX.to_vec();
        header.extend([0x20 | command, family]);
        header.extend((rest.len() as u16).to_be_bytes());
        header.extend(rest);
        header.extend(b"GET");
        header
    }

    #[test]
    fn both_versions_name_the_client_and_leave_the_rest() {
        let found = |address: &str| Ok((Some(address.to_owned()), &b"GET"[..]));
        assert_eq!(parse(b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\r\nGET"), found("192.0.2.7"));
        assert_eq!(parse(b"PROXY TCP6 2001:db8::7 2001:db8::1 4000 443\r\nGET"), found("2001:db8::7"));
        assert_eq!(parse(b"PROXY UNKNOWN\r\nGET"), Ok((None, &b"GET"[..])));
        let addresses = [192, 0, 2, 7, 192, 0, 2, 1, 15, 160, 1, 187];
        assert_eq!(parse(&version_2(1, 0x11, &addresses)), found("192.0.2.7"));
        let with_extras = [&addresses[..], &[4, 0, 1, 42]].concat();
        assert_eq!(parse(&version_2(1, 0x11, &with_extras)), found("192.0.2.7"));
        assert_eq!(parse(&version_2(0, 0, &[])), Ok((None, &b"GET"[..])));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"PROXY TCP4 192.0.2.7 192.0.2.1 4000\r\nGET",
            b"PROXY TCP4 2001:db8::7 192.0.2.1 4000 443\r\n",
            b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\n\n\n\r\n",
            b"proxy unknown\r\n",
            &[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat(),
            &version_2(1, 0x11, &[192, 0, 2, 7]),
            &version_2(2, 0x11, &[0; 12]),
            &version_2(0, 0, &[0; 5_000]),
        ] {
            assert_eq!(parse(wrong), Err(ErrorKind::InvalidData), "{:?}", String::from_utf8_lossy(wrong));
        }
        assert_eq!(parse(b"PROXY TCP4"), Err(ErrorKind::UnexpectedEof));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..300), begin in 0..4) {
            let begin: &[u8] = match begin {
                0 => b"PROXY ",
                1 => b"PROXY TCP4 ",
                2 => v2::PROTOCOL_PREFIX,
                _ => b"",
            };
            let _ = parse(&[begin, &bytes[..]].concat());
        }
    }
}
