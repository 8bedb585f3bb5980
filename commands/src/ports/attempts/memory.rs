//! Failed attempts in this process's memory: they are worth no disk, and a restart forgives little.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cairn_domain::Timestamp;

use super::{AttemptPolicy, Attempts, Failures};

/// How many keys are remembered; beyond, the one that would be forgotten first makes room.
const KEYS_MAX: usize = 100_000;

/// Counts failures in memory, for one process.
#[derive(Debug, Default)]
pub struct MemoryAttempts(Mutex<HashMap<String, Failures>>);

impl MemoryAttempts {
    fn failures(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a key.
    pub fn known(&self, key: &str) -> Option<Failures> {
        self.failures().get(key).copied()
    }

    /// Replaces what is known of a key, by what somebody knows better.
    pub fn learn(&self, key: &str, known: Failures, now: Timestamp) {
        put(&mut self.failures(), key, known, now);
    }
}

#[async_trait]
impl Attempts for MemoryAttempts {
    async fn begin(&self, key: &str, now: Timestamp, policy: AttemptPolicy) -> Option<u64> {
        let mut all = self.failures();
        let earlier = all.get(key).copied().filter(|failures| now < failures.forget_at);
        if let Some(wait) = earlier.and_then(|failures| failures.wait_seconds(now, policy)) {
            return Some(wait);
        }
        let count = earlier.map_or(0, |failures| failures.count).saturating_add(1);
        put(&mut all, key, Failures { count, last: now, forget_at: now.plus_seconds(policy.wait_seconds_max) }, now);
        None
    }

    async fn forgive(&self, key: &str) {
        if let Some(failures) = self.failures().get_mut(key) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    async fn forget(&self, key: &str) {
        self.failures().remove(key);
    }
}

fn put(all: &mut HashMap<String, Failures>, key: &str, failures: Failures, now: Timestamp) {
    if all.len() >= KEYS_MAX && !all.contains_key(key) {
        make_room(all, now);
    }
    all.insert(key.to_owned(), failures);
}

/// Drops what is forgotten by now or, if nothing is, what would be next. It looks at every key, which costs about as much
/// as a tenth of the password hash that every counted failure has cost before.
fn make_room(all: &mut HashMap<String, Failures>, now: Timestamp) {
    all.retain(|_, failures| now < failures.forget_at);
    if all.len() < KEYS_MAX {
        return;
    }
    if let Some(next) = all.iter().min_by_key(|(_, failures)| failures.forget_at).map(|(key, _)| key.clone()) {
        all.remove(&next);
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::*;

    const POLICY: AttemptPolicy = AttemptPolicy { free: 2, first_wait_seconds: 1, wait_seconds_max: 900 };
    const NOW: Timestamp = Timestamp(1_000_000_000);

    #[tokio::test]
    async fn the_twin_keeps_the_contract() {
        let attempts = MemoryAttempts::default();
        contract::suite(&attempts, &attempts, "memory").await;
    }

    #[tokio::test]
    async fn the_memory_of_keys_is_bounded() {
        let attempts = MemoryAttempts::default();
        for key in 0..=KEYS_MAX {
            attempts.begin(&key.to_string(), Timestamp(NOW.0 + i64::try_from(key).unwrap_or(0)), POLICY).await;
        }
        assert_eq!(attempts.failures().len(), KEYS_MAX);
        assert!(!attempts.failures().contains_key("0"));
        attempts.begin("late", NOW.plus_seconds(10_000), POLICY).await;
        assert_eq!(attempts.failures().len(), 1);
    }
}
