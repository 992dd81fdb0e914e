//! Roost's platform: accounts, projects, placement, jobs, the console's API, and the program that runs it all.
//!
//! It states wishes and makes them come true by reconciling; tenants keep running while it is away.

pub mod cli;
pub mod config;
pub mod doctor;
pub mod serve;
pub mod upgrade;

pub mod access;
pub mod database;
pub mod error;
pub mod http;
pub mod session;

pub mod accounts;
pub mod backups;
pub mod domains;
pub mod plans;
pub mod projects;
pub mod rescue;
pub mod teams;
pub mod usage;

pub mod audit;
pub mod edge;
pub mod fleet;
pub mod jobs;
pub mod mail;
pub mod operator;

mod clock;
mod failure;
mod page;
mod state;

pub use cli::main;
