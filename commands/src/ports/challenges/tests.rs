use std::sync::Arc;

use futures_util::future::join_all;

use super::*;
use crate::ports::ledger::MemoryLedger;

const NOW: Timestamp = Timestamp(1_000_000);

async fn a_question_is_taken_once(asked: &dyn Challenges, answered: &dyn Challenges) {
    let id = Uuid::from_u128(1);
    asked.keep(id, "what?".to_owned(), NOW).await.expect("kept");
    let takers = join_all((0..8).map(|_| answered.take(id, NOW))).await;
    let taken: Vec<String> = takers.into_iter().filter_map(|taken| taken.expect("answered")).collect();
    assert_eq!(taken, ["what?"]);
    assert_eq!(asked.take(id, NOW).await.expect("answered"), None);
    assert_eq!(asked.take(Uuid::from_u128(2), NOW).await.expect("answered"), None);
}

#[tokio::test]
async fn one_process_is_asked_and_answered() {
    let challenges = MemoryChallenges::new(60);
    a_question_is_taken_once(&challenges, &challenges).await;
}

#[tokio::test]
async fn one_process_is_asked_and_another_answered() {
    let ledger = Arc::new(MemoryLedger::default());
    let (one, other) = (LedgerChallenges::new(ledger.clone()), LedgerChallenges::new(ledger));
    a_question_is_taken_once(&one, &other).await;
}
