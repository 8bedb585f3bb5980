//! A look at tables that another process may be writing.

use std::path::Path;

use async_trait::async_trait;
use cairn_projections::bookkeeping;
use cairn_projections::ports::{ReadError, ReadTables, Row, Snapshots};
use cairn_projections::sql::{Dialect, Sql};
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::Mutex;

use super::{DIALECT, OpenError, connect, read, schema};

/// Reads and never writes, also not when it is closed: the drive that owns the file does not notice.
#[derive(Debug, Clone)]
pub struct SqliteGlance {
    readers: SqlitePool,
}

impl SqliteGlance {
    /// Opens tables that are there.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let open = async {
            let readers = connect::readers(path).await?;
            for table in bookkeeping::TABLES {
                let columns = schema::columns(&mut *readers.acquire().await?, table).await?;
                if columns.len() < table.columns.len() {
                    return Err("an earlier version has made them: the drive brings them up to date when it starts".into());
                }
            }
            Ok(Self { readers })
        };
        open.await.map_err(|source| OpenError { path: path.to_owned(), source })
    }
}

#[async_trait]
impl ReadTables for SqliteGlance {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        read::rows(&self.readers, query).await
    }
}

/// A read transaction: the WAL is not cut back beyond its state while it is open.
struct SqliteSnapshot(Mutex<Transaction<'static, Sqlite>>);

#[async_trait]
impl Snapshots for SqliteGlance {
    async fn snapshot(&self) -> Result<Box<dyn ReadTables>, ReadError> {
        let begun = self.readers.begin().await.map_err(|error| ReadError::Unavailable(error.into()))?;
        let snapshot = SqliteSnapshot(Mutex::new(begun));
        // The transaction sees the state of its first question.
        snapshot.rows(bookkeeping::checkpoints(DIALECT)).await?;
        Ok(Box::new(snapshot))
    }
}

#[async_trait]
impl ReadTables for SqliteSnapshot {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        let mut transaction = self.0.lock().await;
        read::rows(&mut **transaction, query).await
    }
}
