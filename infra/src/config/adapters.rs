//! From an address to the adapter that it means, as far as this build has it.

#[cfg(feature = "mysql")]
use super::Address;
#[cfg(feature = "s3")]
use super::stores::Bucket;
use super::stores::Store;
use super::{Config, ConfigError};
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

/// What this program can be built with: the scheme of its addresses and the feature.
const DATABASES: &[(&str, &str)] = &[("mysql", "mysql")];

impl Config {
    /// Where events go.
    pub fn log_adapter(&self) -> Result<LogAdapter, ConfigError> {
        match self.log.url.scheme() {
            "sqlite" => Ok(LogAdapter::Sqlite),
            #[cfg(feature = "mysql")]
            "mysql" => Ok(LogAdapter::Mysql(server("log.url", &self.log.url)?)),
            scheme => Err(no_adapter("log.url", scheme, DATABASES)),
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
            Some(Store::S3(_)) => {
                let reason = "is of kind \"s3\", and this cairn was built without the feature `s3`";
                Err(ConfigError::BadStore { name: name.clone(), reason })
            }
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
