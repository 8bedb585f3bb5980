use std::time::Duration;

use async_trait::async_trait;
use cairn_domain::Timestamp;
use moka::sync::Cache;
use uuid::Uuid;

use super::{ChallengeError, Challenges};

/// The questions of one process.
pub struct MemoryChallenges(Cache<Uuid, String>);

/// Open questions held at once; beyond it the oldest are forgotten.
const OPEN_MAX: u64 = 100_000;

impl MemoryChallenges {
    /// Questions that are forgotten after that many seconds.
    pub fn new(expires_seconds: u64) -> Self {
        Self(Cache::builder().max_capacity(OPEN_MAX).time_to_live(Duration::from_secs(expires_seconds)).build())
    }
}

#[async_trait]
impl Challenges for MemoryChallenges {
    async fn keep(&self, id: Uuid, question: String, _now: Timestamp) -> Result<(), ChallengeError> {
        self.0.insert(id, question);
        Ok(())
    }

    async fn take(&self, id: Uuid, _now: Timestamp) -> Result<Option<String>, ChallengeError> {
        Ok(self.0.remove(&id))
    }
}
