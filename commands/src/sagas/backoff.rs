use std::time::Duration;

use crate::ports::ids::Ids;

/// How long whoever has failed waits before trying again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    /// After the first failure.
    pub(super) first: Duration,
    /// Before chance makes it a quarter longer or shorter.
    pub(super) longest: Duration,
}

impl Backoff {
    /// Twice as long after each failure beyond the first, and never the same for two, so that what failed together does not come back together.
    pub(super) fn after(&self, failures: u32, ids: &dyn Ids) -> Duration {
        self.by_chance(failures, ids.random()[31])
    }

    fn by_chance(&self, failures: u32, chance: u8) -> Duration {
        let doublings = failures.saturating_sub(1);
        let wait = self.first.saturating_mul(2_u32.saturating_pow(doublings)).min(self.longest);
        wait.mul_f64(0.75 + f64::from(chance) / 255.0 / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ports::ids::SequentialIds;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(144) };

    #[test]
    fn waits_grow_up_to_the_longest_and_are_spread_evenly_around_it() {
        for (failures, middle) in [(0, 1), (1, 1), (2, 2), (3, 4), (8, 128), (9, 144), (40, 144), (u32::MAX, 144)] {
            let middle = Duration::from_secs(middle);
            let waits: BTreeSet<Duration> = (0..=u8::MAX).map(|chance| BACKOFF.by_chance(failures, chance)).collect();
            assert_eq!(waits.len(), 256, "no two chances make the same wait");
            assert_eq!(waits.first(), Some(&middle.mul_f64(0.75)), "{failures}");
            assert_eq!(waits.last(), Some(&middle.mul_f64(1.25)), "{failures}");
            let mean = waits.iter().sum::<Duration>() / 256;
            assert!(mean.abs_diff(middle) < middle / 100, "{failures}: {mean:?}");
        }
    }

    #[test]
    fn what_failed_together_comes_back_apart() {
        let ids = SequentialIds::default();
        let waits: BTreeSet<Duration> = (0..50).map(|_| BACKOFF.after(4, &ids)).collect();
        assert!(waits.len() > 40, "{waits:?}");
    }
}
