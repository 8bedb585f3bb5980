//! Where a log goes that comes from elsewhere.

use std::sync::Arc;

use anyhow::Context;
use cairn_commands::ports::intake::Intake;
use cairn_domain::Position;
use cairn_infra::config::{Config, LogAdapter};
use cairn_infra::sqlite::log::SqliteNewLog;

use super::{OpenDigests, OpenLog, open_digests, open_log};
use crate::data::DataDirectory;
use crate::unusable::Unusable;

/// What takes it in.
pub(crate) enum Destination {
    /// A log that is there when it is whole.
    New(Arc<SqliteNewLog>),
    /// A log that grows by it.
    There(OpenLog),
}

/// Opens the log that is configured for another one to come in. The one of the embedded drive is made anew if it has no events yet.
pub(crate) async fn open_destination(config: &Config, data: &DataDirectory) -> anyhow::Result<Destination> {
    if matches!(config.log_adapter()?, LogAdapter::Sqlite)
        && let Some(new) = SqliteNewLog::begin(&data.events()).await.context(Unusable)?
    {
        return Ok(Destination::New(Arc::new(new)));
    }
    let log = open_log(config, data).await?;
    if log.store.head().await? == Position::START {
        // Whatever was here before is here no more.
        let OpenDigests { digests, closing } = open_digests(config, data).await?;
        digests.clear().await?;
        closing.close().await;
    }
    Ok(Destination::There(log))
}

impl Destination {
    pub(crate) fn intake(&self) -> Arc<dyn Intake> {
        match self {
            Self::New(log) => log.clone(),
            Self::There(log) => log.intake.clone(),
        }
    }

    /// Whether what comes in is seen at once.
    pub(crate) fn shows_at_once(&self) -> bool {
        matches!(self, Self::There(_))
    }

    /// Everything has come in. Whoever has its intake gives it back before.
    pub(crate) async fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::New(log) => {
                let log = Arc::into_inner(log).context("the new log is still being written")?;
                Ok(log.finish().await?)
            }
            Self::There(log) => {
                log.closing.close().await;
                Ok(())
            }
        }
    }
}
