//! What every count of failed attempts has to pass. The keys start with the namespace, so that one count can be shared.

use cairn_domain::Timestamp;
use futures_util::future::join_all;

use super::{AttemptPolicy, Attempts};

/// Runs every check. The two are the same count seen from two places, as from two processes.
///
/// # Panics
/// When the count breaks the contract.
pub async fn suite(one: &impl Attempts, other: &impl Attempts, namespace: &str) {
    let key = |what: &str| format!("{namespace} {what} \"'%\\ 钥匙");
    waits_grow_after_the_free_failures(one, other, &key("grow"), &key("of another")).await;
    a_wait_runs_out_and_is_told_in_whole_seconds_rounded_up(one, other, &key("round")).await;
    what_was_right_is_forgiven_or_forgets_all(one, other, &key("forgive")).await;
    everything_is_forgotten_after_the_longest_wait(one, other, &key("forget")).await;
    a_clock_that_jumps_back_locks_nobody_out(one, &key("jump"), &key("apart")).await;
    of_many_at_once_no_more_than_allowed_slip_through(one, other, &key("many")).await;
    nothing_is_taken_back_from_nothing(one, &key("nothing")).await;
}

const POLICY: AttemptPolicy = AttemptPolicy { free: 2, first_wait_seconds: 1, wait_seconds_max: 900 };
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// Makes attempts, here and there in turn, until one must wait; the wait and how many were made.
async fn until_wait(one: &impl Attempts, other: &impl Attempts, key: &str, now: Timestamp) -> (u64, u32) {
    for made in 0.. {
        let wait = if made % 2 == 0 { one.begin(key, now, POLICY).await } else { other.begin(key, now, POLICY).await };
        if let Some(wait) = wait {
            return (wait, made);
        }
    }
    (0, 0)
}

async fn waits_grow_after_the_free_failures(one: &impl Attempts, other: &impl Attempts, key: &str, another: &str) {
    assert_eq!(until_wait(one, other, key, NOW).await, (1, 3));
    assert_eq!(until_wait(one, other, key, NOW.plus_seconds(1)).await, (2, 1));
    assert_eq!(until_wait(other, one, key, NOW.plus_seconds(3)).await, (4, 1));
    assert_eq!(until_wait(one, other, another, NOW).await, (1, 3));
}

async fn a_wait_runs_out_and_is_told_in_whole_seconds_rounded_up(one: &impl Attempts, other: &impl Attempts, key: &str) {
    until_wait(one, other, key, NOW).await;
    until_wait(one, other, key, NOW.plus_seconds(1)).await;
    assert_eq!(one.begin(key, Timestamp(NOW.0 + 1_000_001), POLICY).await, Some(2));
    assert_eq!(other.begin(key, Timestamp(NOW.0 + 2_000_001), POLICY).await, Some(1));
    assert_eq!(one.begin(key, NOW.plus_seconds(3), POLICY).await, None);
}

async fn what_was_right_is_forgiven_or_forgets_all(one: &impl Attempts, other: &impl Attempts, key: &str) {
    for _ in 0..9 {
        assert_eq!(one.begin(key, NOW, POLICY).await, None);
        other.forgive(key).await;
    }
    until_wait(one, other, key, NOW).await;
    one.forget(key).await;
    assert_eq!(until_wait(other, one, key, NOW).await, (1, 3));
    other.forget(key).await;
    assert_eq!(until_wait(other, one, key, NOW).await, (1, 3));
}

async fn everything_is_forgotten_after_the_longest_wait(one: &impl Attempts, other: &impl Attempts, key: &str) {
    until_wait(one, other, key, NOW).await;
    assert_eq!(until_wait(other, one, key, NOW.plus_seconds(900)).await, (1, 3));
}

async fn a_clock_that_jumps_back_locks_nobody_out(one: &impl Attempts, key: &str, apart: &str) {
    until_wait(one, one, key, NOW.plus_seconds(1_000_000)).await;
    assert_eq!(one.begin(key, NOW, POLICY).await, Some(900));
    // Clocks of two processes are never the same, and what is free is free.
    assert_eq!(one.begin(apart, NOW.plus_seconds(1), POLICY).await, None);
    assert_eq!(one.begin(apart, NOW, POLICY).await, None);
}

async fn of_many_at_once_no_more_than_allowed_slip_through(one: &impl Attempts, other: &impl Attempts, key: &str) {
    let tries = join_all(
        (0..20).map(async |n| if n % 2 == 0 { one.begin(key, NOW, POLICY).await } else { other.begin(key, NOW, POLICY).await }),
    );
    assert_eq!(tries.await.iter().filter(|wait| wait.is_none()).count(), 3);
}

async fn nothing_is_taken_back_from_nothing(one: &impl Attempts, key: &str) {
    one.forgive(key).await;
    one.forget(key).await;
    one.forgive(key).await;
    assert_eq!(until_wait(one, one, key, NOW).await, (1, 3));
}
