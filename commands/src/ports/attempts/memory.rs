//! Failed attempts in this process's memory: they are worth no disk, and a restart forgives little.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cairn_domain::Timestamp;

use super::{AttemptPolicy, Attempts};

/// How many keys are remembered; beyond, the one that would be forgotten first makes room.
const KEYS_MAX: usize = 100_000;

/// Counts failures in memory, for one process.
#[derive(Debug, Default)]
pub struct MemoryAttempts(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
    forget_at: Timestamp,
}

impl MemoryAttempts {
    fn failures(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Attempts for MemoryAttempts {
    async fn wait_seconds(&self, key: &str, now: Timestamp, policy: AttemptPolicy) -> Option<u64> {
        let failures = self.failures().get(key).copied().filter(|failures| now < failures.forget_at)?;
        let until = failures.last.plus_seconds(policy.wait_after(failures.count));
        let micros = u64::try_from(until.0.saturating_sub(now.0)).ok().filter(|&micros| micros > 0)?;
        // A clock that jumped back must not lock anyone out for longer than the policy would.
        Some(micros.div_ceil(1_000_000).min(policy.wait_seconds_max))
    }

    async fn failed(&self, key: &str, now: Timestamp, policy: AttemptPolicy) {
        let mut all = self.failures();
        let earlier = all.get(key).filter(|failures| now < failures.forget_at).map_or(0, |failures| failures.count);
        if all.len() >= KEYS_MAX && !all.contains_key(key) {
            make_room(&mut all, now);
        }
        let forget_at = now.plus_seconds(policy.wait_seconds_max);
        all.insert(key.to_owned(), Failures { count: earlier.saturating_add(1), last: now, forget_at });
    }

    async fn succeeded(&self, key: &str) {
        self.failures().remove(key);
    }
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
    use super::*;

    const POLICY: AttemptPolicy = AttemptPolicy { free: 2, first_wait_seconds: 1, wait_seconds_max: 900 };
    const NOW: Timestamp = Timestamp(1_000_000_000);

    #[tokio::test]
    async fn waits_grow_after_the_free_failures() {
        let attempts = MemoryAttempts::default();
        let mut waits = Vec::new();
        for _ in 0..5 {
            attempts.failed("a", NOW, POLICY).await;
            waits.push(attempts.wait_seconds("a", NOW, POLICY).await);
        }
        assert_eq!(waits, [None, None, Some(1), Some(2), Some(4)]);
        assert_eq!(attempts.wait_seconds("b", NOW, POLICY).await, None);
    }

    #[tokio::test]
    async fn a_wait_runs_out_and_is_told_in_whole_seconds_rounded_up() {
        let attempts = MemoryAttempts::default();
        for _ in 0..5 {
            attempts.failed("a", NOW, POLICY).await;
        }
        assert_eq!(attempts.wait_seconds("a", Timestamp(NOW.0 + 1), POLICY).await, Some(4));
        assert_eq!(attempts.wait_seconds("a", Timestamp(NOW.0 + 3_000_001), POLICY).await, Some(1));
        assert_eq!(attempts.wait_seconds("a", NOW.plus_seconds(4), POLICY).await, None);
    }

    #[tokio::test]
    async fn success_forgets() {
        let attempts = MemoryAttempts::default();
        for _ in 0..3 {
            attempts.failed("a", NOW, POLICY).await;
        }
        attempts.succeeded("a").await;
        attempts.failed("a", NOW, POLICY).await;
        assert_eq!(attempts.wait_seconds("a", NOW, POLICY).await, None);
    }

    #[tokio::test]
    async fn everything_is_forgotten_after_the_longest_wait() {
        let attempts = MemoryAttempts::default();
        for _ in 0..30 {
            attempts.failed("a", NOW, POLICY).await;
        }
        assert_eq!(attempts.wait_seconds("a", NOW, POLICY).await, Some(900));
        let later = NOW.plus_seconds(900);
        assert_eq!(attempts.wait_seconds("a", later, POLICY).await, None);
        attempts.failed("a", later, POLICY).await;
        assert_eq!(attempts.wait_seconds("a", later, POLICY).await, None);
    }

    #[tokio::test]
    async fn a_clock_that_jumps_back_locks_nobody_out() {
        let attempts = MemoryAttempts::default();
        for _ in 0..3 {
            attempts.failed("a", NOW.plus_seconds(1_000_000), POLICY).await;
        }
        assert_eq!(attempts.wait_seconds("a", NOW, POLICY).await, Some(900));
    }

    #[tokio::test]
    async fn the_memory_of_keys_is_bounded() {
        let attempts = MemoryAttempts::default();
        for key in 0..=KEYS_MAX {
            attempts.failed(&key.to_string(), Timestamp(NOW.0 + i64::try_from(key).unwrap_or(0)), POLICY).await;
            if key + 1 == KEYS_MAX {
                assert_eq!(attempts.failures().len(), KEYS_MAX);
            }
        }
        assert_eq!(attempts.failures().len(), KEYS_MAX);
        assert!(!attempts.failures().contains_key("0"));
        attempts.failed("late", NOW.plus_seconds(10_000), POLICY).await;
        assert_eq!(attempts.failures().len(), 1);
    }
}
