//! The clock of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use cairn_commands::ports::clock::Clock;
use cairn_domain::Timestamp;

/// Tells the time as the operating system does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the Clock port that everyone else asks")]
        let now = SystemTime::now();
        let micros = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Timestamp(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_in_this_century_and_does_not_stand_still() {
        let first = SystemClock.now();
        assert!((1_700_000_000..4_102_444_800).contains(&first.seconds()), "{first:?}");
        while SystemClock.now() == first {}
    }
}
