//! EventStoreDB and KurrentDB: the event log, over their gRPC interface.
//!
//! Versions from 21.10 on, a single node or a cluster, with batch appends. Only streams, `$all` and the leader are used: no persistent
//! subscriptions, no projections of the server. What the client library leaves open is closed here: every call has a deadline, and a
//! client that does not work any more is replaced by a new one.

mod address;
mod call;
mod link;
mod record;
mod trouble;

pub mod log;

pub use address::{BadUrl, Server};
pub use link::OpenError;
