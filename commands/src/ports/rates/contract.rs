//! What every keeper of rates has to pass. The keys start with the namespace, so that one can be shared.

use cairn_domain::Timestamp;
use futures_util::future::join_all;

use super::{Rate, Rates};

/// Runs every check. The two are the same rates seen from two places, as from two processes.
///
/// # Panics
/// When the contract is broken.
pub async fn suite(one: &impl Rates, other: &impl Rates, namespace: &str) {
    let key = |what: &str| format!("{namespace} {what} \"'%\\ 钥匙");
    a_burst_passes_and_then_one_for_each_interval(one, other, &key("burst"), &key("of another")).await;
    a_pause_fills_up_no_more_than_a_burst(one, other, &key("pause")).await;
    of_many_at_once_a_burst_passes(one, other, &key("many")).await;
    a_clock_that_jumps_back_locks_nobody_out(one, &key("jump")).await;
}

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const RATE: Rate = Rate { per_second: 4, burst: 3 };

fn later(micros: i64) -> Timestamp {
    Timestamp(NOW.0 + micros)
}

async fn a_burst_passes_and_then_one_for_each_interval(one: &impl Rates, other: &impl Rates, key: &str, another: &str) {
    for rates in [0, 1, 0] {
        let wait = if rates == 0 { one.take(key, NOW, RATE).await } else { other.take(key, NOW, RATE).await };
        assert_eq!(wait, None);
    }
    assert_eq!(other.take(key, NOW, RATE).await, Some(250_000));
    assert_eq!(one.take(key, later(1), RATE).await, Some(249_999), "who is refused takes nothing");
    assert_eq!(one.take(another, NOW, RATE).await, None);
    assert_eq!(other.take(key, later(250_000), RATE).await, None);
    assert_eq!(one.take(key, later(250_000), RATE).await, Some(250_000));
}

async fn a_pause_fills_up_no_more_than_a_burst(one: &impl Rates, other: &impl Rates, key: &str) {
    assert_eq!(one.take(key, NOW, RATE).await, None);
    let much_later = later(3_600_000_000);
    for _ in 0..3 {
        assert_eq!(other.take(key, much_later, RATE).await, None);
    }
    assert_eq!(one.take(key, much_later, RATE).await, Some(250_000));
}

async fn of_many_at_once_a_burst_passes(one: &impl Rates, other: &impl Rates, key: &str) {
    let take = async |n: usize| if n.is_multiple_of(2) { one.take(key, NOW, RATE).await } else { other.take(key, NOW, RATE).await };
    assert_eq!(join_all((0..20).map(take)).await.iter().filter(|wait| wait.is_none()).count(), 3);
}

async fn a_clock_that_jumps_back_locks_nobody_out(one: &impl Rates, key: &str) {
    assert_eq!(one.take(key, later(1_000_000_000_000), RATE).await, None);
    assert_eq!(one.take(key, NOW, RATE).await, Some(250_000));
}
