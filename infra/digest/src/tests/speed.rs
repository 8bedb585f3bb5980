//! The figures that this crate exists for, as ratios within one run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::{content_of, in_one_piece};
use crate::engine::Engine;
use crate::{Implementation, implementation};

/// Short enough that some of the rounds are left alone by whatever else the machine does.
const CONTENT_BYTES: u32 = 4 * 1024 * 1024;
const ROUNDS: usize = 64;

/// Measured 1.67.
#[test]
fn one_pass_is_at_least_a_third_faster_than_two() {
    let Some(best) = best_times() else { return };
    let ratio = (best.sha1 + best.sha2).as_secs_f64() / best.fused.as_secs_f64();
    assert!(ratio >= 1.3, "one pass is {ratio:.2} times as fast as two: {best:?}");
}

/// Either function alone is less work than both, and neither has much more of it than the other. sha2 has been seen to run
/// at half of its speed when it was built in several codegen units: then the ratio of the other test would flatter, and
/// whoever uses sha2 alone would suffer.
#[test]
fn sha1_and_sha2_alone_are_built_to_run_at_full_speed() {
    let Some(best) = best_times() else { return };
    let fastest = best.fused.min(best.sha1).min(best.sha2);
    for (name, alone) in [("sha1", best.sha1), ("sha2", best.sha2)] {
        let ratio = fastest.as_secs_f64() / alone.as_secs_f64();
        assert!(ratio >= 0.7, "{name} runs at {ratio:.2} of the fastest, is its codegen-units 1? {best:?}");
    }
}

#[derive(Debug)]
struct BestTimes {
    fused: Duration,
    sha1: Duration,
    sha2: Duration,
}

/// The best of many rounds in which all three take turns; nothing where the ratios say nothing.
fn best_times() -> Option<BestTimes> {
    if implementation() != Implementation::ShaNi || cfg!(debug_assertions) {
        eprintln!("SKIPPED: needs a processor with SHA-NI and a release build");
        return None;
    }
    let content = content_of(CONTENT_BYTES as usize);
    let mut best = BestTimes { fused: Duration::MAX, sha1: Duration::MAX, sha2: Duration::MAX };
    for _ in 0..ROUNDS {
        best.fused = best.fused.min(time(|| in_one_piece(Engine::detect(), black_box(&content))));
        best.sha1 = best.sha1.min(time(|| Sha1::digest(black_box(&content))));
        best.sha2 = best.sha2.min(time(|| Sha256::digest(black_box(&content))));
    }
    let megabytes = |time: Duration| f64::from(CONTENT_BYTES) / 1e6 / time.as_secs_f64();
    eprintln!(
        "MB/s: fused {:.0}, sha1 {:.0}, sha2 {:.0}, one after the other {:.0}",
        megabytes(best.fused),
        megabytes(best.sha1),
        megabytes(best.sha2),
        megabytes(best.sha1 + best.sha2),
    );
    Some(best)
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}
