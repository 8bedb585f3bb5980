//! The only place that knows every crate: it makes the ports from the configuration and puts the drive together.

mod bus;
mod cache;
mod closing;
mod destination;
mod log;
mod stores;
mod tasks;
mod views;

use std::sync::Arc;
use std::time::Duration;

use cairn_api::service::Section;
use cairn_api::{App, AppSettings};
use cairn_commands::offline::OfflineLimits;
use cairn_commands::ports::bus::Bus;
use cairn_commands::ports::challenges::{Challenges, LedgerChallenges, MemoryChallenges};
use cairn_commands::ports::checkpoints::Checkpoints;
use cairn_commands::ports::clock::Clock;
use cairn_commands::ports::digests::Digests;
use cairn_commands::ports::event_store::EventStore;
use cairn_commands::ports::ledger::Ledger;
use cairn_commands::{Drive, Limits, Ports};
use cairn_domain::Timestamp;
use cairn_infra::clock::SystemClock;
use cairn_infra::config::{Config, Service, Services};
use cairn_infra::fetch::{FetchSettings, HttpFetch, SystemLookup};
use cairn_infra::ids::RandomIds;
use cairn_infra::log_source::LogSource;
use cairn_infra::passwords::Argon2Passwords;
use cairn_infra::views::LocalViews;
use cairn_projections::ports::{Copies, ReadTables};
use cairn_projections::runner::Settings;
use cairn_projections::{Runner, projections};

use crate::data::DataDirectory;

use self::bus::OpenBus;
pub(crate) use self::bus::try_bus;
pub(crate) use self::cache::try_cache;
pub(crate) use self::closing::Closing;
pub(crate) use self::destination::{Destination, open_destination};
pub(crate) use self::log::{OpenDigests, OpenLog, open_digests, open_log};
pub(crate) use self::stores::{directory_of_blobs, open_stores};
use self::tasks::OpenTasks;
pub(crate) use self::tasks::try_tasks;
pub(crate) use self::views::{glance_at_views, keeps_views};

/// Who opens the tables: of several that share them, one at a time writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The drive of the data directory. There is one at a time, so it takes up at once what an earlier one has left.
    Drive,
    /// Another verb, beside a drive that may be running.
    Visitor,
}

/// The log and the tables that are made from it.
pub(crate) struct Foundation {
    pub(crate) log: Arc<dyn EventStore>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    pub(crate) digests: Arc<dyn Digests>,
    pub(crate) tables: Arc<dyn ReadTables>,
    pub(crate) copies: Arc<dyn Copies>,
    pub(crate) runner: Runner,
    /// Whether other processes may append to the same log.
    pub(crate) shared: bool,
    /// How long the read tables stand still when the process that writes them has died.
    pub(crate) lease: Duration,
    /// None where the drive is one process that nobody follows.
    pub(crate) bus: Option<Arc<dyn Bus>>,
    closing: Vec<Closing>,
}

impl Foundation {
    /// Opens both, and makes what is not there.
    pub(crate) async fn open(config: &Config, data: &DataDirectory, who: Who) -> anyhow::Result<Self> {
        let OpenLog { store, ledger, checkpoints, shared, closing, .. } = open_log(config, data).await?;
        let OpenDigests { digests, closing: digests_closing } = open_digests(config, data).await?;
        let OpenBus { store, bus, closing: bus_closing } = bus::open_bus(config, store, who).await?;
        let views = views::open_views(config, data, who).await?;
        let source = Arc::new(LogSource::new(store.clone()));
        let settings = Settings { shared: views.shared, ..Settings::new(now) };
        let runner = Runner::new(projections(), source, views.workshop, settings);
        let closing = vec![views.closing, bus_closing, digests_closing, closing];
        Ok(Self {
            log: store,
            ledger,
            checkpoints,
            digests,
            tables: views.tables,
            copies: views.copies,
            runner,
            shared,
            lease: views.lease,
            bus,
            closing,
        })
    }

    /// Gives everything back, what depends on another first.
    pub(crate) async fn close(&self) {
        for closing in &self.closing {
            closing.close().await;
        }
    }
}

/// The whole drive.
pub(crate) struct Whole {
    pub(crate) foundation: Foundation,
    pub(crate) drive: Arc<Drive>,
    /// Whether other processes may be at uploads in the same place.
    pub(crate) shares_staging: bool,
    /// Whether tasks are still there when this process is not.
    pub(crate) queue_outlives_us: bool,
}

impl Whole {
    pub(crate) async fn open(config: &Config, data: &DataDirectory) -> anyhow::Result<Self> {
        let stores = open_stores(config, data).await?;
        let secret = data.secret(config.server.secret.as_ref(), &RandomIds)?;
        let mut foundation = Foundation::open(config, data, Who::Drive).await?;
        let cache = cache::open_cache(config, &secret).await?;
        foundation.closing.push(cache.closing);
        let OpenTasks { tasks, outlives_us, closing } = tasks::open_tasks(config).await?;
        foundation.closing.push(closing);
        // What somebody has just done is shown to him, also when the projector dies at that moment (ADR 0014).
        let shown_within = Duration::from_millis(config.views.wait_milliseconds_max) + foundation.lease;
        let ports = Ports {
            log: foundation.log.clone(),
            stores: stores.stores,
            staging: stores.staging,
            views: Arc::new(LocalViews::new(foundation.tables.clone(), foundation.runner.reached(), shown_within)),
            ledger: foundation.ledger.clone(),
            challenges: challenges(&foundation, config.limits.challenge_expires_seconds),
            attempts: cache.attempts,
            rates: cache.rates,
            sessions: cache.sessions,
            passwords: Arc::new(Argon2Passwords::new().map_err(anyhow::Error::from_boxed)?),
            tasks,
            fetch: Arc::new(
                HttpFetch::new(FetchSettings::from(&config.offline), Arc::<SystemLookup>::default())
                    .map_err(anyhow::Error::from_boxed)?,
            ),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        };
        if !config.server.services.are_all() && !stores.shared {
            tracing::warn!(
                "contents are in the data directory of this process, where no other process finds them: set policy.land"
            );
        }
        if foundation.shared && config.server.secret.is_none() {
            tracing::warn!("server.secret is not set: links and challenges of this process are not good in another one");
        }
        let limits = Limits { offline: OfflineLimits::from(&config.offline), ..Limits::from(&config.limits) };
        let drive = Drive::new(ports, limits, secret);
        Ok(Self { foundation, drive, shares_staging: stores.shared, queue_outlives_us: outlives_us })
    }

    /// The REST interface to it.
    pub(crate) fn app(&self, public_url: String, config: &Config, metrics: Box<dyn Fn() -> String + Send + Sync>) -> Arc<App> {
        let settings = AppSettings {
            public_url,
            trusted_proxies: config.server.trusted_proxies.clone(),
            wait_max: Duration::from_millis(config.views.wait_milliseconds_max),
            served: served(&config.server.services),
        };
        let Foundation { tables, copies, runner, bus, .. } = &self.foundation;
        App::new(self.drive.clone(), tables.clone(), copies.clone(), runner.clone(), bus.clone(), metrics, settings)
    }
}

/// Where only this process is asked, memory is enough.
fn challenges(foundation: &Foundation, expires_seconds: u64) -> Arc<dyn Challenges> {
    if foundation.shared {
        return Arc::new(LedgerChallenges::new(foundation.ledger.clone()));
    }
    Arc::new(MemoryChallenges::new(expires_seconds))
}

fn served(services: &Services) -> Vec<Section> {
    let sections = [
        (Service::Account, Section::Account),
        (Service::Upload, Section::Upload),
        (Service::Download, Section::Download),
        (Service::Share, Section::Share),
    ];
    sections.into_iter().filter(|(service, _)| services.include(*service)).map(|(_, section)| section).collect()
}

/// The time, for rows that say when something was done.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}
