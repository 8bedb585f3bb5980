use std::time::Duration;

use proptest::prelude::*;

use super::Credit;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_peer_that_stops_is_given_up_after_the_whole_credit() {
    let mut credit = Credit::new(30 * SECOND, 1000);
    credit.spend(29 * SECOND);
    assert_eq!(credit.left, SECOND);
    credit.spend(2 * SECOND);
    assert_eq!(credit.left, Duration::ZERO);
}

#[test]
fn bytes_earn_time_at_the_least_rate() {
    let mut credit = Credit::new(30 * SECOND, 1000);
    credit.spend(20 * SECOND);
    credit.earn(5000);
    assert_eq!(credit.left, 15 * SECOND);
}

#[test]
fn a_fast_start_buys_no_long_pause() {
    let mut credit = Credit::new(30 * SECOND, 1000);
    credit.earn(usize::MAX >> 1);
    assert_eq!(credit.left, 30 * SECOND);
}

#[test]
fn a_trickle_runs_out() {
    let mut credit = Credit::new(30 * SECOND, 1000);
    let mut seconds = 0;
    while !credit.left.is_zero() {
        credit.spend(SECOND);
        credit.earn(usize::from(!credit.left.is_zero()));
        seconds += 1;
    }
    assert!(seconds <= 31, "one byte a second lasted {seconds} s");
}

proptest! {
    #[test]
    fn a_peer_at_the_least_rate_is_never_given_up(rate in 1_u32..1_000_000, steps in 1_usize..200) {
        let mut credit = Credit::new(2 * SECOND, rate);
        for _ in 0..steps {
            credit.spend(SECOND);
            prop_assert!(!credit.left.is_zero());
            credit.earn(rate as usize);
        }
        prop_assert_eq!(credit.left, 2 * SECOND);
    }
}
