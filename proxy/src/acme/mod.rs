//! Certificates by themselves: every name the route table wants certified is, and no other name ever causes an order.

pub mod dns;
pub mod store;
