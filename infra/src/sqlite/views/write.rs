//! Executing batches. Every statement is a message to the connection's thread and an answer, so there are few: a long run goes in pieces of many
//! rows, of which the text is kept, and what is left of all runs goes together.

use std::collections::HashMap;
use std::sync::Arc;
use std::vec;

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

/// A message to the connection's thread.
type Piece = Query<'static, Sqlite, SqliteArguments>;

/// What has to be executed for some runs, piece by piece.
struct Pieces<'a> {
    texts: &'a mut Texts,
    runs: vec::IntoIter<Run>,
    long: Option<Long>,
    together: Together,
}

/// A run that goes in pieces of [`PIECE_ROWS`]; what is left of it goes with others.
struct Long {
    text: Arc<str>,
    table: &'static Table,
    action: Action,
    row_values: usize,
    values: vec::IntoIter<Value>,
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
        let mut pieces = Pieces::of(&mut self.texts, batch.runs);
        let mut next = pieces.next()?;
        while let Some(piece) = next {
            // While one is executed, by the connection's thread, the next is made.
            let (executed, made) = tokio::join!(piece.execute(&mut *transaction), async { pieces.next() });
            executed.map_err(trouble::of_write)?;
            next = made?;
        }
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
    fn text(&mut self, table: &'static Table, action: &Action, form: Form) -> Arc<str> {
        let text = || match form {
            Form::Piece => DIALECT.action(table, action, PIECE_ROWS),
            Form::List => lists::text(table, action),
        };
        Arc::clone(self.0.entry((table.name, action.clone(), form)).or_insert_with(|| text().into()))
    }
}

impl<'a> Pieces<'a> {
    fn of(texts: &'a mut Texts, runs: Vec<Run>) -> Self {
        Self { texts, runs: runs.into_iter(), long: None, together: Together::default() }
    }

    /// The next that has to be executed.
    fn next(&mut self) -> Result<Option<Piece>, TablesError> {
        loop {
            if let Some(piece) = self.long.as_mut().and_then(Long::piece) {
                return Ok(Some(piece));
            }
            if let Some(Long { table, action, row_values, values, .. }) = self.long.take() {
                self.put_together(table, &action, row_values, values.as_slice())?;
            }
            match self.runs.next() {
                Some(run) if run.rows >= PIECE_ROWS => {
                    let (text, row_values) = (self.texts.text(run.table, &run.action, Form::Piece), run.row_values());
                    let Run { table, action, values, .. } = run;
                    self.long = Some(Long { text, table, action, row_values, values: values.into_iter() });
                    // Those before it come first.
                    if let Some(piece) = std::mem::take(&mut self.together).piece() {
                        return Ok(Some(piece));
                    }
                }
                Some(run) => self.put_together(run.table, &run.action, run.row_values(), &run.values)?,
                None => return Ok(std::mem::take(&mut self.together).piece()),
            }
        }
    }

    fn put_together(
        &mut self,
        table: &'static Table,
        action: &Action,
        row_values: usize,
        values: &[Value],
    ) -> Result<(), TablesError> {
        if !values.is_empty() {
            let list = serde_json::to_string(&lists::Rows { values, row_values });
            let list = list.map_err(|error| TablesError::Unavailable(error.into()))?;
            self.together.0.push((table.name, self.texts.text(table, action, Form::List), list));
        }
        Ok(())
    }
}

impl Long {
    /// The next piece; none when what is left is shorter than one.
    fn piece(&mut self) -> Option<Piece> {
        let values = PIECE_ROWS * self.row_values;
        (self.values.len() >= values).then(|| bind_all(&self.text, self.values.by_ref().take(values)))
    }
}

impl Together {
    /// Statements of different tables may change places: sorted, there are few texts, and each is compiled once.
    fn piece(mut self) -> Option<Piece> {
        if self.0.is_empty() {
            return None;
        }
        self.0.sort_by_key(|(table, ..)| *table);
        let texts: Vec<&str> = self.0.iter().map(|(_, text, _)| &**text).collect();
        let query = sqlx::query(AssertSqlSafe(texts.join(";")));
        Some(self.0.into_iter().fold(query, |query, (_, _, list)| query.bind(list)))
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
