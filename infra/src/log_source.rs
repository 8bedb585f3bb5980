//! The log as the runner of the projections needs it: to be read, and no more.

use std::sync::Arc;

use async_trait::async_trait;
use cairn_commands::ports::event_store::{EventStore, StoreError};
use cairn_domain::{Position, StoredEvent};
use cairn_projections::ports::{Source, SourceError};
use tokio::sync::watch;

/// Any event store, read-only by type.
#[derive(Clone)]
pub struct LogSource(Arc<dyn EventStore>);

impl LogSource {
    /// The events of this log.
    pub fn new(log: Arc<dyn EventStore>) -> Self {
        Self(log)
    }
}

#[async_trait]
impl Source for LogSource {
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, SourceError> {
        self.0.read_all(after, limit).await.map_err(translate)
    }

    async fn head(&self) -> Result<Position, SourceError> {
        self.0.head().await.map_err(translate)
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.0.growth()
    }
}

/// A read can only be corrupt or unavailable; whatever else is said is not known better here.
fn translate(error: StoreError) -> SourceError {
    match error {
        StoreError::Corrupt { position, source } => SourceError::Corrupt { position, source },
        error @ (StoreError::Unavailable(_) | StoreError::Full(_) | StoreError::BadSize | StoreError::Conflict { .. }) => {
            SourceError::Unavailable(error.into())
        }
    }
}
