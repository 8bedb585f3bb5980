use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks again and again until the condition holds; false if it never did within the limit.
pub(crate) fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if started.elapsed() >= limit {
            return false;
        }
        thread::sleep(PAUSE);
    }
}
