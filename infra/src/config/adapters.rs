//! From an address to the adapter that it means, as far as this build has it.

#[cfg(feature = "mysql")]
use super::Address;
#[cfg(feature = "s3")]
use super::stores::Bucket;
use super::stores::Store;
use super::{Config, ConfigError};
#[cfg(feature = "eventstore")]
use crate::eventstore;
#[cfg(feature = "mysql")]
use crate::mysql;
#[cfg(feature = "redis")]
use crate::redis;

/// Where events go.
#[derive(Debug, Clone)]
pub enum LogAdapter {
    /// A file in the data directory.
    Sqlite,
    /// A database, shared by any number of processes.
    #[cfg(feature = "mysql")]
    Mysql(mysql::Server),
    /// An EventStoreDB, shared by any number of processes.
    #[cfg(feature = "eventstore")]
    EventStore(eventstore::Server),
}

impl LogAdapter {
    /// Whether it numbers its events 1, 2, 3 and so on, without a hole. In `EventStoreDB` positions are byte offsets.
    pub const fn is_contiguous(&self) -> bool {
        match self {
            Self::Sqlite => true,
            #[cfg(feature = "mysql")]
            Self::Mysql(_) => true,
            #[cfg(feature = "eventstore")]
            Self::EventStore(_) => false,
        }
    }
}

/// Where the read tables are.
#[derive(Debug, Clone)]
pub enum ViewsAdapter {
    /// A file in the data directory.
    Sqlite,
    /// A database, shared by any number of processes, and copies of it.
    #[cfg(feature = "mysql")]
    Mysql {
        /// Where they are written.
        primary: mysql::Server,
        /// Where they are read as well.
        replicas: Vec<mysql::Server>,
    },
}

/// Which store takes uploads.
#[derive(Debug, Clone)]
pub enum LandingStore {
    /// Directories of the data directory.
    Local,
    /// A bucket of an object store.
    #[cfg(feature = "s3")]
    S3 {
        /// The store's name in events and answers.
        name: String,
        /// Where it is.
        bucket: Bucket,
    },
}

/// Where processes share what they remember for a moment.
#[derive(Debug, Clone)]
pub enum CacheAdapter {
    /// Nowhere: each remembers for itself.
    Process,
    /// A server.
    #[cfg(feature = "redis")]
    Redis(redis::Server),
}

/// What this program can be built with: the scheme of its addresses and the feature.
const DATABASES: &[(&str, &str)] = &[("mysql", "mysql")];
/// The same, for caches.
const CACHES: &[(&str, &str)] = &[("redis", "redis"), ("rediss", "redis")];
/// The same, for the bus.
pub(super) const BUSES: &[(&str, &str)] = &[("nats", "nats"), ("tls", "nats")];
/// The same, for the queue of tasks.
pub(super) const QUEUES: &[(&str, &str)] = &[("amqp", "rabbitmq"), ("amqps", "rabbitmq")];

/// The names by which the clients of EventStoreDB know it, before and after it was called KurrentDB.
const EVENT_STORES: &[(&str, &str)] = &[
    ("esdb", "eventstore"),
    ("esdb+discover", "eventstore"),
    ("kurrentdb", "eventstore"),
    ("kurrentdb+discover", "eventstore"),
    ("kurrent", "eventstore"),
    ("kurrent+discover", "eventstore"),
    ("kdb", "eventstore"),
    ("kdb+discover", "eventstore"),
];

impl Config {
    /// Where events go.
    pub fn log_adapter(&self) -> Result<LogAdapter, ConfigError> {
        match self.log.url.scheme() {
            "sqlite" => Ok(LogAdapter::Sqlite),
            #[cfg(feature = "mysql")]
            "mysql" => Ok(LogAdapter::Mysql(server("log.url", &self.log.url)?)),
            #[cfg(feature = "eventstore")]
            scheme if EVENT_STORES.iter().any(|(known, _)| *known == scheme) => {
                let unusable = |source: eventstore::BadUrl| ConfigError::BadAddress {
                    key: "log.url",
                    address: self.log.url.clone(),
                    source: source.into(),
                };
                Ok(LogAdapter::EventStore(self.log.url.expose().parse().map_err(unusable)?))
            }
            scheme => Err(no_adapter("log.url", scheme, "sqlite", &[DATABASES, EVENT_STORES].concat())),
        }
    }

    /// Where the read tables are.
    pub fn views_adapter(&self) -> Result<ViewsAdapter, ConfigError> {
        match self.views.url.scheme() {
            "sqlite" if self.views.replicas.is_empty() => Ok(ViewsAdapter::Sqlite),
            "sqlite" => Err(ConfigError::NoReplicas),
            #[cfg(feature = "mysql")]
            "mysql" => {
                let replicas = self.views.replicas.iter().map(|address| server("views.replicas", address));
                Ok(ViewsAdapter::Mysql {
                    primary: server("views.url", &self.views.url)?,
                    replicas: replicas.collect::<Result<_, _>>()?,
                })
            }
            scheme => Err(no_adapter("views.url", scheme, "sqlite", DATABASES)),
        }
    }

    /// Where processes share what they remember for a moment.
    pub fn cache_adapter(&self) -> Result<CacheAdapter, ConfigError> {
        let address = &self.cache.url;
        match address.scheme() {
            "process" => Ok(CacheAdapter::Process),
            #[cfg(feature = "redis")]
            "redis" | "rediss" => {
                let server = address.expose().parse::<redis::Server>();
                let unusable = |source: redis::BadUrl| ConfigError::BadAddress {
                    key: "cache.url",
                    address: address.clone(),
                    source: source.into(),
                };
                Ok(CacheAdapter::Redis(server.map_err(unusable)?))
            }
            scheme => Err(no_adapter("cache.url", scheme, "process", CACHES)),
        }
    }
}

impl Config {
    /// Which store takes uploads.
    pub fn landing_store(&self) -> Result<LandingStore, ConfigError> {
        let name = &self.policy.land;
        match self.stores.get(name) {
            None => Err(ConfigError::NoStore { key: "land", name: name.clone() }),
            Some(Store::Fs {}) => Ok(LandingStore::Local),
            #[cfg(feature = "s3")]
            Some(Store::S3(bucket)) => Ok(LandingStore::S3 { name: name.clone(), bucket: bucket.clone() }),
            #[cfg(not(feature = "s3"))]
            Some(Store::S3(_)) => Err(ConfigError::BadStore { name: name.clone(), reason: super::load::NO_S3 }),
        }
    }
}

#[cfg(feature = "mysql")]
fn server(key: &'static str, address: &Address) -> Result<mysql::Server, ConfigError> {
    let unusable = |source: mysql::BadUrl| ConfigError::BadAddress { key, address: address.clone(), source: source.into() };
    address.expose().parse().map_err(unusable)
}

/// `built_in` is the word that needs no feature.
pub(super) fn no_adapter(key: &'static str, scheme: &str, built_in: &str, known: &[(&'static str, &'static str)]) -> ConfigError {
    match known.iter().find(|(known, _)| *known == scheme) {
        Some((_, feature)) => ConfigError::FeatureMissing { key, scheme: scheme.to_owned(), feature },
        None => ConfigError::NoAdapter { key, scheme: scheme.to_owned(), known: schemes(built_in, known) },
    }
}

fn schemes(built_in: &str, known: &[(&str, &str)]) -> String {
    known.iter().fold(built_in.to_owned(), |list, (scheme, _)| format!("{list}, {scheme}://"))
}

#[cfg(test)]
mod tests {
    use std::{fs, path};

    use super::super::load::NO_S3;
    use super::*;

    /// The features of the program.
    fn switches() -> String {
        let manifest = path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        fs::read_to_string(manifest).expect("the workspace")
    }

    /// Only a program without the adapter says it; which features this one was built with makes no difference.
    #[test]
    fn what_is_not_built_in_is_told_with_its_setting_and_the_feature_that_brings_it() {
        let (switches, logs) = (switches(), [DATABASES, EVENT_STORES].concat());
        let is_switch = |feature: &str| switches.contains(&format!("\n{feature} = [\"cairn-infra/{feature}\"]\n"));
        for (key, built_in, known) in [
            ("log.url", "sqlite", &*logs),
            ("views.url", "sqlite", DATABASES),
            ("cache.url", "process", CACHES),
            ("bus.url", "process", BUSES),
            ("queue.url", "process", QUEUES),
        ] {
            for (scheme, feature) in known {
                let told = no_adapter(key, scheme, built_in, known).to_string();
                let expected = format!("{key} begins with {scheme:?}, and this cairn was built without the feature `{feature}`");
                assert_eq!(told, expected);
                assert!(is_switch(feature), "{feature} can't be switched on");
            }
            let told = no_adapter(key, "ftp", built_in, known).to_string();
            assert!(told.contains(&format!("it has: {built_in}, ")), "{told}");
        }
        assert!(NO_S3.ends_with("without the feature `s3`") && is_switch("s3"));
    }
}
