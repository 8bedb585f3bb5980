//! What an `Idempotency-Key` promises: a retry returns the first answer and changes nothing.

use cairn_domain::{AccountId, CommandId};
use sha2::{Digest, Sha256};
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

    /// The command id of every request under this key.
    pub fn command(&self) -> CommandId {
        CommandId(Uuid::new_v5(&Uuid::NAMESPACE_URL, self.0.as_bytes()))
    }
}

/// What makes two requests the same request: everything that decides about the effect.
pub fn fingerprint<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update((piece.len() as u64).to_be_bytes());
        hasher.update(piece);
    }
    hex::encode(hasher.finalize())
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
