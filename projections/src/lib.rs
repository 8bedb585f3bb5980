//! The read side: how events become rows, and how rows are asked for.
//!
//! A [`Projection`] is a pure function from an event to [`Statement`]s, which are data. The [`Runner`] follows the log and has
//! an adapter of [`Tables`](ports::Tables) execute them, together with the checkpoint, in one transaction: exactly once in effect.
//! Whatever stands in the tables can be thrown away and made again, and making it again can reach nothing but tables: this crate knows
//! no use case, no driver and no web framework, and holds nothing in its hands that could send, store or delete.
//!
//! The tables are defined once, for every SQL dialect (see [`table`]); the [`queries`] are typed functions over
//! [`ReadTables`](ports::ReadTables).

#[macro_use]
pub mod table;

pub mod projection;
pub mod statement;

pub mod bookkeeping;
pub mod ports;
pub mod runner;

pub mod cursor;
pub mod queries;
pub mod sql;

#[cfg(feature = "sample")]
pub mod sample;

pub use cursor::{Cursor, NotACursor};
pub use projection::{Projection, projections};
pub use runner::{ReachedPosition, Replay, Runner};
pub use statement::{Statement, Value};
