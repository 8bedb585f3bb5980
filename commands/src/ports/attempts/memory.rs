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
    async fn begin(&self, key: &str, now: Timestamp, policy: AttemptPolicy) -> Option<u64> {
        let mut all = self.failures();
        let earlier = all.get(key).copied().filter(|failures| now < failures.forget_at);
        if let Some(wait) = earlier.and_then(|failures| failures.wait_seconds(now, policy)) {
            return Some(wait);
        }
        if all.len() >= KEYS_MAX && !all.contains_key(key) {
            make_room(&mut all, now);
        }
        let count = earlier.map_or(0, |failures| failures.count).saturating_add(1);
        let forget_at = now.plus_seconds(policy.wait_seconds_max);
        all.insert(key.to_owned(), Failures { count, last: now, forget_at });
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

impl Failures {
    fn wait_seconds(&self, now: Timestamp, policy: AttemptPolicy) -> Option<u64> {
        let until = self.last.plus_seconds(policy.wait_after(self.count));
        let micros = u64::try_from(until.0.saturating_sub(now.0)).ok().filter(|&micros| micros > 0)?;
        // A clock that jumped back must not lock anyone out for longer than the policy would.
        Some(micros.div_ceil(1_000_000).min(policy.wait_seconds_max))
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

    /// Makes attempts until one must wait; the wait and how many were made.
    async fn until_wait(attempts: &MemoryAttempts, key: &str, now: Timestamp) -> (u64, u32) {
        let mut made = 0;
        loop {
            match attempts.begin(key, now, POLICY).await {
                Some(wait) => return (wait, made),
                None => made += 1,
            }
        }
    }

    #[tokio::test]
    async fn waits_grow_after_the_free_failures() {
        let attempts = MemoryAttempts::default();
        assert_eq!(until_wait(&attempts, "a", NOW).await, (1, 3));
        assert_eq!(until_wait(&attempts, "a", NOW.plus_seconds(1)).await, (2, 1));
        assert_eq!(until_wait(&attempts, "a", NOW.plus_seconds(3)).await, (4, 1));
        assert_eq!(until_wait(&attempts, "b", NOW).await, (1, 3));
    }

    #[tokio::test]
    async fn a_wait_runs_out_and_is_told_in_whole_seconds_rounded_up() {
        let attempts = MemoryAttempts::default();
        until_wait(&attempts, "a", NOW).await;
        until_wait(&attempts, "a", NOW.plus_seconds(1)).await;
        assert_eq!(attempts.begin("a", Timestamp(NOW.0 + 1_000_001), POLICY).await, Some(2));
        assert_eq!(attempts.begin("a", Timestamp(NOW.0 + 2_000_001), POLICY).await, Some(1));
        assert_eq!(attempts.begin("a", NOW.plus_seconds(3), POLICY).await, None);
    }

    #[tokio::test]
    async fn what_was_right_is_forgiven_or_forgets_all() {
        let attempts = MemoryAttempts::default();
        for _ in 0..9 {
            assert_eq!(attempts.begin("a", NOW, POLICY).await, None);
            attempts.forgive("a").await;
        }
        until_wait(&attempts, "a", NOW).await;
        attempts.forget("a").await;
        assert_eq!(until_wait(&attempts, "a", NOW).await, (1, 3));
    }

    #[tokio::test]
    async fn everything_is_forgotten_after_the_longest_wait() {
        let attempts = MemoryAttempts::default();
        until_wait(&attempts, "a", NOW).await;
        assert_eq!(until_wait(&attempts, "a", NOW.plus_seconds(900)).await, (1, 3));
    }

    #[tokio::test]
    async fn a_clock_that_jumps_back_locks_nobody_out() {
        let attempts = MemoryAttempts::default();
        until_wait(&attempts, "a", NOW.plus_seconds(1_000_000)).await;
        assert_eq!(attempts.begin("a", NOW, POLICY).await, Some(900));
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
