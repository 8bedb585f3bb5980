//! The read tables in MySQL: one primary that is written, and copies of it that are read when they have come far enough.
//!
//! A batch is one transaction: the checkpoints move by compare-and-set, and the rows follow, so each event counts once, however many
//! processes try. Whoever moves the checkpoints has the right to for some seconds; the others stand by.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use cairn_domain::Position;
use cairn_projections::Projection;
use cairn_projections::bookkeeping::{self, Lease};
use cairn_projections::ports::{
    Batch, Checkpoint, Draft, OnRefusal, Parked, ReadError, ReadTables, Row, Snapshots, Tables, TablesError, Workshop,
};
use cairn_projections::sql::{Dialect, Place, Sql};
use tokio::sync::Mutex;

use super::connect::{Pool, Server, in_time, within};
use super::schema::{Migrate, OpenError, Part};

mod draft;
mod read;
mod replicas;
mod schema;
mod snapshot;
mod write;

pub use replicas::MysqlReplicas;

use self::draft::{CHANGE_MAX, MysqlDraft};
use self::snapshot::MysqlSnapshot;
use self::write::{Writer, of_write};

/// What SQL the live tables speak.
const DIALECT: Dialect = Dialect::MySql(Place::Live);

/// What SQL the tables speak that were live before.
const BEFORE: Dialect = Dialect::MySql(Place::Before);

/// The tables themselves are defined by the projections, which number their versions themselves; this is about everything else. The second
/// step stands for a column that [`schema::make_missing`] adds.
const PART: Part = Part { name: "read tables", migrations: &["DO 0", "DO 0"] };

/// Connections for reading, to each server.
const READERS_MAX: u32 = 16;

/// How long the right to move the checkpoints lasts after each move, in seconds: so long nothing is applied when a process dies. A change
/// waits so much longer for the tables to show it, so that nobody misses what he has just done.
pub const LEASE_SECONDS: u32 = 3;

/// How long nobody else applies anything while a draft is promoted, in seconds; if this process dies meanwhile, the others go on then.
const TAKEN_OVER_SECONDS: u32 = 30;

/// The read tables in a database. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct MysqlViews {
    server: Server,
    projections: Arc<[Arc<dyn Projection>]>,
    owner: Arc<str>,
    writer: Arc<Mutex<Writer>>,
    readers: Pool,
}

impl fmt::Debug for MysqlViews {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MysqlViews").field("server", &self.server).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl MysqlViews {
    /// Opens the tables, and makes those that are not there, if it may. `owner` names this process among those that share them, in at most
    /// 64 characters.
    pub async fn open(
        server: &Server,
        projections: &[Arc<dyn Projection>],
        owner: &str,
        migrate: Migrate,
    ) -> Result<Self, OpenError> {
        PART.prepare(server, migrate).await?;
        if migrate == Migrate::Yes {
            schema::make_missing(server, projections).await.map_err(|source| OpenError::Unusable {
                server: server.clone(),
                part: PART.name,
                source: source.into(),
            })?;
        }
        Ok(Self {
            server: server.clone(),
            projections: projections.into(),
            owner: owner.into(),
            writer: Arc::new(Mutex::new(Writer::new(server, DIALECT, owner))),
            readers: server.pool(READERS_MAX),
        })
    }

    /// Finishes what is under way and closes the connections.
    pub async fn close(&self) {
        self.writer.lock().await.close().await;
        self.readers.close().await;
    }
}

#[async_trait]
impl Tables for MysqlViews {
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError> {
        read::checkpoints(&self.readers, DIALECT, &self.owner).await
    }

    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError> {
        read::parked(&self.readers, DIALECT, projection, after, limit).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), TablesError> {
        self.writer.lock().await.apply(batch).await
    }
}

#[async_trait]
impl ReadTables for MysqlViews {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        read::rows(&self.readers, &query).await
    }
}

#[async_trait]
impl Snapshots for MysqlViews {
    async fn snapshot(&self) -> Result<Box<dyn ReadTables>, ReadError> {
        Ok(Box::new(MysqlSnapshot::begin(&self.server).await?))
    }
}

#[async_trait]
impl Workshop for MysqlViews {
    /// It takes back what it refuses, in any case.
    async fn draft(&self, _: OnRefusal) -> Result<Box<dyn Draft>, TablesError> {
        Ok(Box::new(MysqlDraft::begin(self).await?))
    }

    async fn kept(&self) -> Result<Option<Box<dyn Draft>>, TablesError> {
        Ok(MysqlDraft::take_up(self).await?.map(|draft| Box::new(draft) as Box<dyn Draft>))
    }

    async fn before(&self) -> Result<Vec<Checkpoint>, TablesError> {
        let mut connection = self.server.connect().await.map_err(of_write)?;
        if !in_time(schema::are_there(&mut connection, BEFORE, &self.projections)).await.map_err(of_write)? {
            return Ok(Vec::new());
        }
        read::checkpoints(&self.readers, BEFORE, &self.owner).await
    }

    async fn roll_back(&self) -> Result<(), TablesError> {
        let mut connection = self.server.connect().await.map_err(of_write)?;
        within(CHANGE_MAX, schema::exchange(&mut connection, &self.projections)).await.map_err(of_write)
    }

    /// Whoever applies just now loses the right to, and sees it when he looks again.
    async fn pause(&self, projection: &str, paused: bool) -> Result<(), TablesError> {
        self.take_over().await?;
        let mut writer = self.writer.lock().await;
        writer.execute(bookkeeping::pause(DIALECT, projection, paused)).await?;
        writer.execute(bookkeeping::give_back(DIALECT, &self.owner)).await
    }

    async fn take_over(&self) -> Result<(), TablesError> {
        let lease = Lease { owner: &self.owner, seconds: TAKEN_OVER_SECONDS, continued: false };
        self.writer.lock().await.execute(bookkeeping::take_over(DIALECT, lease)).await
    }

    async fn step_down(&self) -> Result<(), TablesError> {
        self.writer.lock().await.execute(bookkeeping::give_back(DIALECT, &self.owner)).await
    }
}
