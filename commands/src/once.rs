//! What an `Idempotency-Key` promises: a retry returns the first answer and changes nothing.

use cairn_domain::{AccountId, CommandId};
use uuid::Uuid;

use crate::ports::ledger::{Begun, StoredAnswer};
use crate::{Drive, Trouble};

/// The caller's key for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key within its scope: one account's keys never meet another's.
    pub fn new(account: Option<AccountId>, key: &str) -> Self {
        let scope = account.map_or_else(|| "anonymous".to_owned(), |account| account.to_string());
        Self(format!("{scope}/{key}"))
    }

    /// The key with its scope.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The command id of the request of that fingerprint under this key. Retries share it; another request never has it, even when the
    /// ledger has long forgotten the key.
    pub fn command(&self, fingerprint: &str) -> CommandId {
        CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{}\n{fingerprint}", self.0).as_bytes()))
    }
}

/// What to do with a keyed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeat {
    /// Do it, and record the answer.
    Proceed,
    /// Give this answer; it was given before.
    Answer(StoredAnswer),
    /// Refuse: the key was used for something else.
    Reused,
}

impl Drive {
    /// What makes two requests the same request: everything that decides about the effect. It is made under the drive's secret,
    /// because a password may be among the pieces, and a plain hash of one can be guessed.
    pub fn fingerprint(&self, pieces: &[&[u8]]) -> String {
        let pieces: Vec<&[u8]> = [&b"request"[..]].into_iter().chain(pieces.iter().copied()).collect();
        hex::encode(self.sign(&pieces))
    }

    /// Asks the ledger what to do with a keyed request.
    pub async fn begin_once(&self, key: &Key, fingerprint: &str) -> Result<Repeat, Trouble> {
        let now = self.ports.clock.now();
        Ok(match self.ports.ledger.begin(&key.0, fingerprint, now).await? {
            Begun::New | Begun::Unanswered => Repeat::Proceed,
            Begun::Answered(answer) => Repeat::Answer(answer),
            Begun::Reused => Repeat::Reused,
        })
    }

    /// Records the answer to a keyed request.
    pub async fn finish_once(&self, key: &Key, answer: &StoredAnswer) -> Result<(), Trouble> {
        Ok(self.ports.ledger.finish(&key.0, answer).await?)
    }
}
