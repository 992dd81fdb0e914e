//! The edge's wiring: what the proxy needs of the control plane, and what this machine can find out about the internet.

pub mod authorities;
pub mod certificates;
pub mod dns;
pub mod probe;
pub mod store;
