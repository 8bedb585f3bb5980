//! From an address to the adapter that it means, as far as this build has it.

#[cfg(feature = "mysql")]
use super::Address;
use super::{Config, ConfigError};
#[cfg(feature = "eventstore")]
use crate::eventstore;
#[cfg(feature = "mysql")]
use crate::mysql;

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

/// What this program can be built with: the scheme of its addresses and the feature.
const DATABASES: &[(&str, &str)] = &[("mysql", "mysql")];

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
            scheme => Err(no_adapter("log.url", scheme, &[DATABASES, EVENT_STORES].concat())),
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
            scheme => Err(no_adapter("views.url", scheme, DATABASES)),
        }
    }
}

#[cfg(feature = "mysql")]
fn server(key: &'static str, address: &Address) -> Result<mysql::Server, ConfigError> {
    let unusable = |source: mysql::BadUrl| ConfigError::BadAddress { key, address: address.clone(), source: source.into() };
    address.expose().parse().map_err(unusable)
}

fn no_adapter(key: &'static str, scheme: &str, known: &[(&'static str, &'static str)]) -> ConfigError {
    match known.iter().find(|(known, _)| *known == scheme) {
        Some((_, feature)) => ConfigError::FeatureMissing { key, scheme: scheme.to_owned(), feature },
        None => ConfigError::NoAdapter { key, scheme: scheme.to_owned(), known: schemes(known) },
    }
}

fn schemes(known: &[(&str, &str)]) -> String {
    known.iter().fold("sqlite".to_owned(), |list, (scheme, _)| format!("{list}, {scheme}://"))
}
