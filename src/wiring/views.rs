//! The read tables.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cairn_infra::config::{Config, ViewsAdapter};
use cairn_infra::sqlite::views::{SqliteGlance, SqliteViews};
use cairn_projections::ports::{Copies, NoCopies, ReadTables, Snapshots, Workshop};
use cairn_projections::projections;

use super::Who;
use super::closing::Closing;
use crate::data::DataDirectory;
#[cfg(feature = "mysql")]
use crate::unusable::Unusable;

/// The read tables, to be written and to be read.
pub(crate) struct OpenViews {
    pub(crate) workshop: Arc<dyn Workshop>,
    pub(crate) tables: Arc<dyn ReadTables>,
    pub(crate) copies: Arc<dyn Copies>,
    /// Whether other processes may write them, too.
    pub(crate) shared: bool,
    /// How long nobody writes them when the process that does has died.
    pub(crate) lease: Duration,
    pub(crate) closing: Closing,
}

/// Opens the read tables that are configured, and makes what is not there.
#[cfg_attr(not(feature = "mysql"), expect(unused_variables, reason = "tables in a file belong to one process"))]
pub(crate) async fn open_views(config: &Config, data: &DataDirectory, who: Who) -> anyhow::Result<OpenViews> {
    match config.views_adapter()? {
        ViewsAdapter::Sqlite => {
            let views = Arc::new(SqliteViews::open(&data.views(), &projections()).await?);
            Ok(OpenViews {
                workshop: views.clone(),
                tables: views.clone(),
                copies: Arc::new(NoCopies(views.clone())),
                shared: false,
                lease: Duration::ZERO,
                closing: Closing::of(views, |views| async move { views.close().await }),
            })
        }
        #[cfg(feature = "mysql")]
        ViewsAdapter::Mysql { primary, replicas } => mysql(config, &process_name(data, who)?, &primary, &replicas).await,
    }
}

/// Whether the read tables are a file of the data directory.
pub(crate) fn keeps_views(config: &Config) -> anyhow::Result<bool> {
    Ok(matches!(config.views_adapter()?, ViewsAdapter::Sqlite))
}

/// The read tables as they are; whoever writes them does not notice.
pub(crate) async fn glance_at_views(config: &Config, data: &DataDirectory) -> anyhow::Result<Arc<dyn Snapshots>> {
    match config.views_adapter()? {
        ViewsAdapter::Sqlite => {
            let glance = SqliteGlance::open(&data.views()).await;
            Ok(Arc::new(glance.context("start the drive once, it makes the read tables")?))
        }
        #[cfg(feature = "mysql")]
        ViewsAdapter::Mysql { primary, .. } => {
            use cairn_infra::mysql::{Migrate, views::MysqlViews};
            Ok(Arc::new(
                MysqlViews::open(&primary, &projections(), "a glance", Migrate::No)
                    .await
                    .context("views.url can't be used")
                    .context(Unusable)?,
            ))
        }
    }
}

#[cfg(feature = "mysql")]
async fn mysql(
    config: &Config,
    owner: &str,
    primary: &cairn_infra::mysql::Server,
    replicas: &[cairn_infra::mysql::Server],
) -> anyhow::Result<OpenViews> {
    use cairn_infra::mysql::views::{LEASE_SECONDS, MysqlReplicas, MysqlViews};

    let views = MysqlViews::open(primary, &projections(), owner, migrate(config))
        .await
        .context("views.url can't be used")
        .context(Unusable)?;
    let shared = Arc::new(views);
    Ok(OpenViews {
        workshop: shared.clone(),
        tables: shared.clone(),
        copies: Arc::new(MysqlReplicas::start((*shared).clone(), replicas)),
        shared: true,
        lease: Duration::from_secs(u64::from(LEASE_SECONDS)),
        closing: Closing::of(shared, |views| async move { views.close().await }),
    })
}

#[cfg(feature = "mysql")]
pub(super) fn migrate(config: &Config) -> cairn_infra::mysql::Migrate {
    use cairn_infra::mysql::Migrate;
    if config.server.migrate { Migrate::Yes } else { Migrate::No }
}

/// Names this process among those that share the tables, in at most 64 characters.
#[cfg(feature = "mysql")]
fn process_name(data: &DataDirectory, who: Who) -> anyhow::Result<String> {
    use cairn_commands::ports::ids::Ids;
    use cairn_infra::ids::RandomIds;

    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host: String = host.chars().take(30).collect();
    let drive = format!("{host}:{}", data.node(&RandomIds)?);
    Ok(match who {
        Who::Drive => drive,
        Who::Visitor => format!("{drive}:{}", hex::encode(&RandomIds.random()[..8])),
    })
}
