//! The read tables in one SQLite file: WAL, `synchronous=NORMAL`, one connection that writes and some that read.
//!
//! `NORMAL` flushes the WAL only when it is moved to the main file: a power cut can take back the last transactions, whole ones and in
//! order. That is safe here, and only here, because a checkpoint is committed together with the rows it speaks of: the runner projects again what
//! was lost, from the log, which is flushed at every commit.
//!
//! New tables are made in a file beside (`views.rebuild.db`) and renamed over the live one while no query is under way, so that a
//! query sees the old or the new, never a mixture, and waits for some milliseconds at most. The old ones stay in `views.before.db`; a
//! rebuild that was stopped waits in `views.kept.db`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cairn_domain::Position;
use cairn_projections::ports::{
    Batch, BoxError, Checkpoint, Draft, OnRefusal, Parked, ReadError, ReadTables, Row, Tables, TablesError, Workshop,
};
use cairn_projections::sql::{Dialect, Sql};
use cairn_projections::{Projection, bookkeeping};
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard};

mod connect;
mod draft;
mod glance;
mod lists;
mod names;
mod read;
mod replayed;
mod schema;
mod trouble;
mod write;

#[cfg(test)]
mod tests;

pub use self::glance::SqliteGlance;
pub use self::replayed::{MakeError, SqliteFile, SqliteReplayed};

use self::draft::SqliteDraft;
use self::write::Writer;
use crate::sqlite::files;

/// What SQL these tables speak.
const DIALECT: Dialect = Dialect::Sqlite;

/// The read tables in a file. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct SqliteViews {
    path: PathBuf,
    projections: Arc<[Arc<dyn Projection>]>,
    live: Live,
    /// Held by the one draft that may be: the next one takes its file.
    drafting: Arc<Mutex<()>>,
    closed: Arc<AtomicBool>,
}

/// The file that is being read. Who asks holds it for the time of the query, who swaps holds it alone. None when it was closed, or when
/// it could not be opened after a swap; then whoever asks next tries again.
type Live = Arc<RwLock<Option<Database>>>;

/// The connections to one file.
struct Database {
    writer: Mutex<Writer>,
    readers: SqlitePool,
}

/// The views can't be opened: the file is missing, locked, damaged, or not a database. It can be deleted, and is then made again.
#[derive(Debug, thiserror::Error)]
#[error("the read tables {path} can't be opened", path = path.display())]
pub struct OpenError {
    /// Which file.
    pub path: PathBuf,
    /// What is the matter.
    #[source]
    pub source: BoxError,
}

impl SqliteViews {
    /// Opens the tables, and makes those that are not there. The directory must be. One process at a time may hold them open like this.
    pub async fn open(path: &Path, projections: &[Arc<dyn Projection>]) -> Result<Self, OpenError> {
        let open = async {
            files::remove(&names::draft_of(path))?;
            Database::open(path, projections).await
        };
        let database = open.await.map_err(|source| OpenError { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            projections: projections.into(),
            live: Arc::new(RwLock::new(Some(database))),
            drafting: Arc::default(),
            closed: Arc::default(),
        })
    }

    /// Finishes what is under way and gives the file back.
    pub async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some(database) = self.live.write().await.take()
            && let Err(error) = database.close().await
        {
            tracing::warn!(error = &*error as &dyn std::error::Error, "the read tables were not closed in good order");
        }
    }

    async fn exchange(&self) -> Result<(), BoxError> {
        let _drafting = self.drafting.lock().await;
        let mut live = self.live.write().await;
        let closed = match live.take() {
            Some(database) => database.close().await,
            None => Ok(()),
        };
        let exchanged = match closed {
            Ok(()) => files::exchange(self.path.clone(), names::before_of(&self.path)).await.map_err(BoxError::from),
            Err(error) => Err(error),
        };
        *live = Some(Database::open(&self.path, &self.projections).await?);
        exchanged
    }

    async fn database(&self) -> Result<RwLockReadGuard<'_, Database>, BoxError> {
        let live = self.live.read().await;
        if let Ok(database) = RwLockReadGuard::try_map(live, Option::as_ref) {
            return Ok(database);
        }
        let mut live = self.live.write().await;
        if live.is_none() && !self.closed.load(Ordering::Acquire) {
            *live = Some(Database::open(&self.path, &self.projections).await?);
        }
        RwLockReadGuard::try_map(live.downgrade(), Option::as_ref).map_err(|_| "the read tables are closed".into())
    }
}

impl Database {
    async fn open(path: &Path, projections: &[Arc<dyn Projection>]) -> Result<Self, BoxError> {
        let mut connection = connect::writer(path).await?;
        schema::make_missing(&mut connection, projections).await?;
        let readers = connect::readers(path).await?;
        Ok(Self { writer: Mutex::new(Writer::new(connection)), readers })
    }

    /// Moves everything into the main file, so that nothing beside it is needed any more. Another process that is reading the file can
    /// be in the way of that; it is not waited for long, because all queries wait meanwhile.
    async fn close(self) -> Result<(), BoxError> {
        self.readers.close().await;
        let mut connection: SqliteConnection = self.writer.into_inner().into_connection();
        sqlx::query("PRAGMA busy_timeout = 200").execute(&mut connection).await?;
        let (blocked,): (i64,) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?;
        connection.close().await?;
        if blocked == 0 { Ok(()) } else { Err("somebody else has the file open".into()) }
    }
}

#[async_trait]
impl Tables for SqliteViews {
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError> {
        let rows = self.rows(bookkeeping::checkpoints(DIALECT)).await.map_err(trouble::of_bookkeeping)?;
        rows.iter().map(bookkeeping::checkpoint).collect::<Result<_, _>>().map_err(trouble::of_bookkeeping)
    }

    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError> {
        let rows = self.rows(bookkeeping::parked(DIALECT, projection, after, limit)).await.map_err(trouble::of_bookkeeping)?;
        rows.iter().map(bookkeeping::parked_event).collect::<Result<_, _>>().map_err(trouble::of_bookkeeping)
    }

    async fn apply(&self, batch: Batch) -> Result<(), TablesError> {
        let database = self.database().await.map_err(TablesError::Unavailable)?;
        database.writer.lock().await.apply(batch).await
    }
}

#[async_trait]
impl ReadTables for SqliteViews {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        let database = self.database().await.map_err(ReadError::Unavailable)?;
        read::rows(&database.readers, query).await
    }
}

#[async_trait]
impl Workshop for SqliteViews {
    async fn draft(&self, on_refusal: OnRefusal) -> Result<Box<dyn Draft>, TablesError> {
        Ok(Box::new(SqliteDraft::begin(self, on_refusal).await?))
    }

    async fn kept(&self) -> Result<Option<Box<dyn Draft>>, TablesError> {
        Ok(SqliteDraft::take_up(self).await?.map(|draft| Box::new(draft) as Box<dyn Draft>))
    }

    async fn before(&self) -> Result<Vec<Checkpoint>, TablesError> {
        let path = names::before_of(&self.path);
        if !path.exists() {
            return Ok(Vec::new());
        }
        // As a writer, which leaves nothing beside the file when it closes.
        let mut connection = connect::writer(&path).await.map_err(trouble::of_write)?;
        let checkpoints = schema::checkpoints(&mut connection).await;
        connection.close().await.map_err(trouble::of_write)?;
        checkpoints.map_err(TablesError::Unavailable)
    }

    /// In a task of its own, so that a caller who goes away does not leave the tables closed.
    async fn roll_back(&self) -> Result<(), TablesError> {
        let views = self.clone();
        let exchanged = tokio::spawn(async move { views.exchange().await }).await;
        exchanged.map_err(|error| TablesError::Unavailable(error.into()))?.map_err(TablesError::Unavailable)
    }

    async fn pause(&self, projection: &str, paused: bool) -> Result<(), TablesError> {
        let database = self.database().await.map_err(TablesError::Unavailable)?;
        database.writer.lock().await.execute(bookkeeping::pause(DIALECT, projection, paused)).await
    }

    /// The file belongs to this process alone.
    async fn take_over(&self) -> Result<(), TablesError> {
        Ok(())
    }

    /// There is nobody to step down for.
    async fn step_down(&self) -> Result<(), TablesError> {
        Ok(())
    }
}
