//! The log, and what stands beside it in the same place.

use std::sync::Arc;

use anyhow::Context;
use cairn_commands::ports::checkpoints::Checkpoints;
use cairn_commands::ports::event_store::EventStore;
use cairn_commands::ports::ledger::Ledger;
use cairn_infra::config::{Config, LogAdapter};
use cairn_infra::sqlite::log::{SqliteCheckpoints, SqliteLog};

use super::closing::Closing;
use crate::data::DataDirectory;
use crate::unusable::Unusable;

/// The log, the ledger of requests and the checkpoints of sagas.
pub(crate) struct OpenLog {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    /// Whether other processes may append to it.
    pub(crate) shared: bool,
    pub(crate) closing: Closing,
}

/// Opens the log that is configured, and makes what is not there.
pub(crate) async fn open_log(config: &Config, data: &DataDirectory) -> anyhow::Result<OpenLog> {
    match config.log_adapter()? {
        LogAdapter::Sqlite => {
            let log = Arc::new(SqliteLog::open(&data.events()).await.context(Unusable)?);
            Ok(OpenLog {
                ledger: Arc::new(log.ledger()),
                checkpoints: Arc::new(SqliteCheckpoints::of(&data.events())),
                shared: false,
                closing: Closing::of(log.clone(), |log| async move { log.close().await }),
                store: log,
            })
        }
        #[cfg(feature = "mysql")]
        LogAdapter::Mysql(server) => mysql(config, &server).await,
    }
}

#[cfg(feature = "mysql")]
async fn mysql(config: &Config, server: &cairn_infra::mysql::Server) -> anyhow::Result<OpenLog> {
    use cairn_infra::mysql::checkpoints::MysqlCheckpoints;
    use cairn_infra::mysql::ledger::MysqlLedger;
    use cairn_infra::mysql::log::MysqlLog;

    let migrate = super::views::migrate(config);
    let log = MysqlLog::open(server, migrate).await.context(Unusable)?;
    let ledger = MysqlLedger::open(server, migrate).await.context(Unusable)?;
    let checkpoints = MysqlCheckpoints::open(server, migrate).await.context(Unusable)?;
    let open = Arc::new((Arc::new(log), Arc::new(ledger), Arc::new(checkpoints)));
    Ok(OpenLog {
        store: open.0.clone(),
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
