//! The bus and the queue of tasks: what can be set, and which adapter it means.

#[cfg(feature = "nats")]
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::adapters::{BUSES, QUEUES, no_adapter};
use super::{Address, Config, ConfigError};
#[cfg(feature = "nats")]
use crate::nats;
#[cfg(feature = "rabbitmq")]
use crate::rabbitmq;

/// Where others follow the drive's events, and how its processes wake each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bus {
    /// `process`: nobody follows; `nats://user:password@host:4222`, `nats://token@host:4222`, `tls://...`, more servers of one cluster
    /// behind commas.
    pub url: Address,
    /// The name of the stream of all events, and the first word of their subjects.
    pub stream: String,
    /// How much the stream keeps, in bytes.
    pub max_bytes: u64,
    /// How long the stream keeps an event, in seconds.
    pub max_age_seconds: u64,
    /// On how many servers of a cluster each event lies.
    pub replicas: usize,
}

impl Default for Bus {
    fn default() -> Self {
        Self { url: "process".into(), stream: "cairn".to_owned(), max_bytes: 1 << 30, max_age_seconds: 7 * 24 * 3_600, replicas: 1 }
    }
}

/// Where tasks wait for their workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queue {
    /// `process`: in this process; `amqp://user:password@host:5672/vhost`, `amqps://...`.
    pub url: Address,
    /// How the server keeps them: `classic` or `quorum`.
    pub kind: QueueKind,
    /// How many tasks a process takes at once before it is done with one.
    pub prefetch: u16,
}

impl Default for Queue {
    fn default() -> Self {
        Self { url: "process".into(), kind: QueueKind::Classic, prefetch: 4 }
    }
}

/// How the server keeps a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueKind {
    /// On one server.
    #[default]
    Classic,
    /// On the majority of a cluster's servers.
    Quorum,
}

/// The bus.
#[derive(Debug, Clone)]
pub enum BusAdapter {
    /// There is none: nobody follows, and there is one process.
    Process,
    /// A stream on a server.
    #[cfg(feature = "nats")]
    Nats {
        /// Where.
        server: nats::Server,
        /// Its name.
        stream: String,
        /// How much it keeps.
        limits: nats::Limits,
    },
}

/// The queue of tasks.
#[derive(Debug, Clone)]
pub enum QueueAdapter {
    /// In the memory of this process.
    Process,
    /// A queue on a server.
    #[cfg(feature = "rabbitmq")]
    RabbitMq {
        /// Where.
        server: rabbitmq::Server,
        /// How it is kept and taken from.
        settings: rabbitmq::Settings,
    },
}

/// A stream that keeps less could lose events before anybody has seen them.
const STREAM_BYTES_MIN: u64 = 1 << 20;
/// What a cluster can do.
const REPLICAS_MAX: usize = 5;
/// A longer name is of no use.
const STREAM_NAME_CHARS_MAX: usize = 64;
/// More tasks at once than any process could work on.
const PREFETCH_MAX: u16 = 1_000;

impl Config {
    /// The bus.
    pub fn bus_adapter(&self) -> Result<BusAdapter, ConfigError> {
        self.bus.check()?;
        match self.bus.url.scheme() {
            "process" => Ok(BusAdapter::Process),
            #[cfg(feature = "nats")]
            "nats" | "tls" => Ok(BusAdapter::Nats {
                server: parse("bus.url", &self.bus.url)?,
                stream: self.bus.stream.clone(),
                limits: self.bus.limits(),
            }),
            scheme => Err(no_adapter("bus.url", scheme, "process", BUSES)),
        }
    }

    /// The queue of tasks.
    pub fn queue_adapter(&self) -> Result<QueueAdapter, ConfigError> {
        if !(1..=PREFETCH_MAX).contains(&self.queue.prefetch) {
            return Err(ConfigError::Unfit { key: "queue.prefetch", what: "must be between 1 and 1000" });
        }
        match self.queue.url.scheme() {
            "process" => Ok(QueueAdapter::Process),
            #[cfg(feature = "rabbitmq")]
            "amqp" | "amqps" => Ok(QueueAdapter::RabbitMq {
                server: parse("queue.url", &self.queue.url)?,
                settings: rabbitmq::Settings {
                    kind: self.queue.kind,
                    prefetch: self.queue.prefetch,
                    ..rabbitmq::Settings::default()
                },
            }),
            scheme => Err(no_adapter("queue.url", scheme, "process", QUEUES)),
        }
    }
}

impl Bus {
    fn check(&self) -> Result<(), ConfigError> {
        let name = &self.stream;
        let is_named = !name.is_empty()
            && name.len() <= STREAM_NAME_CHARS_MAX
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let checks = [
            ("bus.stream", is_named, "must be of 1 to 64 letters, digits, _ and -"),
            ("bus.max_bytes", self.max_bytes >= STREAM_BYTES_MIN, "must be at least 1048576"),
            ("bus.max_age_seconds", self.max_age_seconds >= 1, "must be at least 1"),
            ("bus.replicas", (1..=REPLICAS_MAX).contains(&self.replicas), "must be between 1 and 5"),
        ];
        let wrong = checks.into_iter().find(|(_, is_right, _)| !is_right);
        wrong.map_or(Ok(()), |(key, _, what)| Err(ConfigError::Unfit { key, what }))
    }

    #[cfg(feature = "nats")]
    fn limits(&self) -> nats::Limits {
        nats::Limits { bytes_max: self.max_bytes, age_max: Duration::from_secs(self.max_age_seconds), replicas: self.replicas }
    }
}

#[cfg(any(feature = "nats", feature = "rabbitmq"))]
fn parse<T>(key: &'static str, address: &Address) -> Result<T, ConfigError>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let unusable = |source: T::Err| ConfigError::BadAddress { key, address: address.clone(), source: source.into() };
    address.expose().parse().map_err(unusable)
}

#[cfg(test)]
mod tests {
    use super::super::{Overrides, load};
    use super::*;

    fn loaded(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(None, variables.collect::<Vec<_>>(), Overrides::default())
    }

    #[test]
    fn without_an_address_everything_stays_in_the_process() {
        let config = loaded(&[]).expect("valid");
        assert!(matches!(config.bus_adapter(), Ok(BusAdapter::Process)));
        assert!(matches!(config.queue_adapter(), Ok(QueueAdapter::Process)));
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for (name, value) in [
            ("CAIRN_BUS__STREAM", "a.b"),
            ("CAIRN_BUS__MAX_BYTES", "1000"),
            ("CAIRN_BUS__MAX_AGE_SECONDS", "0"),
            ("CAIRN_BUS__REPLICAS", "6"),
            ("CAIRN_QUEUE__PREFETCH", "0"),
        ] {
            assert!(matches!(loaded(&[(name, value)]), Err(ConfigError::Unfit { .. })), "{name}");
        }
        let error = loaded(&[("CAIRN_BUS__URL", "redis://h")]).expect_err("no such bus").to_string();
        assert!(error.contains("it has: process, nats://, tls://"), "{error}");
        let error = loaded(&[("CAIRN_QUEUE__URL", "nats://h")]).expect_err("no such queue").to_string();
        assert!(error.contains("it has: process, amqp://, amqps://"), "{error}");
    }

    #[test]
    fn an_address_means_its_adapter_or_names_the_feature_and_shows_no_password() {
        let config = loaded(&[("CAIRN_BUS__URL", "nats://u:hunter2@h:4222")]);
        if cfg!(feature = "nats") {
            let config = config.expect("valid");
            assert!(!format!("{config:?} {:?}", config.bus_adapter()).contains("hunter2"));
        } else {
            assert!(matches!(config, Err(ConfigError::FeatureMissing { feature: "nats", .. })));
        }
        let config = loaded(&[("CAIRN_QUEUE__URL", "amqp://u:hunter2@h/v"), ("CAIRN_QUEUE__KIND", "quorum")]);
        if cfg!(feature = "rabbitmq") {
            let config = config.expect("valid");
            assert!(!format!("{config:?} {:?}", config.queue_adapter()).contains("hunter2"));
        } else {
            assert!(matches!(config, Err(ConfigError::FeatureMissing { feature: "rabbitmq", .. })));
        }
    }
}
