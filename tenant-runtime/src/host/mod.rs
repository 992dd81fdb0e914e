//! Many tenants on one machine: asleep until a request comes, awake while anything of an answer is unsent.

mod api;
mod client;
mod spec;

pub use client::{NodeClient, NodeError};
pub use spec::{
    FirstSuperuser, Generation, InvalidTenantId, Isolation, Limits, Rest, TenantId, TenantReport, TenantSpec,
    TenantState, Wanted,
};
