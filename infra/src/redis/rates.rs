//! How often somebody may come, over all processes of a drive.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use cairn_commands::ports::rates::{MemoryRates, Rate, Rates};
use cairn_domain::Timestamp;
use redis::Script;

use super::{Link, Seal};

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("rates/take.lua")));

/// Rates in Redis. While it is away, each process keeps to them by itself.
pub struct RedisRates {
    link: Arc<Link>,
    seal: Seal,
    own: MemoryRates,
}

impl RedisRates {
    /// The rates of the drive with this seal.
    pub fn over(link: Arc<Link>, seal: Seal) -> Self {
        Self { link, seal, own: MemoryRates::default() }
    }
}

#[async_trait]
impl Rates for RedisRates {
    async fn take(&self, key: &str, now: Timestamp, rate: Rate) -> Option<u64> {
        let mut script = TAKE.prepare_invoke();
        script.key(self.link.key("rate", &self.seal.name(key)));
        script.arg(now.0).arg(rate.interval_micros()).arg(rate.ahead_micros());
        match self.link.run::<u64>(&script).await {
            Ok(wait) => Some(wait).filter(|&wait| wait > 0),
            Err(_) => self.own.take(key, now, rate).await,
        }
    }
}
