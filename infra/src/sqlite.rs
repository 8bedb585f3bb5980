//! The embedded defaults: everything in SQLite files of the data directory.

mod files;
pub mod ledger;
pub mod log;
pub mod views;
