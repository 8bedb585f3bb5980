//! What the use cases need from outside. Each trait carries its contract in prose; beside it stand an
//! in-memory twin and, with the feature `contract`, the suite that every adapter passes.

pub mod attempts;
pub mod blobs;
pub mod bus;
pub mod challenges;
pub mod checkpoints;
pub mod clock;
pub mod digests;
pub mod event_store;
pub mod fetch;
pub mod ids;
pub mod intake;
pub mod ledger;
pub mod passwords;
pub mod rates;
pub mod sessions;
pub mod staging;
pub mod tasks;
pub mod views;

/// The cause of a failure, as an adapter knows it; for the operator, never for the client.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes on their way, in pieces of any size.
pub type ByteStream = futures_util::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>;
