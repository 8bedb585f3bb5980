use std::net::SocketAddr;
use std::path::PathBuf;

use cairn_commands::Limits;
use cairn_commands::offline::OfflineLimits;
use cairn_commands::ports::attempts::AttemptPolicy;
use cairn_commands::ports::rates::Rate;
use serde::{Deserialize, Serialize};

use super::moving::{Transfers, Upkeep};
use super::offline::OfflineSection;
use super::services::Services;
use super::stores::{Policy, Stores, stores_default};
use super::{Address, Bus, Hidden, Queue};

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How the drive is reached, and where it keeps its data.
    pub server: Server,
    /// Where events go.
    pub log: Adapter,
    /// Where the read tables are.
    pub views: Views,
    /// Where others follow the drive's events, and how its processes wake each other.
    pub bus: Bus,
    /// Where tasks wait for their workers.
    pub queue: Queue,
    /// What processes share for a moment.
    pub cache: Cache,
    /// Where contents are kept: a section for each store.
    pub stores: Stores,
    /// Which content goes where.
    pub policy: Policy,
    /// How contents are moved between stores.
    pub transfers: Transfers,
    /// How files are fetched from elsewhere.
    pub offline: OfflineSection,
    /// How contents are looked after that nobody asks for.
    pub upkeep: Upkeep,
    /// What the drive allows.
    pub limits: LimitsSection,
    /// What the drive says about itself.
    pub telemetry: Telemetry,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server::default(),
            log: Adapter::default(),
            views: Views::default(),
            bus: Bus::default(),
            queue: Queue::default(),
            cache: Cache::default(),
            stores: stores_default(),
            policy: Policy::default(),
            transfers: Transfers::default(),
            offline: OfflineSection::default(),
            upkeep: Upkeep::default(),
            limits: LimitsSection::default(),
            telemetry: Telemetry::default(),
        }
    }
}

/// How the drive is reached, and where it keeps its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// The data directory; it is made when it is not there.
    pub data: PathBuf,
    /// What this process does: `all`, or some of `account`, `upload`, `download`, `share`, `projector`, `saga`, `transfer`, `offline`,
    /// `relay`, `janitor`.
    pub services: Services,
    /// The address under which people reach the drive, for links; none takes the listening address.
    pub public_url: Option<String>,
    /// 64 hex digits that sign links and challenges, the same in every process of a drive; none takes those of the data directory, which are
    /// made on the first start.
    pub secret: Option<Hidden>,
    /// Whether the drive brings the schema of its databases up to date when it starts. Otherwise `cairn migrate` does.
    pub migrate: bool,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Open connections; beyond it, clients wait.
    pub connections_max: usize,
    /// How long a client may take for a request's header, in seconds.
    pub header_seconds_max: u64,
    /// How long a request's body, or the reading of an answer, may make no progress, in seconds.
    pub idle_seconds_max: u64,
    /// How long requests in flight may take after the order to stop, in seconds.
    pub drain_seconds_max: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("./cairn-data"),
            services: Services::default(),
            public_url: None,
            secret: None,
            migrate: true,
            trusted_proxies: Vec::new(),
            connections_max: 1024,
            header_seconds_max: 10,
            idle_seconds_max: 30,
            drain_seconds_max: 30,
        }
    }
}

impl Server {
    /// The address under which people reach the drive, without a slash at its end.
    pub fn url(&self) -> String {
        let own = || format!("http://{}", self.listen);
        self.public_url.clone().unwrap_or_else(own).trim_end_matches('/').to_owned()
    }
}

/// An adapter, chosen by a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adapter {
    /// `sqlite`: a file in the data directory; `mysql://user:password@host/database`.
    pub url: Address,
}

impl Default for Adapter {
    fn default() -> Self {
        Self { url: "sqlite".into() }
    }
}

/// Where the read tables are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Views {
    /// `sqlite`: a file in the data directory; `mysql://user:password@host/database`.
    pub url: Address,
    /// Copies of that database, kept up by its own replication, which are read when they have come far enough.
    pub replicas: Vec<Address>,
    /// How long a read waits for the position that it asks for, and an answer for the read tables to show its effect, in milliseconds. Where
    /// processes share the tables, an answer waits as much longer as a projector that has died keeps others from its place.
    pub wait_milliseconds_max: u64,
}

impl Default for Views {
    fn default() -> Self {
        Self { url: "sqlite".into(), replicas: Vec::new(), wait_milliseconds_max: 2_500 }
    }
}

/// What processes share for a moment: whose tokens are, which sessions have ended, failed attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// `process`: nothing; `redis://user:password@host:6379/0`, or `rediss://` for TLS.
    pub url: Address,
    /// What all keys there begin with.
    pub prefix: String,
}

impl Default for Cache {
    fn default() -> Self {
        Self { url: "process".into(), prefix: "cairn:".to_owned() }
    }
}

/// What the drive says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// For people or for machines.
    pub format: LogFormat,
    /// Which log lines appear, in the syntax of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".to_owned() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people on a terminal, for machines otherwise.
    #[default]
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What the drive allows. Everything has a limit, and this is where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// The largest file, in bytes.
    pub file_bytes_max: u64,
    /// The size of a part when the client names none, in bytes.
    pub part_bytes_default: u64,
    /// The largest part that a client may ask for, in bytes.
    pub part_bytes_max: u64,
    /// The most parts that an upload is cut into.
    pub parts_max: u64,
    /// Uploads that one account may have open at once.
    pub uploads_open_max: u64,
    /// An upload ends this long after its last part, in seconds.
    pub upload_expires_seconds: u64,
    /// Folders that one account may have, those in the trash included.
    pub folders_max: u64,
    /// What is in the trash is purged after so long, in seconds.
    pub trash_expires_seconds: u64,
    /// Contents that one entry keeps, the one in use included.
    pub versions_max: u64,
    /// A content is kept so long after another has replaced it, in seconds.
    pub version_expires_seconds: u64,
    /// Shares that one account may have, without those that were revoked.
    pub shares_max: u64,
    /// Sessions that one account may have open at once.
    pub sessions_max: usize,
    /// A token works this long, in seconds.
    pub session_expires_seconds: u64,
    /// A possession challenge can be answered this long, in seconds.
    pub challenge_expires_seconds: u64,
    /// A signed download link works this long when the client says nothing, in seconds.
    pub link_expires_seconds_default: u64,
    /// A signed download link works at most this long, in seconds.
    pub link_expires_seconds_max: u64,
    /// What one account may hold unless an operator says otherwise, in bytes; none for no limit.
    pub quota_bytes_default: Option<u64>,
    /// An answer is remembered under its `Idempotency-Key` this long, in seconds.
    pub answer_remembered_seconds: u64,
    /// Wrong passwords for one name that cost nothing yet; after them each costs twice the wait of the one before.
    pub attempts_free_per_name: u32,
    /// The same for one address.
    pub attempts_free_per_address: u32,
    /// The longest such wait, in seconds.
    pub attempts_wait_seconds_max: u64,
    /// Wrong passwords of one share from one address, before the longest wait.
    pub attempts_per_share: u32,
    /// Requests of one account in each second, over all its sessions, twice as many at once; 0 for no limit.
    pub requests_per_second_per_account: u32,
    /// The same for one address, by people who have not signed in.
    pub requests_per_second_per_address: u32,
}

impl Default for LimitsSection {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            file_bytes_max: limits.file_bytes_max,
            part_bytes_default: limits.part_bytes_default,
            part_bytes_max: limits.part_bytes_max,
            parts_max: limits.parts_max,
            uploads_open_max: limits.uploads_open_max,
            upload_expires_seconds: limits.upload_expires_seconds,
            folders_max: limits.folders_max,
            trash_expires_seconds: limits.trash_expires_seconds,
            versions_max: limits.versions_max,
            version_expires_seconds: limits.version_expires_seconds,
            shares_max: limits.shares_max,
            sessions_max: limits.sessions_max,
            session_expires_seconds: limits.session_expires_seconds,
            challenge_expires_seconds: limits.challenge_expires_seconds,
            link_expires_seconds_default: limits.link_expires_seconds_default,
            link_expires_seconds_max: limits.link_expires_seconds_max,
            quota_bytes_default: limits.quota_bytes_default,
            answer_remembered_seconds: limits.answer_remembered_seconds,
            attempts_free_per_name: limits.attempts_per_name.free,
            attempts_free_per_address: limits.attempts_per_address.free,
            attempts_wait_seconds_max: limits.attempts_per_name.wait_seconds_max,
            attempts_per_share: limits.attempts_per_share.free + 1,
            requests_per_second_per_account: limits.requests_per_account.map_or(0, |rate| rate.per_second),
            requests_per_second_per_address: limits.requests_per_address.map_or(0, |rate| rate.per_second),
        }
    }
}

impl From<&LimitsSection> for Limits {
    fn from(section: &LimitsSection) -> Self {
        let wait_seconds_max = section.attempts_wait_seconds_max;
        let rate = |per_second: u32| (per_second > 0).then(|| Rate { per_second, burst: per_second.saturating_mul(2) });
        let patience = |free| AttemptPolicy { free, first_wait_seconds: 1, wait_seconds_max };
        Self {
            file_bytes_max: section.file_bytes_max,
            part_bytes_default: section.part_bytes_default,
            part_bytes_max: section.part_bytes_max,
            parts_max: section.parts_max,
            uploads_open_max: section.uploads_open_max,
            upload_expires_seconds: section.upload_expires_seconds,
            folders_max: section.folders_max,
            trash_expires_seconds: section.trash_expires_seconds,
            versions_max: section.versions_max,
            version_expires_seconds: section.version_expires_seconds,
            shares_max: section.shares_max,
            sessions_max: section.sessions_max,
            session_expires_seconds: section.session_expires_seconds,
            challenge_expires_seconds: section.challenge_expires_seconds,
            link_expires_seconds_default: section.link_expires_seconds_default,
            link_expires_seconds_max: section.link_expires_seconds_max,
            quota_bytes_default: section.quota_bytes_default,
            answer_remembered_seconds: section.answer_remembered_seconds,
            attempts_per_name: patience(section.attempts_free_per_name),
            attempts_per_address: patience(section.attempts_free_per_address),
            attempts_per_share: AttemptPolicy {
                free: section.attempts_per_share.saturating_sub(1),
                first_wait_seconds: wait_seconds_max,
                wait_seconds_max,
            },
            requests_per_account: rate(section.requests_per_second_per_account),
            requests_per_address: rate(section.requests_per_second_per_address),
            // They have a section of their own.
            offline: OfflineLimits::default(),
        }
    }
}
