//! The only place that knows every crate: it makes the ports from the configuration and puts the drive together.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cairn_api::{App, AppSettings};
use cairn_commands::ports::clock::Clock;
use cairn_commands::{Drive, Limits, Ports};
use cairn_domain::Timestamp;
use cairn_infra::clock::SystemClock;
use cairn_infra::config::Config;
use cairn_infra::fs::{FsBlobs, FsStaging};
use cairn_infra::ids::RandomIds;
use cairn_infra::log_source::LogSource;
use cairn_infra::passwords::Argon2Passwords;
use cairn_infra::sqlite::log::{SqliteCheckpoints, SqliteLog};
use cairn_infra::sqlite::views::SqliteViews;
use cairn_infra::views::LocalViews;
use cairn_projections::runner::Settings;
use cairn_projections::{Runner, projections};

use crate::data::DataDirectory;

/// The log of a data directory and the tables that are made from it.
pub(crate) struct Foundation {
    pub(crate) log: Arc<SqliteLog>,
    pub(crate) tables: Arc<SqliteViews>,
    pub(crate) runner: Runner,
}

impl Foundation {
    /// Opens both, and makes what is not there.
    pub(crate) async fn open(data: &DataDirectory) -> anyhow::Result<Self> {
        let log = Arc::new(SqliteLog::open(&data.events()).await?);
        let tables = Arc::new(SqliteViews::open(&data.views(), &projections()).await?);
        let source = Arc::new(LogSource::new(log.clone()));
        let runner = Runner::new(projections(), source, tables.clone(), Settings::new(now));
        Ok(Self { log, tables, runner })
    }

    /// Gives the files back, the one that depends on the other first.
    pub(crate) async fn close(&self) {
        self.tables.close().await;
        self.log.close().await;
    }
}

/// The whole drive of a data directory.
pub(crate) struct Whole {
    pub(crate) foundation: Foundation,
    pub(crate) drive: Arc<Drive>,
    pub(crate) checkpoints: SqliteCheckpoints,
}

impl Whole {
    pub(crate) async fn open(config: &Config, data: &DataDirectory) -> anyhow::Result<Self> {
        let staging = FsStaging::open_dir(data.path()).context("the directories for blobs and uploads can't be used")?;
        let foundation = Foundation::open(data).await?;
        let wait_max = Duration::from_millis(config.views.wait_milliseconds_max);
        let ports = Ports {
            log: foundation.log.clone(),
            blobs: Arc::new(FsBlobs::open_dir(data.path())),
            staging: Arc::new(staging),
            views: Arc::new(LocalViews::new(foundation.tables.clone(), foundation.runner.reached(), wait_max)),
            ledger: Arc::new(foundation.log.ledger()),
            attempts: Arc::new(cairn_commands::ports::attempts::MemoryAttempts::default()),
            passwords: Arc::new(Argon2Passwords::new().map_err(anyhow::Error::from_boxed)?),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        };
        let secret = data.secret(&RandomIds)?;
        let drive = Drive::new(ports, Limits::from(&config.limits), secret);
        Ok(Self { foundation, drive, checkpoints: SqliteCheckpoints::of(&data.events()) })
    }

    /// The REST interface to it.
    pub(crate) fn app(&self, public_url: String, config: &Config, metrics: Box<dyn Fn() -> String + Send + Sync>) -> Arc<App> {
        let settings = AppSettings {
            public_url,
            trusted_proxies: config.server.trusted_proxies.clone(),
            wait_max: Duration::from_millis(config.views.wait_milliseconds_max),
        };
        let foundation = &self.foundation;
        App::new(self.drive.clone(), foundation.tables.clone(), foundation.runner.clone(), metrics, settings)
    }
}

/// The time, for rows that say when something was done.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}
