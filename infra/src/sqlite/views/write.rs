//! Executing batches. Every statement is a message to the connection's thread, so there are few: a long run goes in pieces of many rows,
//! of which the text is kept, and what is left of all runs goes together.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_projections::bookkeeping;
use cairn_projections::ports::{Batch, Move, TablesError};
use cairn_projections::sql::Sql;
use cairn_projections::statement::{Action, Run, Value};
use cairn_projections::table::Table;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult};
use sqlx::{AssertSqlSafe, Connection, Sqlite, SqliteConnection};

use super::{DIALECT, lists, trouble};

/// Rows of a piece: below the 32,766 values that SQLite takes.
const PIECE_ROWS: usize = 128;

/// A connection and the texts that it has prepared.
pub(super) struct Writer {
    connection: SqliteConnection,
    texts: Texts,
}

/// The text of each shape, for a piece and for a list.
#[derive(Default)]
struct Texts(HashMap<(&'static str, Action, Form), Arc<str>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Piece,
    List,
}

/// Statements that travel together, each with its table, its text and its list.
#[derive(Default)]
struct Together(Vec<(&'static str, Arc<str>, String)>);

impl Writer {
    pub(super) fn new(connection: SqliteConnection) -> Self {
        Self { connection, texts: Texts::default() }
    }

    pub(super) fn into_connection(self) -> SqliteConnection {
        self.connection
    }

    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// One statement by itself.
    pub(super) async fn execute(&mut self, sql: Sql) -> Result<(), TablesError> {
        execute(&mut self.connection, sql).await.map(drop)
    }

    /// All of the batch or nothing. The checkpoints move first: when one is not there, the rows need not be tried.
    pub(super) async fn apply(&mut self, batch: Batch) -> Result<(), TablesError> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(trouble::of_write)?;
        advance(&mut transaction, &batch.moves).await?;
        for (projection, position) in &batch.release {
            let released = execute(&mut transaction, bookkeeping::release(DIALECT, projection, *position)).await?;
            one_row(&released, projection)?;
        }
        for parked in &batch.park {
            execute(&mut transaction, bookkeeping::park(DIALECT, parked)).await?;
        }
        let mut together = Together::default();
        for run in batch.runs {
            self.texts.execute(&mut transaction, run, &mut together).await?;
        }
        together.execute(&mut transaction).await?;
        transaction.commit().await.map_err(trouble::of_write)
    }
}

async fn advance(connection: &mut SqliteConnection, steps: &[Move]) -> Result<(), TablesError> {
    for together in bookkeeping::moving_together(steps) {
        let moved = execute(connection, bookkeeping::advance(DIALECT, together, None)).await?;
        if moved.rows_affected() != together.len() as u64 {
            return Err(TablesError::Lost {
                projection: together.iter().map(|step| step.projection.as_str()).collect::<Vec<_>>().join(", "),
            });
        }
    }
    Ok(())
}

fn one_row(result: &SqliteQueryResult, projection: &str) -> Result<(), TablesError> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(TablesError::Lost { projection: projection.to_owned() }) }
}

async fn execute(connection: &mut SqliteConnection, sql: Sql) -> Result<SqliteQueryResult, TablesError> {
    let text: Arc<str> = sql.text.into();
    bind_all(&text, sql.values).execute(connection).await.map_err(trouble::of_write)
}

impl Texts {
    /// Executes the pieces of the run; what is left goes with those after it.
    async fn execute(&mut self, connection: &mut SqliteConnection, run: Run, together: &mut Together) -> Result<(), TablesError> {
        let row_values = run.row_values();
        let (table, action) = (run.table, run.action);
        let mut values = run.values;
        if run.rows >= PIECE_ROWS {
            // Those before it come first.
            std::mem::take(together).execute(connection).await?;
            let text = self.text(table, &action, Form::Piece);
            let rest = values.split_off(run.rows / PIECE_ROWS * PIECE_ROWS * row_values);
            let mut pieces = values.into_iter();
            while pieces.len() > 0 {
                let query = bind_all(&text, pieces.by_ref().take(PIECE_ROWS * row_values));
                query.execute(&mut *connection).await.map_err(trouble::of_write)?;
            }
            values = rest;
        }
        if !values.is_empty() {
            let list = serde_json::to_string(&lists::Rows { values: &values, row_values });
            let list = list.map_err(|error| TablesError::Unavailable(error.into()))?;
            together.0.push((table.name, self.text(table, &action, Form::List), list));
        }
        Ok(())
    }

    fn text(&mut self, table: &'static Table, action: &Action, form: Form) -> Arc<str> {
        let text = || match form {
            Form::Piece => DIALECT.action(table, action, PIECE_ROWS),
            Form::List => lists::text(table, action),
        };
        Arc::clone(self.0.entry((table.name, action.clone(), form)).or_insert_with(|| text().into()))
    }
}

impl Together {
    /// Statements of different tables may change places: sorted, there are few texts, and each is compiled once.
    async fn execute(mut self, connection: &mut SqliteConnection) -> Result<(), TablesError> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by_key(|(table, ..)| *table);
        let texts: Vec<&str> = self.0.iter().map(|(_, text, _)| &**text).collect();
        let query = sqlx::query(AssertSqlSafe(texts.join(";")));
        let query = self.0.into_iter().fold(query, |query, (_, _, list)| query.bind(list));
        query.execute(connection).await.map_err(trouble::of_write)?;
        Ok(())
    }
}

/// The text comes from sea-query, made of the names in this program; every value is bound.
pub(super) fn bind_all(text: &Arc<str>, values: impl IntoIterator<Item = Value>) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(Arc::clone(text)));
    values.into_iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text.into_owned()),
    })
}
