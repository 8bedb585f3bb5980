//! The configuration: one struct per section, and where each value came from is no secret.
//!
//! A later source overrides an earlier one: built-in defaults, the file, the environment, flags. An environment variable
//! is `CAIRN_` + section + `__` + key (`CAIRN_LOG__URL`); with `_FILE` behind it, it names a file that holds the value.

mod adapters;
mod address;
mod load;
mod messages;
mod moving;
mod offline;
mod sections;
mod services;
mod stores;

pub use adapters::{CacheAdapter, LandingStore, LogAdapter, ViewsAdapter};
pub use address::{Address, Hidden};
pub use load::{ConfigError, Overrides, load};
pub use messages::{Bus, BusAdapter, Queue, QueueAdapter, QueueKind};
pub use moving::{Transfers, Upkeep};
pub use offline::OfflineSection;
pub use sections::{Adapter, Cache, Config, LimitsSection, LogFormat, Server, Telemetry, Views};
pub use services::{BadServices, Service, Services};
pub use stores::{Bucket, Policy, Store, StoreFlavor, Stores};

#[cfg(test)]
mod tests;
