//! A double of EventStoreDB (KurrentDB), for tests: it speaks the gRPC protocol of version 24 over real TCP, keeps its events in
//! memory, and fails when it is told to.
//!
//! It is true to the real server in what an adapter can see: expected revisions and their conflicts, repeated appends, reads and
//! catch-up subscriptions of streams and of `$all`, filters, soft deletion, tombstones, limits and the names of errors. Clients of
//! other makers judge that, see `clients`.
//!
//! What a client can't see it does more simply: a repeated append is recognised however old it is, and a subscription never falls
//! behind, since its events are read from the log at its client's pace.
//!
//! It will never store anything on disk, know more than one user, speak TLS, form a cluster, resolve links, run projections, or serve
//! persistent subscriptions. Stream metadata that clients write is kept but has no effect.

#![expect(clippy::result_large_err, reason = "every call ends with a tonic::Status, whose size is not ours")]

mod access;
mod batch;
mod call;
mod control;
mod double;
mod fault;
mod filter;
mod page;
mod proto;
mod refusal;
mod request;
mod server;
mod shared;
mod store;
mod subscription;

pub use double::{Double, SubscriptionEnd};
pub use fault::{Fault, Method, Scope};
