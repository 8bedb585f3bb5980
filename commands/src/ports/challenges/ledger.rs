use std::sync::Arc;

use async_trait::async_trait;
use cairn_domain::Timestamp;
use uuid::Uuid;

use super::{ChallengeError, Challenges};
use crate::ports::ledger::{Begun, Ledger, LedgerError, StoredAnswer};

/// The questions of all processes that share a ledger. It remembers the question as it does an answer, and that it was taken as one more
/// request, which only the first one makes. It forgets both with the requests of that time.
pub struct LedgerChallenges(Arc<dyn Ledger>);

impl LedgerChallenges {
    /// Questions that this ledger remembers.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self(ledger)
    }
}

/// Every question is another, so there is nothing to tell it from.
const FINGERPRINT: &str = "";

#[async_trait]
impl Challenges for LedgerChallenges {
    async fn keep(&self, id: Uuid, question: String, now: Timestamp) -> Result<(), ChallengeError> {
        let key = asked(id);
        self.0.begin(&key, FINGERPRINT, now).await?;
        Ok(self.0.finish(&key, &StoredAnswer { status: 0, position: None, body: question }).await?)
    }

    async fn take(&self, id: Uuid, now: Timestamp) -> Result<Option<String>, ChallengeError> {
        let Begun::Answered(question) = self.0.begin(&asked(id), FINGERPRINT, now).await? else { return Ok(None) };
        let taken = self.0.begin(&format!("challenge taken {id}"), FINGERPRINT, now).await?;
        Ok((taken == Begun::New).then_some(question.body))
    }
}

fn asked(id: Uuid) -> String {
    format!("challenge {id}")
}

impl From<LedgerError> for ChallengeError {
    fn from(error: LedgerError) -> Self {
        Self(error.into())
    }
}
