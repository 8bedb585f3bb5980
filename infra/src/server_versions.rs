//! Which versions the servers have on which a drive stands, as far as they tell: for operators.

use crate::config::{Config, ConfigError};

/// What a server is for, and which version it says it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    /// The section of the configuration that names it.
    pub section: &'static str,
    /// As it says itself.
    pub version: String,
}

/// Asks those that have a way to be asked: databases, Redis and NATS. One that does not answer is left out.
#[cfg_attr(
    not(any(feature = "mysql", feature = "redis", feature = "nats")),
    expect(unused_mut, unused_variables, clippy::unused_async, reason = "there is nobody to be asked")
)]
pub async fn server_versions(config: &Config) -> Result<Vec<ServerVersion>, ConfigError> {
    let mut told: Vec<(&'static str, Option<String>)> = Vec::new();
    #[cfg(feature = "mysql")]
    {
        use crate::config::{LogAdapter, ViewsAdapter};
        if let LogAdapter::Mysql(server) = config.log_adapter()? {
            told.push(("log", server.version().await.ok()));
        }
        if let ViewsAdapter::Mysql { primary, .. } = config.views_adapter()? {
            told.push(("views", primary.version().await.ok()));
        }
    }
    #[cfg(feature = "redis")]
    if let crate::config::CacheAdapter::Redis(server) = config.cache_adapter()? {
        told.push(("cache", server.version().await.ok()));
    }
    #[cfg(feature = "nats")]
    if let crate::config::BusAdapter::Nats { server, .. } = config.bus_adapter()? {
        told.push(("bus", server.version().await.ok()));
    }
    Ok(told.into_iter().filter_map(|(section, version)| Some(ServerVersion { section, version: version? })).collect())
}
