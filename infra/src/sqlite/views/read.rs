//! Asking.

use std::sync::Arc;

use cairn_projections::ports::{ReadError, Row};
use cairn_projections::sql::Sql;
use cairn_projections::statement::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Executor, Row as _, Sqlite, TypeInfo, ValueRef};

use super::write::bind_all;

pub(super) async fn rows<'a>(from: impl Executor<'a, Database = Sqlite>, query: Sql) -> Result<Vec<Row>, ReadError> {
    let text: Arc<str> = query.text.into();
    let rows = bind_all(&text, query.values).fetch_all(from).await.map_err(|error| ReadError::Unavailable(error.into()))?;
    rows.iter().map(row).collect()
}

fn row(row: &SqliteRow) -> Result<Row, ReadError> {
    (0..row.len()).map(|column| value(row, column)).collect::<Result<_, _>>().map(Row)
}

/// Columns hold what was written: a number, a text or nothing.
fn value(row: &SqliteRow, column: usize) -> Result<Value, ReadError> {
    let unreadable = || ReadError::Unreadable { column, value: None };
    let raw = row.try_get_raw(column).map_err(|_| unreadable())?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "INTEGER" => <i64 as Decode<Sqlite>>::decode(raw).map(Value::Integer).map_err(|_| unreadable()),
        "TEXT" => <String as Decode<Sqlite>>::decode(raw).map(Value::from).map_err(|_| unreadable()),
        _ => Err(unreadable()),
    }
}
