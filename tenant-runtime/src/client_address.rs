//! Who is calling, as the edge saw it, and which addresses the settings speak of.

use std::net::IpAddr;

use crate::outbound::Network;

/// The address of the client, put into a request's extensions by whoever accepted the connection.
///
/// Under a host it comes from the edge's `x-roost-client-ip`; standing alone it is the connection's peer. Nothing a
/// client can write into a header ends up here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

/// Whether an address is one of a list of addresses and networks. What is neither lists nothing.
pub fn is_among(list: &[String], address: IpAddr) -> bool {
    let address = address.to_canonical();
    list.iter().filter_map(|text| text.parse::<Network>().ok()).any(|network| network.contains(address))
}

/// An address as stock servers write it: IPv6 in full.
pub fn text(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|segment| format!("{segment:04x}")).join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_hold_addresses_and_networks() {
        let list = ["x".to_owned(), "10.0.0.0/8".to_owned(), "2001:db8::1".to_owned()];
        for (address, listed) in
            [("10.9.9.9", true), ("11.0.0.1", false), ("2001:db8::1", true), ("::ffff:10.0.0.1", true)]
        {
            assert_eq!(is_among(&list, address.parse().expect("an address")), listed, "{address}");
        }
    }

    #[test]
    fn an_address_is_written_in_full() {
        let written = |address: &str| text(address.parse().expect("an address"));
        assert_eq!(written("2001:db8::1"), "2001:0db8:0000:0000:0000:0000:0000:0001");
        assert_eq!(written("192.0.2.1"), "192.0.2.1");
    }
}
