//! The adapters: what the ports of `commands` and `projections` are made of in the real world.
//!
//! Everything here can be replaced by its in-memory twin; no rule lives here.

#[cfg(any(feature = "nats", feature = "rabbitmq"))]
mod backoff;
pub mod clock;
pub mod config;
mod digest_blocks;
#[cfg(feature = "eventstore")]
pub mod eventstore;
pub mod fetch;
pub mod fs;
mod group_commit;
pub mod ids;
pub mod log_source;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "nats")]
pub mod nats;
pub mod passwords;
mod prefix;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "s3")]
pub mod s3;
pub mod server_versions;
pub mod sqlite;
pub mod tls;
pub mod views;
pub mod woken_log;
