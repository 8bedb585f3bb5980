//! Executing batches. Every statement is a message to the connection's thread, so there are few: a run of one shape goes in pieces of
//! many rows, of which the text is kept.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_projections::bookkeeping;
use cairn_projections::ports::{Batch, Move, TablesError};
use cairn_projections::sql::Sql;
use cairn_projections::statement::{Action, Run, Value};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult};
use sqlx::{AssertSqlSafe, Connection, Sqlite, SqliteConnection};

use super::{DIALECT, trouble};

/// Rows that one text takes. Few sizes, so that each text is prepared once; the largest stays below the 32,766 values that SQLite takes.
const PIECES: [usize; 4] = [128, 16, 4, 1];

/// A connection and the texts that it has prepared.
pub(super) struct Writer {
    connection: SqliteConnection,
    texts: Texts,
}

#[derive(Default)]
struct Texts(HashMap<(&'static str, Action, usize), Arc<str>>);

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

    /// All of the batch or nothing. The checkpoints move first: when one is not there, the rows need not be tried.
    pub(super) async fn apply(&mut self, batch: Batch) -> Result<(), TablesError> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(trouble::of_write)?;
        for step in &batch.moves {
            advance(&mut transaction, step).await?;
        }
        for (projection, position) in &batch.release {
            let released = execute(&mut transaction, bookkeeping::release(DIALECT, projection, *position)).await?;
            one_row(&released, projection)?;
        }
        for parked in &batch.park {
            execute(&mut transaction, bookkeeping::park(DIALECT, parked)).await?;
        }
        for run in batch.runs {
            self.texts.execute(&mut transaction, run).await?;
        }
        transaction.commit().await.map_err(trouble::of_write)
    }
}

async fn advance(connection: &mut SqliteConnection, step: &Move) -> Result<(), TablesError> {
    let moved = execute(connection, bookkeeping::advance(DIALECT, step)).await?;
    one_row(&moved, &step.projection)
}

fn one_row(result: &SqliteQueryResult, projection: &str) -> Result<(), TablesError> {
    if result.rows_affected() == 1 { Ok(()) } else { Err(TablesError::Lost { projection: projection.to_owned() }) }
}

async fn execute(connection: &mut SqliteConnection, sql: Sql) -> Result<SqliteQueryResult, TablesError> {
    let text: Arc<str> = sql.text.into();
    bind_all(&text, sql.values).execute(connection).await.map_err(trouble::of_write)
}

impl Texts {
    async fn execute(&mut self, connection: &mut SqliteConnection, run: Run) -> Result<(), TablesError> {
        let row_values = run.row_values();
        let mut rows = run.rows;
        let mut values = run.values.into_iter();
        for piece in PIECES {
            while rows >= piece {
                let text = self.text(run.table, &run.action, piece);
                let query = bind_all(&text, values.by_ref().take(piece * row_values));
                query.execute(&mut *connection).await.map_err(trouble::of_write)?;
                rows -= piece;
            }
        }
        Ok(())
    }

    fn text(&mut self, table: &'static cairn_projections::table::Table, action: &Action, rows: usize) -> Arc<str> {
        let key = (table.name, action.clone(), rows);
        Arc::clone(self.0.entry(key).or_insert_with(|| DIALECT.action(table, action, rows).into()))
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
