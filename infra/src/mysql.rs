//! MySQL and MariaDB: the event log, the read tables, its digests, the request ledger and the checkpoints of sagas, each in whichever database its URL names.
//!
//! MySQL 8.0 or MariaDB 10.6 and later, with InnoDB.

mod connect;
mod literal;
mod pulse;
mod schema;
mod trouble;

pub mod checkpoints;
pub mod digests;
pub mod ledger;
pub mod log;
pub mod views;

pub use connect::{BadUrl, Server};
pub use schema::{Migrate, OpenError};
