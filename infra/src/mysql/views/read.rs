//! Asking.

use std::collections::HashSet;
use std::sync::Arc;

use cairn_domain::Position;
use cairn_projections::bookkeeping;
use cairn_projections::ports::{Checkpoint, Parked, ReadError, Row, TablesError};
use cairn_projections::sql::{Dialect, Sql};
use cairn_projections::statement::Value;
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Decode, MySql, Row as _, TypeInfo, ValueRef};

use crate::mysql::connect::Pool;

pub(super) async fn rows(from: &Pool, query: &Sql) -> Result<Vec<Row>, ReadError> {
    let text: Arc<str> = query.text.as_str().into();
    let rows = from.fetch(|| bind_all(&text, &query.values)).await.map_err(|error| ReadError::Unavailable(error.into()))?;
    plain(&rows)
}

pub(super) fn plain(rows: &[MySqlRow]) -> Result<Vec<Row>, ReadError> {
    rows.iter().map(row).collect()
}

pub(super) async fn checkpoints(from: &Pool, dialect: Dialect, owner: &str) -> Result<Vec<Checkpoint>, TablesError> {
    let all = rows(from, &bookkeeping::checkpoints(dialect)).await.map_err(unavailable)?;
    let held = rows(from, &bookkeeping::held_elsewhere(dialect, owner)).await.map_err(unavailable)?;
    let held: HashSet<String> = held.iter().map(|row| row.get(0)).collect::<Result<_, _>>().map_err(unavailable)?;
    let read = |row: &Row| {
        let checkpoint = bookkeeping::checkpoint(row)?;
        Ok(Checkpoint { held_elsewhere: held.contains(&checkpoint.projection), ..checkpoint })
    };
    all.iter().map(read).collect::<Result<_, _>>().map_err(unavailable)
}

pub(super) async fn parked(
    from: &Pool,
    dialect: Dialect,
    projection: &str,
    after: Position,
    limit: usize,
) -> Result<Vec<Parked>, TablesError> {
    let rows = rows(from, &bookkeeping::parked(dialect, projection, after, limit)).await.map_err(unavailable)?;
    rows.iter().map(bookkeeping::parked_event).collect::<Result<_, _>>().map_err(unavailable)
}

fn unavailable(error: ReadError) -> TablesError {
    TablesError::Unavailable(error.into())
}

/// The text comes from sea-query, made of the names in this program; every value is bound.
pub(super) fn bind_all(text: &Arc<str>, values: &[Value]) -> Query<'static, MySql, MySqlArguments> {
    let query = sqlx::query(AssertSqlSafe(Arc::clone(text)));
    values.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.clone().into_owned()),
    })
}

fn row(row: &MySqlRow) -> Result<Row, ReadError> {
    (0..row.len()).map(|column| value(row, column)).collect::<Result<_, _>>().map(Row)
}

/// Columns hold what was written: a number, a text or nothing.
fn value(row: &MySqlRow, column: usize) -> Result<Value, ReadError> {
    let unreadable = || ReadError::Unreadable { column, value: None };
    let raw = row.try_get_raw(column).map_err(|_| unreadable())?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    // A text that compares by its bytes is told as one of bytes.
    if raw.type_info().name().contains("INT") {
        <i64 as Decode<MySql>>::decode(raw).map(Value::Integer).map_err(|_| unreadable())
    } else {
        <String as Decode<MySql>>::decode(raw).map(Value::from).map_err(|_| unreadable())
    }
}
