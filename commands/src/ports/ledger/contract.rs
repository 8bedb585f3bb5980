//! What every request ledger has to pass. The keys start with the namespace, so that one ledger can be shared.

use cairn_domain::Timestamp;
use futures_util::future::join_all;

use super::{Begun, Ledger, StoredAnswer};

/// Runs every check. `namespace` keeps the keys apart from those of other runs on the same ledger; the check of forgetting
/// forgets everything that began before 1970-01-12.
///
/// # Panics
/// When the ledger breaks the contract.
pub async fn suite<L: Ledger>(ledger: &L, namespace: &str) {
    let key = |what: &str| format!("{namespace} {what} \"'%\\ 钥匙");
    a_key_goes_from_new_to_answered(ledger, &key("life")).await;
    another_request_under_the_key_is_told(ledger, &key("reused")).await;
    the_first_answer_stands(ledger, &key("first")).await;
    an_answer_to_nothing_is_dropped(ledger, &key("nothing")).await;
    one_of_many_begins_is_new(ledger, &key("race")).await;
    what_is_old_is_forgotten(ledger, &key("old"), &key("young")).await;
}

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

async fn begin(ledger: &impl Ledger, key: &str, fingerprint: &str, now: Timestamp) -> Begun {
    ledger.begin(key, fingerprint, now).await.unwrap_or_else(|error| panic!("{key}: {error:?}"))
}

async fn finish(ledger: &impl Ledger, key: &str, answer: &StoredAnswer) {
    ledger.finish(key, answer).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
}

fn answer(status: u16) -> StoredAnswer {
    StoredAnswer { status, position: Some(42), body: "{\"name\":\"日本 \\u0000 \\\"x\\\"\"}".to_owned() }
}

async fn a_key_goes_from_new_to_answered(ledger: &impl Ledger, key: &str) {
    assert_eq!(begin(ledger, key, "f", NOW).await, Begun::New);
    assert_eq!(begin(ledger, key, "f", NOW).await, Begun::Unanswered);
    finish(ledger, key, &answer(201)).await;
    assert_eq!(begin(ledger, key, "f", NOW).await, Begun::Answered(answer(201)));
    let empty = StoredAnswer { status: 204, position: None, body: String::new() };
    let other = format!("{key} of another");
    assert_eq!(begin(ledger, &other, "f", NOW).await, Begun::New);
    finish(ledger, &other, &empty).await;
    assert_eq!(begin(ledger, &other, "f", NOW).await, Begun::Answered(empty));
}

async fn another_request_under_the_key_is_told(ledger: &impl Ledger, key: &str) {
    assert_eq!(begin(ledger, key, "one", NOW).await, Begun::New);
    assert_eq!(begin(ledger, key, "two", NOW).await, Begun::Reused);
    finish(ledger, key, &answer(200)).await;
    assert_eq!(begin(ledger, key, "two", NOW).await, Begun::Reused);
    assert_eq!(begin(ledger, key, "one", NOW).await, Begun::Answered(answer(200)));
}

async fn the_first_answer_stands(ledger: &impl Ledger, key: &str) {
    begin(ledger, key, "f", NOW).await;
    finish(ledger, key, &answer(201)).await;
    finish(ledger, key, &answer(409)).await;
    assert_eq!(begin(ledger, key, "f", NOW).await, Begun::Answered(answer(201)));
}

async fn an_answer_to_nothing_is_dropped(ledger: &impl Ledger, key: &str) {
    finish(ledger, key, &answer(200)).await;
    assert_eq!(begin(ledger, key, "f", NOW).await, Begun::New);
}

async fn one_of_many_begins_is_new(ledger: &impl Ledger, key: &str) {
    let begun = join_all((0..32).map(|n| begin(ledger, key, if n % 2 == 0 { "even" } else { "odd" }, NOW))).await;
    let count = |what: &Begun| begun.iter().filter(|begun| *begun == what).count();
    assert_eq!((count(&Begun::New), count(&Begun::Unanswered), count(&Begun::Reused)), (1, 15, 16));
}

async fn what_is_old_is_forgotten(ledger: &impl Ledger, old: &str, young: &str) {
    let limit = Timestamp(1_000_000_000_000);
    let forget = async |before| ledger.forget(before).await.unwrap_or_else(|error| panic!("{error:?}"));
    forget(limit).await;
    begin(ledger, old, "f", Timestamp(limit.0 - 1)).await;
    begin(ledger, young, "f", limit).await;
    finish(ledger, old, &answer(200)).await;
    assert_eq!(forget(limit).await, 1);
    assert_eq!(forget(limit).await, 0);
    assert_eq!(begin(ledger, old, "g", limit).await, Begun::New);
    assert_eq!(begin(ledger, young, "f", limit).await, Begun::Unanswered);
}
