//! Who is calling, as the edge saw it.

use std::net::IpAddr;

/// The address of the client, put into a request's extensions by whoever accepted the connection.
///
/// Under a host it comes from the edge's `x-roost-client-ip`; standing alone it is the connection's peer. Nothing a
/// client can write into a header ends up here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);
