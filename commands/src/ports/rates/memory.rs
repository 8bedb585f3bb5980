//! The twin, and what a drive of one process uses.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use cairn_domain::Timestamp;

use super::{Rate, Rates};

/// How many keys are remembered; beyond, those that would be forgotten first make room.
const KEYS_MAX: usize = 100_000;

/// Keeps rates in memory, for one process, by the generic cell rate algorithm (ITU-T I.371): of each key, when the next one would be due
/// if all came evenly spaced.
#[derive(Debug, Default)]
pub struct MemoryRates(Mutex<HashMap<String, i64>>);

#[async_trait]
impl Rates for MemoryRates {
    async fn take(&self, key: &str, now: Timestamp, rate: Rate) -> Option<u64> {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that jumped back must not lock anyone out.
        let latest = now.0.saturating_add(rate.ahead_micros());
        let next = due.get(key).copied().unwrap_or(now.0).clamp(now.0, latest).saturating_add(rate.interval_micros());
        if let Some(wait) = u64::try_from(next - latest).ok().filter(|&wait| wait > 0) {
            return Some(wait);
        }
        if due.len() >= KEYS_MAX && !due.contains_key(key) {
            make_room(&mut due, now);
        }
        due.insert(key.to_owned(), next);
        None
    }
}

/// Drops what is of no matter any more, else everything but the half that has taken most.
fn make_room(due: &mut HashMap<String, i64>, now: Timestamp) {
    due.retain(|_, next| *next > now.0);
    if due.len() >= KEYS_MAX {
        let mut all: Vec<i64> = due.values().copied().collect();
        let (_, median, _) = all.select_nth_unstable(KEYS_MAX / 2);
        let median = *median;
        due.retain(|_, next| *next > median);
    }
}

#[cfg(test)]
mod tests {
    use super::super::contract;
    use super::*;

    #[tokio::test]
    async fn the_twin_keeps_the_contract() {
        let rates = MemoryRates::default();
        contract::suite(&rates, &rates, "memory").await;
    }

    #[tokio::test]
    async fn the_memory_of_keys_is_bounded() {
        let (rates, rate) = (MemoryRates::default(), Rate { per_second: 1, burst: 1 });
        for key in 0..=KEYS_MAX {
            assert_eq!(rates.take(&key.to_string(), Timestamp(7), rate).await, None);
        }
        assert!(rates.0.lock().expect("nobody panicked").len() <= KEYS_MAX);
    }
}
