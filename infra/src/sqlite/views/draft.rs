//! New tables beside the live ones.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use cairn_domain::Position;
use cairn_projections::ports::{Batch, BoxError, Checkpoint, Draft, NewTables, OnRefusal, Parked, Tables, TablesError};
use cairn_projections::{Projection, bookkeeping};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::write::Writer;
use super::{DIALECT, Database, Live, SqliteViews, connect, names, read, schema, trouble};
use crate::sqlite::files;

/// A file that is not yet the live one.
pub(super) struct SqliteDraft {
    writer: Mutex<Writer>,
    path: PathBuf,
    target: PathBuf,
    projections: Arc<[Arc<dyn Projection>]>,
    live: Live,
    on_refusal: OnRefusal,
    /// Until the file is in its place or of no more use: whoever asked for it may have gone away before.
    _drafting: OwnedMutexGuard<()>,
}

impl SqliteDraft {
    pub(super) async fn begin(views: &SqliteViews, on_refusal: OnRefusal) -> Result<Self, TablesError> {
        let drafting = Arc::clone(&views.drafting).lock_owned().await;
        let path = names::draft_of(&views.path);
        let begin = async {
            files::remove(&path)?;
            files::remove(&names::kept_of(&views.path))?;
            let mut connection = connect::draft(&path, on_refusal).await?;
            schema::make_all(&mut connection, &views.projections).await?;
            Ok::<_, BoxError>(connection)
        };
        Ok(Self::of(views, drafting, begin.await.map_err(TablesError::Unavailable)?, on_refusal))
    }

    /// It is no longer kept while it is being worked on.
    pub(super) async fn take_up(views: &SqliteViews) -> Result<Option<Self>, TablesError> {
        let drafting = Arc::clone(&views.drafting).lock_owned().await;
        let (path, kept) = (names::draft_of(&views.path), names::kept_of(&views.path));
        if !kept.exists() {
            return Ok(None);
        }
        let take_up = async {
            files::replace(kept, path.clone()).await?;
            Ok::<_, BoxError>(connect::draft(&path, OnRefusal::Spoil).await?)
        };
        Ok(Some(Self::of(views, drafting, take_up.await.map_err(TablesError::Unavailable)?, OnRefusal::Spoil)))
    }

    fn of(views: &SqliteViews, drafting: OwnedMutexGuard<()>, connection: SqliteConnection, on_refusal: OnRefusal) -> Self {
        Self {
            writer: Mutex::new(Writer::new(connection)),
            path: names::draft_of(&views.path),
            target: views.path.clone(),
            projections: Arc::clone(&views.projections),
            live: Arc::clone(&views.live),
            on_refusal,
            _drafting: drafting,
        }
    }

    /// The live file is closed, replaced and opened again while nobody holds it. If it can't be replaced, it is opened again as it was.
    async fn swap(self) -> Result<(), BoxError> {
        files::close_ready_to_be_opened(self.writer.into_inner().into_connection()).await?;
        let mut live = self.live.write().await;
        let closed = match live.take() {
            Some(database) => database.close().await,
            None => Ok(()),
        };
        let replaced = match closed {
            Ok(()) => {
                let before = names::before_of(&self.target);
                files::replace_keeping(self.path, self.target.clone(), before).await.map_err(BoxError::from)
            }
            Err(error) => Err(error),
        };
        *live = Some(Database::open(&self.target, &self.projections).await?);
        replaced
    }
}

#[async_trait]
impl Tables for SqliteDraft {
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError> {
        let mut writer = self.writer.lock().await;
        let rows = read::rows(writer.connection(), bookkeeping::checkpoints(DIALECT)).await.map_err(trouble::of_bookkeeping)?;
        rows.iter().map(bookkeeping::checkpoint).collect::<Result<_, _>>().map_err(trouble::of_bookkeeping)
    }

    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError> {
        let mut writer = self.writer.lock().await;
        let query = bookkeeping::parked(DIALECT, projection, after, limit);
        let rows = read::rows(writer.connection(), query).await.map_err(trouble::of_bookkeeping)?;
        rows.iter().map(bookkeeping::parked_event).collect::<Result<_, _>>().map_err(trouble::of_bookkeeping)
    }

    async fn apply(&self, batch: Batch) -> Result<(), TablesError> {
        match self.writer.lock().await.apply(batch).await {
            Err(TablesError::Rejected(error)) if self.on_refusal == OnRefusal::Spoil => Err(TablesError::Spoilt(error)),
            applied => applied,
        }
    }
}

#[async_trait]
impl NewTables for SqliteDraft {
    async fn index(&self) -> Result<(), TablesError> {
        let mut writer = self.writer.lock().await;
        schema::index_all(writer.connection(), &self.projections).await.map_err(trouble::of_write)
    }
}

#[async_trait]
impl Draft for SqliteDraft {
    /// In a task of its own, so that a caller who goes away does not leave the tables closed.
    async fn promote(self: Box<Self>) -> Result<(), TablesError> {
        let swapped = tokio::spawn(self.swap()).await;
        swapped.map_err(|error| TablesError::Unavailable(error.into()))?.map_err(TablesError::Unavailable)
    }

    async fn keep(self: Box<Self>) -> Result<(), TablesError> {
        let kept = names::kept_of(&self.target);
        let keep = async {
            self.writer.into_inner().into_connection().close().await?;
            Ok::<_, BoxError>(files::replace(self.path, kept).await?)
        };
        keep.await.map_err(TablesError::Unavailable)
    }

    async fn discard(self: Box<Self>) {
        let closed = self.writer.into_inner().into_connection().close().await.map_err(BoxError::from);
        if let Err(error) = closed.and_then(|()| files::remove(&self.path).map_err(BoxError::from)) {
            tracing::warn!(
                error = &*error as &dyn std::error::Error,
                "an unfinished rebuild was left behind; the next one removes it"
            );
        }
    }
}
