//! A look at tables that another process may be writing.

use std::path::Path;

use async_trait::async_trait;
use cairn_projections::ports::{ReadError, ReadTables, Row};
use cairn_projections::sql::{Dialect, Sql};
use sqlx::SqlitePool;

use super::{DIALECT, OpenError, connect, read};

/// Reads and never writes, also not when it is closed: the drive that owns the file does not notice.
#[derive(Debug, Clone)]
pub struct SqliteGlance {
    readers: SqlitePool,
}

impl SqliteGlance {
    /// Opens tables that are there.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let readers = connect::readers(path).await;
        let readers = readers.map_err(|source| OpenError { path: path.to_owned(), source: source.into() })?;
        Ok(Self { readers })
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
