//! How long to wait before trying again.

use std::time::Duration;

use cairn_commands::ports::ids::Ids;

use crate::ids::RandomIds;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_millis(50);

/// Doubles with each failure up to the longest; half of it is chance, so that the processes of a drive do not all come back at once.
pub(crate) fn wait(failures: usize, longest: Duration) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    let whole = (FIRST * 2_u32.pow(doublings)).min(longest);
    let chance = f64::from(RandomIds.random()[0]) / 255.0;
    whole / 2 + (whole / 2).mul_f64(chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_and_stays_below_the_longest() {
        let longest = Duration::from_secs(2);
        assert!((FIRST / 2..=FIRST).contains(&wait(1, longest)));
        assert!((FIRST * 2..=FIRST * 4).contains(&wait(3, longest)));
        assert!((longest / 2..=longest).contains(&wait(usize::MAX, longest)));
    }
}
