//! Tables that are nobody's live ones: those of replays.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use cairn_domain::Position;
use cairn_projections::ports::{
    Batch, BoxError, Checkpoint, NewTables, OnRefusal, Parked, ReadError, ReadTables, Row, Tables, TablesError,
};
use cairn_projections::sql::{Dialect, Sql};
use cairn_projections::{Projection, bookkeeping};
use sqlx::Connection;
use tokio::sync::Mutex;

use super::write::Writer;
use super::{DIALECT, connect, read, schema, trouble};
use crate::sqlite::files;

/// SQLite takes no name for a file of its own: one in the directory for temporary files, which is removed as soon as it is made and so goes
/// with the connection, however that ends (<https://www.sqlite.org/inmemorydb.html>, "Temporary Databases").
const NAMELESS: &str = "";

/// New tables could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// Those without a name.
    #[error("temporary tables can't be made")]
    Nameless(#[source] BoxError),
    /// Those that were to be a file.
    #[error("{path} can't be made", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is the matter.
        #[source]
        source: BoxError,
    },
}

/// New tables over one connection. Those that nobody has named are gone when this is dropped.
pub struct SqliteReplayed {
    writer: Mutex<Writer>,
    projections: Arc<[Arc<dyn Projection>]>,
}

impl SqliteReplayed {
    /// Tables without a name.
    pub async fn nameless(projections: &[Arc<dyn Projection>]) -> Result<Self, MakeError> {
        Self::at(Path::new(NAMELESS), projections).await.map_err(MakeError::Nameless)
    }

    async fn at(path: &Path, projections: &[Arc<dyn Projection>]) -> Result<Self, BoxError> {
        let mut connection = connect::draft(path, OnRefusal::TakeBack).await?;
        schema::make_all(&mut connection, projections).await?;
        Ok(Self { writer: Mutex::new(Writer::new(connection)), projections: projections.into() })
    }

    async fn close(self) -> Result<(), sqlx::Error> {
        self.writer.into_inner().into_connection().close().await
    }
}

#[async_trait]
impl Tables for SqliteReplayed {
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError> {
        let rows = self.rows(bookkeeping::checkpoints(DIALECT)).await.map_err(trouble::of_bookkeeping)?;
        rows.iter().map(bookkeeping::checkpoint).collect::<Result<_, _>>().map_err(trouble::of_bookkeeping)
    }

    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError> {
        let rows = self.rows(bookkeeping::parked(DIALECT, projection, after, limit)).await.map_err(trouble::of_bookkeeping)?;
        rows.iter().map(bookkeeping::parked_event).collect::<Result<_, _>>().map_err(trouble::of_bookkeeping)
    }

    async fn apply(&self, batch: Batch) -> Result<(), TablesError> {
        self.writer.lock().await.apply(batch).await
    }
}

#[async_trait]
impl NewTables for SqliteReplayed {
    async fn index(&self) -> Result<(), TablesError> {
        let mut writer = self.writer.lock().await;
        schema::index_all(writer.connection(), &self.projections).await.map_err(trouble::of_write)
    }
}

#[async_trait]
impl ReadTables for SqliteReplayed {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        let mut writer = self.writer.lock().await;
        read::rows(writer.connection(), query).await
    }
}

/// Tables that are to be a file. Until they are whole they stand beside it, under its name with `.unfinished`.
pub struct SqliteFile {
    tables: SqliteReplayed,
    unfinished: PathBuf,
    target: PathBuf,
}

impl SqliteFile {
    /// Begins one, readable to its owner only. One that is there already stays until it is replaced at the end; one that is being made, or
    /// that a crash has left, is in the way.
    pub async fn begin(target: &Path, projections: &[Arc<dyn Projection>]) -> Result<Self, MakeError> {
        let unfinished = files::unfinished(target);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
        made.map_err(|error| MakeError::File { path: unfinished.clone(), source: explained(error).into() })?;
        match SqliteReplayed::at(&unfinished, projections).await {
            Ok(tables) => Ok(Self { tables, unfinished, target: target.to_owned() }),
            Err(source) => {
                remove(&unfinished);
                Err(MakeError::File { path: unfinished, source })
            }
        }
    }

    /// To be filled and asked.
    pub fn tables(&self) -> &SqliteReplayed {
        &self.tables
    }

    /// Makes it durable and gives it its name. It needs none beside it: its journal was in memory.
    pub async fn finish(self) -> Result<(), MakeError> {
        let Self { tables, unfinished, target } = self;
        let closed = tables.close().await.map_err(BoxError::from);
        let finished = match closed {
            Ok(()) => files::replace(unfinished.clone(), target.clone()).await.map_err(BoxError::from),
            Err(error) => Err(error),
        };
        finished.map_err(|source| {
            remove(&unfinished);
            MakeError::File { path: target, source }
        })
    }

    /// Leaves nothing of it.
    pub async fn discard(self) {
        if let Err(error) = self.tables.close().await {
            tracing::debug!(error = &error as &dyn std::error::Error, "an unfinished file was not closed in good order");
        }
        remove(&self.unfinished);
    }
}

fn explained(error: Error) -> Error {
    match error.kind() {
        ErrorKind::AlreadyExists => {
            Error::new(ErrorKind::AlreadyExists, "it is being made, or a crash has left it: delete it if nobody is at it")
        }
        _ => error,
    }
}

fn remove(path: &Path) {
    if let Err(error) = files::remove(path) {
        tracing::warn!(error = &error as &dyn std::error::Error, path = %path.display(), "an unfinished file was left behind");
    }
}
