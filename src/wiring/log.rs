//! The log, and what stands beside it in the same place.

use std::sync::Arc;

use anyhow::Context;
use cairn_commands::ports::checkpoints::Checkpoints;
use cairn_commands::ports::digests::Digests;
use cairn_commands::ports::event_store::EventStore;
use cairn_commands::ports::intake::Intake;
use cairn_commands::ports::ledger::Ledger;
#[cfg(feature = "eventstore")]
use cairn_infra::config::ViewsAdapter;
use cairn_infra::config::{Config, LogAdapter};
use cairn_infra::sqlite::log::{SqliteDigests, SqliteLog};

use super::closing::Closing;
use crate::data::DataDirectory;
use crate::unusable::Unusable;

/// The log, the ledger of requests and the checkpoints of sagas.
pub(crate) struct OpenLog {
    pub(crate) store: Arc<dyn EventStore>,
    /// The same log, for what another one has held.
    pub(crate) intake: Arc<dyn Intake>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    /// Whether other processes may append to it.
    pub(crate) shared: bool,
    pub(crate) closing: Closing,
}

/// Opens the log that is configured. What is not there is made, unless the schema is not this process's to change.
pub(crate) async fn open_log(config: &Config, data: &DataDirectory) -> anyhow::Result<OpenLog> {
    match config.log_adapter()? {
        LogAdapter::Sqlite => {
            let file = data.events();
            let log = if config.server.migrate { SqliteLog::open(&file).await } else { SqliteLog::open_made(&file).await };
            let log = Arc::new(log.context(Unusable)?);
            Ok(OpenLog {
                ledger: Arc::new(log.ledger()),
                checkpoints: Arc::new(log.checkpoints()),
                shared: false,
                closing: Closing::of(log.clone(), |log| async move { log.close().await }),
                intake: log.clone(),
                store: log,
            })
        }
        #[cfg(feature = "mysql")]
        LogAdapter::Mysql(server) => mysql(config, &server).await,
        #[cfg(feature = "eventstore")]
        LogAdapter::EventStore(server) => event_store(config, data, &server).await,
    }
}

/// The ledger and the checkpoints change in place, which a log of events can't hold: they go where the read tables are.
#[cfg(feature = "eventstore")]
async fn event_store(config: &Config, data: &DataDirectory, server: &cairn_infra::eventstore::Server) -> anyhow::Result<OpenLog> {
    use cairn_infra::eventstore::log::EventStoreLog;

    let log = Arc::new(EventStoreLog::open(server).await.context("log.url can't be used").context(Unusable)?);
    let Beside { ledger, checkpoints, closing } = beside(config, data).await?;
    let open = (log.clone(), closing);
    Ok(OpenLog {
        intake: log.clone(),
        store: log,
        ledger,
        checkpoints,
        shared: true,
        closing: Closing::of(Arc::new(open), |open| async move {
            open.1.close().await;
            open.0.close().await;
        }),
    })
}

/// What stands beside a log that holds events only.
#[cfg(feature = "eventstore")]
struct Beside {
    ledger: Arc<dyn Ledger>,
    checkpoints: Arc<dyn Checkpoints>,
    closing: Closing,
}

#[cfg(feature = "eventstore")]
async fn beside(config: &Config, data: &DataDirectory) -> anyhow::Result<Beside> {
    match config.views_adapter()? {
        ViewsAdapter::Sqlite => {
            let file = Arc::new(SqliteLog::open(&data.state()).await.context(Unusable)?);
            Ok(Beside {
                ledger: Arc::new(file.ledger()),
                checkpoints: Arc::new(file.checkpoints()),
                closing: Closing::of(file, |file| async move { file.close().await }),
            })
        }
        #[cfg(feature = "mysql")]
        ViewsAdapter::Mysql { primary, .. } => {
            use cairn_infra::mysql::checkpoints::MysqlCheckpoints;
            use cairn_infra::mysql::ledger::MysqlLedger;

            let migrate = super::views::migrate(config);
            let ledger = Arc::new(MysqlLedger::open(&primary, migrate).await.context("views.url can't be used").context(Unusable)?);
            let checkpoints =
                Arc::new(MysqlCheckpoints::open(&primary, migrate).await.context("views.url can't be used").context(Unusable)?);
            Ok(Beside {
                ledger: ledger.clone(),
                checkpoints: checkpoints.clone(),
                closing: Closing::of(Arc::new((ledger, checkpoints)), |open| async move {
                    open.0.close().await;
                    open.1.close().await;
                }),
            })
        }
    }
}

#[cfg(feature = "mysql")]
async fn mysql(config: &Config, server: &cairn_infra::mysql::Server) -> anyhow::Result<OpenLog> {
    use cairn_infra::mysql::checkpoints::MysqlCheckpoints;
    use cairn_infra::mysql::ledger::MysqlLedger;
    use cairn_infra::mysql::log::MysqlLog;

    let migrate = super::views::migrate(config);
    let log = MysqlLog::open(server, migrate).await.context("log.url can't be used").context(Unusable)?;
    let ledger = MysqlLedger::open(server, migrate).await.context("log.url can't be used").context(Unusable)?;
    let checkpoints = MysqlCheckpoints::open(server, migrate).await.context("log.url can't be used").context(Unusable)?;
    let open = Arc::new((Arc::new(log), Arc::new(ledger), Arc::new(checkpoints)));
    Ok(OpenLog {
        store: open.0.clone(),
        intake: open.0.clone(),
        ledger: open.1.clone(),
        checkpoints: open.2.clone(),
        shared: true,
        closing: Closing::of(open, |open| async move {
            open.0.close().await;
            open.1.close().await;
            open.2.close().await;
        }),
    })
}

/// What is kept of the log to find out whether it was altered.
pub(crate) struct OpenDigests {
    pub(crate) digests: Arc<dyn Digests>,
    pub(crate) closing: Closing,
}

/// Opens the digests of the log that is configured, which must be open. They are where the log is, or beside the read tables if it holds events only.
pub(crate) async fn open_digests(config: &Config, data: &DataDirectory) -> anyhow::Result<OpenDigests> {
    match config.log_adapter()? {
        LogAdapter::Sqlite => Ok(digests_in(&data.events())),
        #[cfg(feature = "mysql")]
        LogAdapter::Mysql(server) => mysql_digests(config, &server).await.context("log.url can't be used").context(Unusable),
        #[cfg(feature = "eventstore")]
        LogAdapter::EventStore(_) => match config.views_adapter()? {
            ViewsAdapter::Sqlite => Ok(digests_in(&data.state())),
            #[cfg(feature = "mysql")]
            ViewsAdapter::Mysql { primary, .. } => {
                mysql_digests(config, &primary).await.context("views.url can't be used").context(Unusable)
            }
        },
    }
}

/// Each use opens the file, so there is nothing to be closed.
fn digests_in(file: &std::path::Path) -> OpenDigests {
    let digests = Arc::new(SqliteDigests::of(file));
    OpenDigests { closing: Closing::of(digests.clone(), |_| async {}), digests }
}

#[cfg(feature = "mysql")]
async fn mysql_digests(config: &Config, server: &cairn_infra::mysql::Server) -> anyhow::Result<OpenDigests> {
    use cairn_infra::mysql::digests::MysqlDigests;

    let digests = Arc::new(MysqlDigests::open(server, super::views::migrate(config)).await?);
    Ok(OpenDigests { closing: Closing::of(digests.clone(), |digests| async move { digests.close().await }), digests })
}
