//! How far each saga has read the log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use cairn_domain::Position;

use super::BoxError;

/// Keeps one position per saga, durably.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// The saga's position; [`Position::START`] when it has none.
    async fn load(&self, saga: &str) -> Result<Position, CheckpointError>;

    /// Moves it.
    async fn save(&self, saga: &str, position: Position) -> Result<(), CheckpointError>;
}

/// The checkpoints did not answer: try again.
#[derive(Debug, thiserror::Error)]
#[error("the checkpoints did not answer")]
pub struct CheckpointError(#[source] pub BoxError);

/// The twin: forgets when the process ends.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints(Mutex<HashMap<String, Position>>);

#[async_trait]
impl Checkpoints for MemoryCheckpoints {
    async fn load(&self, saga: &str) -> Result<Position, CheckpointError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(saga).copied().unwrap_or_default())
    }

    async fn save(&self, saga: &str, position: Position) -> Result<(), CheckpointError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(saga.to_owned(), position);
        Ok(())
    }
}
