//! The adapters: what the ports of `commands` and `projections` are made of in the real world.
//!
//! Everything here can be replaced by its in-memory twin; no rule lives here.

pub mod config;
pub mod fs;
pub mod log_source;
pub mod views;
pub mod sqlite;
pub mod clock;
pub mod ids;
pub mod passwords;
