//! The adapters: what the ports of `commands` and `projections` are made of in the real world.
//!
//! Everything here can be replaced by its in-memory twin; no rule lives here.

pub mod clock;
pub mod config;
pub mod fs;
mod group_commit;
pub mod ids;
pub mod log_source;
#[cfg(feature = "mysql")]
pub mod mysql;
pub mod passwords;
mod prefix;
#[cfg(feature = "s3")]
pub mod s3;
pub mod sqlite;
pub mod views;
