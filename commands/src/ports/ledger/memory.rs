//! The request ledger in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cairn_domain::Timestamp;

use super::{Begun, Ledger, LedgerError, StoredAnswer};

/// The twin: forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<HashMap<String, Entry>>);

#[derive(Debug)]
struct Entry {
    fingerprint: String,
    at: Timestamp,
    answer: Option<StoredAnswer>,
}

impl MemoryLedger {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn begin(&self, key: &str, fingerprint: &str, now: Timestamp) -> Result<Begun, LedgerError> {
        let mut entries = self.entries();
        let Some(entry) = entries.get(key) else {
            entries.insert(key.to_owned(), Entry { fingerprint: fingerprint.to_owned(), at: now, answer: None });
            return Ok(Begun::New);
        };
        Ok(match &entry.answer {
            _ if entry.fingerprint != fingerprint => Begun::Reused,
            None => Begun::Unanswered,
            Some(answer) => Begun::Answered(answer.clone()),
        })
    }

    async fn finish(&self, key: &str, answer: &StoredAnswer) -> Result<(), LedgerError> {
        if let Some(entry) = self.entries().get_mut(key) {
            entry.answer.get_or_insert_with(|| answer.clone());
        }
        Ok(())
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, LedgerError> {
        let mut entries = self.entries();
        let known = entries.len();
        entries.retain(|_, entry| entry.at >= before);
        Ok((known - entries.len()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::MemoryLedger;

    #[tokio::test]
    async fn keeps_the_contract() {
        contract::suite(&MemoryLedger::default(), "memory").await;
    }
}
