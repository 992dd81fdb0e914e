//! Certificates by themselves: every name the route table wants certified is, and no other name ever causes an order.
//!
//! What is *wanted* follows from the [`RouteTable`](crate::routes::RouteTable) alone: the certificates of its
//! [`Tls::Auto`](crate::routes::Tls::Auto) routes. What is *held* lies in a [`Store`]. The `keeper` compares the
//! two and has no other input; a handshake for a wanted name may only ask it to hurry. `work` is one name's way to a
//! certificate, `order` that way's part at an authority.
//!
//! Everything here may be killed at any moment and run in two processes at once: leases say who orders, orders are
//! come back to, answers are where every process finds them, and each step looks again before it costs anything.

pub mod dns;
pub mod store;

mod options;

mod handle;

mod keeper;
mod plan;

mod budget;
mod desk;
mod work;

mod client;
mod failure;
mod order;

pub(crate) mod challenges;

pub use handle::{Handle, Outcome, Overview};
pub(crate) use keeper::Keeper;
pub use options::{AcmeOptions, Budget, Clock, Event, ExternalAccount, Issuer, Precheck, Reason, Times};
