use proptest::prelude::*;

use super::*;
use crate::ports::memory::MemoryTables;
use crate::ports::{Batch, Tables};
use crate::projection::usage::UsageRow;
use crate::projection::users::UserToken;

fn token(key: &str, expires_at: i64) -> Statement {
    Statement::put(key, [(UserToken::AccountId, "a".into()), (UserToken::ExpiresAt, expires_at.into())])
}

fn expires(key: &str, at: i64) -> Statement {
    Statement::set(key, [(UserToken::ExpiresAt, at.into())])
}

fn used(key: &str, bytes: i64) -> Statement {
    Statement::add(key, [(UsageRow::UsedBytes, bytes), (UsageRow::Files, 1)])
}

fn integers(run: &Run) -> Vec<i64> {
    run.values.iter().filter_map(|value| if let Value::Integer(number) = value { Some(*number) } else { None }).collect()
}

#[test]
fn changes_of_one_key_become_one_and_changes_of_one_shape_a_run() {
    let runs = combine(vec![token("s1", 1), used("a", 5), token("s2", 2), expires("s1", 9), used("a", 6)]);
    let shapes: Vec<_> = runs.iter().map(|run| (run.table.name, run.action.clone(), run.rows)).collect();
    assert_eq!(shapes, [("tbl_user_token", Action::Put, 2), ("tbl_usage", Action::Add, 1)]);
    assert_eq!(integers(&runs[0]), [9, 2]);
    assert_eq!(integers(&runs[1]), [11, 2]);
}

#[test]
fn what_comes_and_goes_within_a_batch_is_only_removed() {
    let runs = combine(vec![token("s1", 1), expires("s1", 2), Statement::remove::<UserToken>("s1"), expires("s1", 3)]);
    assert_eq!(runs.len(), 1);
    assert_eq!((&runs[0].action, &runs[0].values), (&Action::Remove, &vec![Value::from("s1")]));
}

#[test]
fn a_row_has_as_many_values_as_its_text_takes() {
    for run in combine(vec![token("s1", 1), used("a", 5), expires("s2", 2), Statement::remove::<UserToken>("s3")]) {
        assert_eq!(run.values.len(), run.rows * run.row_values());
        let text = crate::sql::Dialect::Sqlite.action(run.table, &run.action, 3);
        assert_eq!(text.matches('?').count(), 3 * run.row_values(), "{text}");
    }
}

fn any_statement() -> impl Strategy<Value = Statement> {
    let key = prop::sample::select(vec!["k1", "k2", "k3"]);
    (key, 0..6, -5_i64..5).prop_map(|(key, kind, number)| match kind {
        0 => token(key, number),
        1 => expires(key, number),
        2 => Statement::set(key, [(UserToken::OpenedAt, number.into()), (UserToken::ExpiresAt, 0_i64.into())]),
        3 => Statement::remove::<UserToken>(key),
        4 => used(key, number),
        _ => Statement::remove::<UsageRow>(key),
    })
}

/// No projection adds to numbers that it also sets; joined or not, the effect must still be right.
fn any_statement_of_a_table_that_is_set_and_added_to() -> impl Strategy<Value = Statement> {
    let key = prop::sample::select(vec!["k1", "k2"]);
    (key, 0..4, -5_i64..5).prop_map(|(key, kind, number)| match kind {
        0 => Statement::put(key, [(UsageRow::UsedBytes, number.into()), (UsageRow::Files, 1_i64.into())]),
        1 => Statement::set(key, [(UsageRow::Files, number.into())]),
        2 => used(key, number),
        _ => Statement::remove::<UsageRow>(key),
    })
}

async fn rows_after(batches: Vec<Vec<Run>>) -> crate::ports::memory::Rows {
    let tables = MemoryTables::new(Vec::new());
    for runs in batches {
        tables.apply(Batch { runs, ..Batch::default() }).await.expect("applied");
    }
    tables.rows()
}

fn check_joined(statements: Vec<Statement>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let one_by_one = statements.iter().map(|statement| combine(vec![statement.clone()])).collect();
    let one_by_one = runtime.block_on(rows_after(one_by_one));
    let joined = runtime.block_on(rows_after(vec![combine(statements)]));
    prop_assert_eq!(joined, one_by_one);
    Ok(())
}

proptest! {
    #[test]
    fn joined_changes_have_the_effect_of_the_changes(statements in prop::collection::vec(any_statement(), 0..40)) {
        check_joined(statements)?;
    }

    #[test]
    fn changes_that_can_not_be_joined_stay_in_order(
        statements in prop::collection::vec(any_statement_of_a_table_that_is_set_and_added_to(), 0..40),
    ) {
        check_joined(statements)?;
    }
}
