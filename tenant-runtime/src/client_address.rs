//! Who is calling, as the edge saw it.

use std::net::IpAddr;

/// The address of the client, put into a request's extensions by whoever accepted the connection.
///
/// Under a host it comes from the edge's `x-roost-client-ip`; standing alone it is the connection's peer. Nothing a
/// client can write into a header ends up here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

/// An address as stock servers write it: of IPv6 all eight groups with all their digits.
pub fn expanded(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|group| format!("{group:04x}")).join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_in_full() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"),
        ] {
            assert_eq!(expanded(text.parse().expect("an address")), expected);
        }
    }
}
