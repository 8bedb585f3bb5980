use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat};

use cairn_commands::ports::BoxError;

use super::services::{Service, Services};
use super::stores::{LOCAL, Store};
use super::{Address, Config, OfflineSection, Transfers, ViewsAdapter};

/// What flags say; they override every other source.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--listen`
    pub listen: Option<std::net::SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--services`
    pub services: Option<Services>,
}

/// Why the configuration can't be used, in words for its author.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that a variable names can't be read.
    #[error("{variable} names {path}, which can't be read")]
    ValueFile {
        /// The variable.
        variable: String,
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A source is malformed, or a value is of the wrong kind, or a key is unknown.
    #[error("the configuration is not valid")]
    Invalid(#[source] config::ConfigError),
    /// There is no such adapter.
    #[error("{key} begins with {scheme:?}, for which cairn has no adapter; it has: {known}")]
    NoAdapter {
        /// Which setting.
        key: &'static str,
        /// As configured.
        scheme: String,
        /// What would do.
        known: String,
    },
    /// There is such an adapter, but not in this build.
    #[error("{key} begins with {scheme:?}, and this cairn was built without the feature `{feature}`")]
    FeatureMissing {
        /// Which setting.
        key: &'static str,
        /// As configured.
        scheme: String,
        /// The feature of the package to build it with.
        feature: &'static str,
    },
    /// The address is not of the form that its adapter needs.
    #[error("{key} is {address}, which can't be used")]
    BadAddress {
        /// Which setting.
        key: &'static str,
        /// As configured.
        address: Address,
        /// What it should look like.
        #[source]
        source: BoxError,
    },
    /// A file has no copies.
    #[error("views.replicas are of use with a views.url of mysql:// only")]
    NoReplicas,
    /// Rows in a file belong to one process, and that is not it.
    #[error("server.services are {services}, without the projector, which nobody else can be while views.url is sqlite")]
    NoProjector {
        /// As configured.
        services: Services,
    },
    /// A store that is not there.
    #[error("policy.{key} is {name:?}, and there is no section [stores.{name}]")]
    NoStore {
        /// Which setting.
        key: &'static str,
        /// As configured.
        name: String,
    },
    /// A store that can't be.
    #[error("[stores.{name}] {reason}")]
    BadStore {
        /// As configured.
        name: String,
        /// What it has to be.
        reason: &'static str,
    },
    /// The secret is not what it has to be.
    #[error("server.secret must be 64 hex digits")]
    BadSecret,
    /// A value is not of the kind that it has to be.
    #[error("{key} {what}")]
    Unfit {
        /// Which setting.
        key: &'static str,
        /// What it has to be.
        what: &'static str,
    },
    /// A limit makes no sense.
    #[error("limits.{key} must be at least 1")]
    Zero {
        /// Which.
        key: &'static str,
    },
}

/// Reads the configuration: defaults, then the file, then the environment, then flags.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: Overrides,
) -> Result<Config, ConfigError> {
    let mut builder = config::Config::builder();
    if let Some(path) = file {
        builder = builder.add_source(File::from(path).format(FileFormat::Toml));
    }
    // The keys of a store are texts, also when they look like numbers.
    let (texts, variables) = variables(environment)?.into_iter().partition(|(name, _)| name.starts_with("CAIRN_STORES__"));
    let environment = || Environment::with_prefix("CAIRN").prefix_separator("_").separator("__");
    let texts = environment().source(Some(texts));
    let environment = environment()
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("server.services")
        .with_list_parse_key("server.trusted_proxies")
        .with_list_parse_key("views.replicas")
        .with_list_parse_key("policy.move_to")
        .with_list_parse_key("offline.allow")
        .source(Some(variables));
    let sources = builder.add_source(environment).add_source(texts).build().map_err(ConfigError::Invalid)?;
    let mut config: Config = sources.try_deserialize().map_err(ConfigError::Invalid)?;
    if let Some(listen) = flags.listen {
        config.server.listen = listen;
    }
    if let Some(data) = flags.data {
        config.server.data = data;
    }
    if let Some(services) = flags.services {
        config.server.services = services;
    }
    config.stores.entry(LOCAL.to_owned()).or_insert(Store::Fs {});
    check(&config)?;
    Ok(config)
}

/// Cairn's own variables: those with a section. A `_FILE` at the end reads the value from the file that is named.
fn variables(environment: impl IntoIterator<Item = (String, String)>) -> Result<HashMap<String, String>, ConfigError> {
    let ours = environment.into_iter().filter(|(name, _)| name.starts_with("CAIRN_") && name.contains("__"));
    ours.map(|(name, value)| match name.strip_suffix("_FILE") {
        None => Ok((name, value)),
        Some(stem) => {
            let read = std::fs::read_to_string(&value);
            let stem = stem.to_owned();
            let content = read.map_err(|source| ConfigError::ValueFile { variable: name, path: value, source })?;
            Ok((stem, content.trim_end_matches(['\r', '\n']).to_owned()))
        }
    })
    .collect()
}

fn check(config: &Config) -> Result<(), ConfigError> {
    config.log_adapter()?;
    let views = config.views_adapter()?;
    if matches!(views, ViewsAdapter::Sqlite) && !config.server.services.include(Service::Projector) {
        return Err(ConfigError::NoProjector { services: config.server.services.clone() });
    }
    config.bus_adapter()?;
    config.queue_adapter()?;
    config.cache_adapter()?;
    check_stores(config)?;
    if config.server.secret.as_ref().is_some_and(|secret| hex::decode(secret.expose()).map_or(0, |bytes| bytes.len()) != 32) {
        return Err(ConfigError::BadSecret);
    }
    check_work(&config.offline, &config.transfers)?;
    let limits = &config.limits;
    let at_least_one = [
        ("part_bytes_default", limits.part_bytes_default),
        ("part_bytes_max", limits.part_bytes_max),
        ("parts_max", limits.parts_max),
        ("sessions_max", limits.sessions_max as u64),
    ];
    match at_least_one.into_iter().find(|(_, value)| *value == 0) {
        Some((key, _)) => Err(ConfigError::Zero { key }),
        None => Ok(()),
    }
}

/// None of these can be nothing: no content could ever move, a source could never be asked, or a download would be taken from whoever has just begun it.
fn check_work(offline: &OfflineSection, transfers: &Transfers) -> Result<(), ConfigError> {
    let at_least_one = [
        ("transfers.at_once", transfers.at_once as u64),
        ("offline.seconds_max", offline.seconds_max),
        ("offline.connect_seconds_max", offline.connect_seconds_max),
        ("offline.idle_seconds_max", offline.idle_seconds_max),
        ("offline.attempts_max", u64::from(offline.attempts_max)),
        ("offline.at_once", offline.at_once as u64),
        ("offline.silent_seconds_max", offline.silent_seconds_max),
    ];
    match at_least_one.into_iter().find(|(_, value)| *value == 0) {
        Some((key, _)) => Err(ConfigError::Unfit { key, what: "must be at least 1" }),
        None => Ok(()),
    }
}

/// Names stand in events and in variables of the environment, which know no capital letters.
const STORE_NAME_LENGTH_MAX: usize = 32;

/// What is wrong with a bucket in a slim build.
pub(super) const NO_S3: &str = "is of kind \"s3\", and this cairn was built without the feature `s3`";

fn is_same_place(one: &Store, other: &Store) -> bool {
    let place = |store: &Store| match store {
        Store::S3(bucket) => {
            let endpoint = bucket.endpoint.trim_end_matches('/').to_ascii_lowercase();
            Some((endpoint, bucket.bucket.clone(), bucket.prefix.trim_matches('/').to_owned()))
        }
        Store::Fs {} => None,
    };
    place(one).is_some_and(|place_of_one| Some(place_of_one) == place(other))
}

fn check_stores(config: &Config) -> Result<(), ConfigError> {
    for (name, store) in &config.stores {
        let bad = |reason| ConfigError::BadStore { name: name.clone(), reason };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || name.len() > STORE_NAME_LENGTH_MAX || !name.bytes().all(plain) {
            return Err(bad("is no name for a store: 1 to 32 of a to z, 0 to 9 and _"));
        }
        if !cfg!(feature = "s3") && matches!(store, Store::S3(_)) {
            return Err(bad(NO_S3));
        }
        if matches!(store, Store::Fs {}) != (name == LOCAL) {
            return Err(bad("has the wrong kind: the store of kind \"fs\" is named local, and it is the only one"));
        }
        if config.stores.range::<String, _>(..name).any(|(_, other)| is_same_place(store, other)) {
            return Err(bad("is the bucket and prefix of another store: what moved between the two would be gone"));
        }
    }
    config.landing_store()?;
    config.policy.check_moves(&config.stores)
}
