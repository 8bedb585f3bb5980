//! The adapters: what the ports of `commands` and `projections` are made of in the real world.
//!
//! Everything here can be replaced by its in-memory twin; no rule lives here.

pub mod clock;
pub mod config;
pub mod fs;
pub mod ids;
pub mod log_source;
pub mod passwords;
pub mod sqlite;
pub mod views;
