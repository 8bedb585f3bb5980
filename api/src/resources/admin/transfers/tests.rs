use async_trait::async_trait;
use cairn_commands::transfer::TransferError;
use cairn_projections::ports::{ReadError, Row};
use cairn_projections::sql::{Dialect, Sql};
use cairn_projections::statement::Value;

use super::*;

/// Tables that answer every question with as many of these rows as it asks for.
struct Rows(Vec<Row>);

#[async_trait]
impl ReadTables for Rows {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        let limit = query.values.iter().rev().find_map(|value| if let Value::Integer(limit) = value { Some(*limit) } else { None });
        let limit = usize::try_from(limit.unwrap_or_default()).unwrap_or_default();
        Ok(self.0.iter().take(limit).cloned().collect())
    }
}

fn row(position: i64) -> Row {
    let document = TransferDocument::example();
    let time = || Value::Integer(1_769_860_800_000_000);
    Row(vec![
        document.id.to_string().into(),
        document.sha256.into(),
        11.into(),
        document.from.into(),
        document.to.into(),
        "stalled".into(),
        5.into(),
        document.reason.into(),
        document.worker.into(),
        time(),
        Value::Integer(1_769_864_400_000_000),
        position.into(),
    ])
}

#[tokio::test]
async fn a_page_shows_transfers_and_where_the_list_goes_on() {
    let tables = Rows(vec![row(9), row(7), row(5)]);
    let wish = |limit| TransfersWish { limit: Some(limit), ..TransfersWish::default() };
    let first = wish(2).page(&tables).await.expect("a page");
    assert_eq!(first.items, [TransferDocument::example(), TransferDocument::example()]);
    let next = first.next_cursor.expect("there is more");
    assert!(TransfersWish { cursor: Some(next), ..wish(2) }.page(&tables).await.is_ok());
    assert_eq!(wish(3).page(&tables).await.expect("a page").next_cursor, None);
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_is_refused() {
    let wish = TransfersWish { cursor: Some("after-1".to_owned()), ..TransfersWish::default() };
    let problem = wish.page(&Rows(Vec::new())).await.expect_err("refused");
    assert_eq!(problem.errors()[0].field, "cursor");
}

#[test]
fn every_state_stands_for_one_phase() {
    use TransferState::{Abandoned, Completed, Queued, Requested, Stalled, Started};
    for state in [Requested, Queued, Started, Stalled, Completed, Abandoned] {
        assert_eq!(TransferState::from(Phase::from(state)), state);
    }
}

#[test]
fn what_is_absent_or_has_ended_is_not_tried_again() {
    let answered = |error: TransferError| {
        let problem = Problem::from(TransferRetryProblem::from(error));
        (problem.kind().status, problem.kind().code)
    };
    assert_eq!(answered(TransferError::Absent), (404, "not_found"));
    assert_eq!(answered(TransferError::Completed), (409, "transfer_not_stalled"));
    assert_eq!(answered(TransferError::Abandoned), (409, "transfer_not_stalled"));
}
