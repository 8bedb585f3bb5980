//! The use cases: what people and the system itself may do, one file each.
//!
//! This crate owns the ports that its use cases need and knows no adapter, no driver and no web framework.
//! Every change goes through [`Journal::execute`]: load, fold, decide, append. There is no second such loop.
//!
//! No use case needs two streams at once. One that touches several has one event that is its commit point;
//! the rest follows from it, and can be done again by anybody who finds it begun (see [`sagas`]).

pub mod account;
pub mod archive;
pub mod audit;
pub mod backup;
pub mod bring_back;
pub mod chosen;
pub mod content;
pub mod file;
pub mod folder;
pub mod instant;
pub mod links;
pub mod log_digest;
pub mod offline;
pub mod sagas;
pub mod share;
pub mod transfer;
pub mod upload;

pub mod drive;
pub mod journal;
pub mod once;
pub mod pace;
pub mod ports;
pub mod request;
pub(crate) mod space;
pub mod timeline;
pub mod trouble;
pub mod turns;

pub use drive::{Drive, Limits, Ports};
pub use journal::{Executed, Journal, Loaded};
pub use request::{Caller, Request};
pub use trouble::Trouble;

#[cfg(test)]
mod tests;
