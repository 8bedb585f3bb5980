//! What every cache of sessions has to pass. It may forget at any time, so what must be found is kept again until it is.

use std::collections::BTreeSet;

use cairn_domain::account::Role;
use cairn_domain::{AccountId, SessionId, Sha256, Timestamp};
use sha2::Digest;
use uuid::Uuid;

use super::{BELIEVED_MICROS, CLOCKS_APART_MICROS, Ended, Known, Session, SessionCache};
use crate::Caller;

/// Runs every check. The two are the same cache seen from two places, as from two processes; `namespace` keeps the tokens apart from
/// those of other runs.
///
/// # Panics
/// When the cache breaks the contract.
pub async fn suite(one: &impl SessionCache, other: &impl SessionCache, namespace: &str) {
    what_was_kept_is_found_elsewhere(one, other, namespace).await;
    an_answer_is_believed_for_a_moment(one, namespace).await;
    whoever_has_ended_is_never_found_again(one, other, namespace).await;
    an_end_is_of_one_session(one, other, namespace).await;
    a_session_can_end_before_it_was_ever_kept(one, other, namespace).await;
    an_end_that_races_with_keeping_wins(one, other, namespace).await;
    whoever_was_missed_is_not_let_in_by_an_older_answer(one, other, namespace).await;
}

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn token(namespace: &str, name: &str) -> Sha256 {
    Sha256(sha2::Sha256::digest(format!("{namespace} {name}")).into())
}

/// The session of that token; every other one is an operator's.
fn session(token: Sha256, admin: bool) -> Session {
    let id = |n: usize| Uuid::from_slice(&token.0[n..n + 16]).unwrap_or_default();
    let roles: BTreeSet<Role> = admin.then_some(Role::Admin).into_iter().collect();
    let caller = Caller { account: AccountId(id(0)), session: SessionId(id(16)), roles };
    Session { caller, expires_at: NOW.plus_seconds(3_600) }
}

fn ended(session: &Session) -> Ended {
    Ended { session: session.caller.session, until: session.expires_at }
}

/// Keeps until it is found.
async fn kept(one: &impl SessionCache, other: &impl SessionCache, token: Sha256, session: &Session) {
    for _ in 0..100 {
        assert!(one.keep(token, session, NOW).await);
        match other.find(token, NOW).await {
            Known::Session(found) => return assert_eq!(found, *session),
            Known::Ended => panic!("nobody has ended it"),
            Known::Unknown => {}
        }
    }
    panic!("nothing that was kept is found");
}

async fn what_was_kept_is_found_elsewhere(one: &impl SessionCache, other: &impl SessionCache, namespace: &str) {
    for admin in [false, true] {
        let token = token(namespace, &format!("kept {admin}"));
        assert_eq!(one.find(token, NOW).await, Known::Unknown);
        kept(one, other, token, &session(token, admin)).await;
        kept(one, one, token, &session(token, admin)).await;
    }
}

async fn an_answer_is_believed_for_a_moment(cache: &impl SessionCache, namespace: &str) {
    let token = token(namespace, "believed");
    for age in [BELIEVED_MICROS, BELIEVED_MICROS * 100, -CLOCKS_APART_MICROS - 1, i64::MIN, i64::MAX] {
        assert!(cache.keep(token, &session(token, false), Timestamp(NOW.0.saturating_sub(age))).await);
        assert_eq!(cache.find(token, NOW).await, Known::Unknown, "asked {age} us ago");
    }
    kept(cache, cache, token, &session(token, false)).await;
}

async fn whoever_has_ended_is_never_found_again(one: &impl SessionCache, other: &impl SessionCache, namespace: &str) {
    let token = token(namespace, "ended");
    let session = session(token, true);
    kept(one, one, token, &session).await;
    one.end(&[ended(&session)], NOW).await;
    assert!(!matches!(one.find(token, NOW).await, Known::Session(_)));
    for cache in [0, 1, 0] {
        // A belated answer of the tables.
        let kept = if cache == 0 { one.keep(token, &session, NOW).await } else { other.keep(token, &session, NOW).await };
        assert!(!kept, "it has ended");
        assert!(!matches!(one.find(token, NOW).await, Known::Session(_)));
        assert!(!matches!(other.find(token, NOW).await, Known::Session(_)));
    }
    one.end(&[ended(&session)], NOW).await;
    other.end(&[ended(&session)], NOW).await;
    assert!(!other.keep(token, &session, NOW).await);
}

async fn an_end_is_of_one_session(one: &impl SessionCache, other: &impl SessionCache, namespace: &str) {
    let tokens: Vec<Sha256> = (0..30).map(|n| token(namespace, &format!("of many {n}"))).collect();
    let dead: Vec<Ended> = tokens[..25].iter().map(|token| ended(&session(*token, false))).collect();
    one.end(&dead, NOW).await;
    one.end(&[], NOW).await;
    for (n, token) in tokens.into_iter().enumerate() {
        assert_eq!(other.keep(token, &session(token, false), NOW).await, n >= 25);
    }
}

async fn a_session_can_end_before_it_was_ever_kept(one: &impl SessionCache, other: &impl SessionCache, namespace: &str) {
    let token = token(namespace, "early");
    let session = session(token, false);
    // Also when it would have expired long ago by now, or never.
    one.end(&[Ended { until: Timestamp(0), ..ended(&session) }], NOW).await;
    assert!(!one.keep(token, &session, NOW).await);
    one.end(&[Ended { until: Timestamp(i64::MAX), ..ended(&session) }], NOW).await;
    assert!(!other.keep(token, &session, NOW).await);
}

async fn an_end_that_races_with_keeping_wins(one: &impl SessionCache, other: &impl SessionCache, namespace: &str) {
    for round in 0..50 {
        let token = token(namespace, &format!("race {round}"));
        let session = session(token, false);
        let dead = [ended(&session)];
        tokio::join!(one.keep(token, &session, NOW), other.end(&dead, NOW), other.keep(token, &session, NOW));
        assert!(!matches!(other.find(token, NOW).await, Known::Session(_)), "round {round}");
        assert!(!other.keep(token, &session, NOW).await, "round {round}");
    }
}

async fn whoever_was_missed_is_not_let_in_by_an_older_answer(one: &impl SessionCache, other: &impl SessionCache, namespace: &str) {
    let token = token(namespace, "missed");
    let session = session(token, false);
    kept(one, other, token, &session).await;
    other.miss(token, NOW).await;
    assert_eq!(other.find(token, NOW).await, Known::Unknown);
    assert!(!other.keep(token, &session, Timestamp(NOW.0 - 1)).await, "a belated answer");
    assert_eq!(other.find(token, NOW).await, Known::Unknown);
    // It was only not there yet.
    let later = Timestamp(NOW.0 + 1);
    for _ in 0..100 {
        assert!(other.keep(token, &session, later).await);
        if other.find(token, later).await == Known::Session(session.clone()) {
            return;
        }
    }
    panic!("a later answer is not believed");
}
