//! New tables beside the live ones, in the same database.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cairn_domain::Position;
use cairn_projections::Projection;
use cairn_projections::bookkeeping;
use cairn_projections::ports::{Batch, Checkpoint, Draft, NewTables, Parked, Tables, TablesError};
use cairn_projections::sql::{Dialect, Place};
use sqlx::{Executor, MySqlConnection};
use tokio::sync::Mutex;

use super::write::{Writer, of_write};
use super::{DIALECT, MysqlViews, read, schema};
use crate::mysql::connect::{Pool, in_time, within};

/// What SQL the tables of a draft speak.
const BESIDE: Dialect = Dialect::MySql(Place::Beside);

/// How long making the empty tables, or putting them in place, may take.
pub(super) const CHANGE_MAX: Duration = Duration::from_secs(15);

/// Only one process at a time makes a draft: it holds this lock.
const LOCK: &str = "SELECT GET_LOCK(CONCAT('cairn.rebuild.', MD5(database())), 0)";

/// The lock ends with its connection, but when the server notices that, it may be late for whoever comes next.
const UNLOCK: &str = "DO RELEASE_LOCK(CONCAT('cairn.rebuild.', MD5(database())))";

/// Tables under names of their own.
pub(super) struct MysqlDraft {
    writer: Mutex<Writer>,
    live: Arc<Mutex<Writer>>,
    readers: Pool,
    owner: Arc<str>,
    projections: Arc<[Arc<dyn Projection>]>,
    /// Holds the lock, which ends with it.
    connection: MySqlConnection,
}

impl MysqlDraft {
    pub(super) async fn begin(views: &MysqlViews) -> Result<Self, TablesError> {
        let mut connection = Self::lock(views).await?;
        within(CHANGE_MAX, schema::make_all(&mut connection, BESIDE, &views.projections)).await.map_err(of_write)?;
        Ok(Self::of(views, connection))
    }

    /// Rows and checkpoints were committed together, so whatever stands there can be gone on with, also after a crash.
    pub(super) async fn take_up(views: &MysqlViews) -> Result<Option<Self>, TablesError> {
        let mut connection = Self::lock(views).await?;
        let there = in_time(schema::are_there(&mut connection, BESIDE, &views.projections)).await.map_err(of_write)?;
        if !there {
            unlock(&mut connection).await;
            return Ok(None);
        }
        Ok(Some(Self::of(views, connection)))
    }

    async fn lock(views: &MysqlViews) -> Result<MySqlConnection, TablesError> {
        let mut connection = views.server.connect().await.map_err(of_write)?;
        let locked: Option<i64> = in_time(sqlx::query_scalar(LOCK).fetch_one(&mut connection)).await.map_err(of_write)?;
        if locked == Some(1) { Ok(connection) } else { Err(TablesError::Busy) }
    }

    fn of(views: &MysqlViews, connection: MySqlConnection) -> Self {
        Self {
            writer: Mutex::new(Writer::new(&views.server, BESIDE, &views.owner)),
            live: Arc::clone(&views.writer),
            readers: views.readers.clone(),
            owner: Arc::clone(&views.owner),
            projections: Arc::clone(&views.projections),
            connection,
        }
    }
}

/// If the server does not answer, the lock ends with the connection.
async fn unlock(connection: &mut MySqlConnection) {
    if let Err(error) = in_time(connection.execute(sqlx::raw_sql(UNLOCK))).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "the lock of a rebuild ends with its connection");
    }
}

#[async_trait]
impl Tables for MysqlDraft {
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError> {
        read::checkpoints(&self.readers, BESIDE, &self.owner).await
    }

    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError> {
        read::parked(&self.readers, BESIDE, projection, after, limit).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), TablesError> {
        self.writer.lock().await.apply(batch).await
    }
}

#[async_trait]
impl NewTables for MysqlDraft {
    /// They are made with the tables: an index that is made later would lock them.
    async fn index(&self) -> Result<(), TablesError> {
        Ok(())
    }
}

#[async_trait]
impl Draft for MysqlDraft {
    /// Nobody applies anything meanwhile, also not when it fails: then the draft goes, and the others go on.
    async fn promote(mut self: Box<Self>) -> Result<(), TablesError> {
        self.writer.get_mut().close().await;
        let promoted = within(CHANGE_MAX, schema::promote(&mut self.connection, BESIDE, &self.projections)).await;
        match promoted {
            Ok(()) => {
                unlock(&mut self.connection).await;
                Ok(())
            }
            Err(error) => {
                self.discard().await;
                Err(of_write(error))
            }
        }
    }

    async fn keep(mut self: Box<Self>) -> Result<(), TablesError> {
        self.writer.get_mut().close().await;
        unlock(&mut self.connection).await;
        self.live.lock().await.execute(bookkeeping::give_back(DIALECT, &self.owner)).await
    }

    async fn discard(mut self: Box<Self>) {
        self.writer.get_mut().close().await;
        let dropped = within(CHANGE_MAX, schema::drop_all(&mut self.connection, BESIDE, &self.projections)).await;
        unlock(&mut self.connection).await;
        let given_back = self.live.lock().await.execute(bookkeeping::give_back(DIALECT, &self.owner)).await;
        if let Err(error) = dropped {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an unfinished rebuild was left behind; the next one removes it"
            );
        }
        if let Err(error) = given_back {
            tracing::warn!(error = &error as &dyn std::error::Error, "the projections stand still for some seconds");
        }
    }
}
