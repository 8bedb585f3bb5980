//! Executing batches: two trips to the server for each, one that moves the checkpoints, and one with everything else.

use std::time::Duration;

use cairn_projections::bookkeeping::{self, Lease};
use cairn_projections::ports::{Batch, Move, TablesError};
use cairn_projections::sql::{Dialect, Place, Sql};
use cairn_projections::statement::Run;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};

use super::LEASE_SECONDS;
use crate::mysql::connect::{Server, Writing, in_time, within};
use crate::mysql::{literal, trouble};

/// Rows of one statement.
const PIECE_ROWS: usize = 512;

/// Bytes of one trip, far below the smallest `max_allowed_packet` that is usual (16 MiB).
const TRIP_BYTES: usize = 4 * 1024 * 1024;

/// How long a batch may take: a large one, on a busy server. Nobody waits for it but the projections.
const BATCH_MAX: Duration = Duration::from_secs(30);

/// What writes to one set of tables.
pub(super) struct Writer {
    writing: Writing,
    dialect: Dialect,
    owner: String,
}

impl Writer {
    pub(super) fn new(server: &Server, dialect: Dialect, owner: &str) -> Self {
        Self { writing: Writing::new(server.clone()), dialect, owner: owner.to_owned() }
    }

    pub(super) async fn close(&mut self) {
        self.writing.close().await;
    }

    /// All of the batch or nothing. The checkpoints move first: when one is not there, the rows need not be tried.
    pub(super) async fn apply(&mut self, batch: Batch) -> Result<(), TablesError> {
        let mut connection = self.writing.take().await.map_err(of_write)?;
        let applied = within(BATCH_MAX, async { Ok(self.apply_with(&mut connection, batch).await) }).await;
        match applied.map_err(of_write)? {
            Ok(()) => {
                self.writing.put_back(connection);
                Ok(())
            }
            // Closing the connection takes back what was begun, whatever state it is in.
            Err(error) => Err(error),
        }
    }

    /// One statement by itself.
    pub(super) async fn execute(&mut self, sql: Sql) -> Result<(), TablesError> {
        let mut connection = self.writing.take().await.map_err(of_write)?;
        let text = literal::fill(&sql.text, &sql.values) + "; COMMIT";
        in_time(connection.execute(sqlx::raw_sql(AssertSqlSafe(text)))).await.map_err(of_write)?;
        self.writing.put_back(connection);
        Ok(())
    }

    async fn apply_with(&self, connection: &mut MySqlConnection, batch: Batch) -> Result<(), TablesError> {
        self.advance(connection, &batch.moves, batch.continued).await?;
        for (projection, position) in &batch.release {
            let released = execute(connection, &bookkeeping::release(self.dialect, projection, *position)).await?;
            if released != 1 {
                return Err(TablesError::Lost { projection: projection.clone() });
            }
        }
        let mut trips = Trips::default();
        for parked in &batch.park {
            trips.add(&bookkeeping::park(self.dialect, parked));
        }
        for run in &batch.runs {
            self.write_run(&mut trips, run);
        }
        for trip in trips.ended_by("COMMIT") {
            connection.execute(sqlx::raw_sql(AssertSqlSafe(trip))).await.map_err(of_write)?;
        }
        Ok(())
    }

    /// A draft belongs to whoever makes it; the live tables to whoever has the lease.
    async fn advance(&self, connection: &mut MySqlConnection, steps: &[Move], continued: bool) -> Result<(), TablesError> {
        let lease = Lease { owner: &self.owner, seconds: LEASE_SECONDS, continued };
        let lease = (self.dialect == Dialect::MySql(Place::Live)).then_some(lease);
        for together in bookkeeping::moving_together(steps) {
            let moved = execute(connection, &bookkeeping::advance(self.dialect, together, lease)).await?;
            if moved != together.len() as u64 {
                let projections: Vec<_> = together.iter().map(|step| step.projection.as_str()).collect();
                return Err(TablesError::Lost { projection: projections.join(", ") });
            }
        }
        Ok(())
    }

    fn write_run(&self, trips: &mut Trips, run: &Run) {
        let row_values = run.row_values();
        for piece in run.values.chunks(PIECE_ROWS * row_values) {
            let text = self.dialect.action(run.table, &run.action, piece.len() / row_values);
            trips.add(&Sql { text, values: piece.to_vec() });
        }
    }
}

async fn execute(connection: &mut MySqlConnection, sql: &Sql) -> Result<u64, TablesError> {
    let text = literal::fill(&sql.text, &sql.values);
    let done = connection.execute(sqlx::raw_sql(AssertSqlSafe(text))).await.map_err(of_write)?;
    Ok(done.rows_affected())
}

/// Statements that travel together.
#[derive(Default)]
struct Trips {
    full: Vec<String>,
    open: String,
}

impl Trips {
    fn add(&mut self, sql: &Sql) {
        self.open.push_str(&literal::fill(&sql.text, &sql.values));
        self.open.push(';');
        if self.open.len() >= TRIP_BYTES {
            self.full.push(std::mem::take(&mut self.open));
        }
    }

    fn ended_by(mut self, last: &str) -> Vec<String> {
        self.open.push_str(last);
        self.full.push(self.open);
        self.full
    }
}

/// Everything that is not the fault of the values may pass: a lock, a full disk, a server that is away.
pub(super) fn of_write(error: sqlx::Error) -> TablesError {
    if trouble::is_of_the_values(&error) { TablesError::Rejected(error.into()) } else { TablesError::Unavailable(error.into()) }
}
