//! What the processes of a drive share for a moment.

use std::sync::Arc;

#[cfg(feature = "redis")]
use anyhow::Context;
use cairn_commands::drive::Secret;
use cairn_commands::ports::attempts::{Attempts, MemoryAttempts};
use cairn_commands::ports::rates::{MemoryRates, Rates};
use cairn_commands::ports::sessions::{MemorySessions, SessionCache};
use cairn_infra::config::{CacheAdapter, Config};

use super::closing::Closing;
#[cfg(feature = "redis")]
use crate::unusable::Unusable;

/// The cache, and what is counted in it.
pub(super) struct OpenCache {
    pub(super) sessions: Arc<dyn SessionCache>,
    pub(super) attempts: Arc<dyn Attempts>,
    pub(super) rates: Arc<dyn Rates>,
    pub(super) closing: Closing,
}

/// Opens the cache that is configured.
#[cfg_attr(
    not(feature = "redis"),
    expect(unused_variables, clippy::unused_async, reason = "a process needs nothing to remember for itself")
)]
pub(super) async fn open_cache(config: &Config, secret: &Secret) -> anyhow::Result<OpenCache> {
    match config.cache_adapter()? {
        CacheAdapter::Process => Ok(OpenCache {
            sessions: Arc::new(MemorySessions::default()),
            attempts: Arc::new(MemoryAttempts::default()),
            rates: Arc::new(MemoryRates::default()),
            closing: Closing::of(Arc::new(()), |_| async {}),
        }),
        #[cfg(feature = "redis")]
        CacheAdapter::Redis(server) => redis(config, &server, secret).await,
    }
}

/// Whether the cache that is configured lets us in. Nothing is kept in it, so that no secret is needed.
pub(crate) async fn try_cache(config: &Config) -> anyhow::Result<()> {
    open_cache(config, &Secret([0; 32])).await?.closing.close().await;
    Ok(())
}

#[cfg(feature = "redis")]
async fn redis(config: &Config, server: &cairn_infra::redis::Server, secret: &Secret) -> anyhow::Result<OpenCache> {
    use cairn_infra::clock::SystemClock;
    use cairn_infra::redis::{Link, RedisAttempts, RedisRates, RedisSessions, Seal};

    if config.server.secret.is_none() {
        tracing::warn!(
            "server.secret is not set: processes on other data directories do not believe what this one keeps in the cache"
        );
    }
    let link = Link::open(server, &config.cache.prefix).await.context("cache.url can't be used").context(Unusable)?;
    let seal = Seal::of(&secret.0);
    Ok(OpenCache {
        sessions: Arc::new(RedisSessions::over(link.clone(), seal.clone(), Arc::new(SystemClock))),
        attempts: Arc::new(RedisAttempts::over(link.clone(), seal.clone(), Arc::new(SystemClock))),
        rates: Arc::new(RedisRates::over(link.clone(), seal)),
        closing: Closing::of(link, |link| async move { link.close() }),
    })
}
