use cairn_domain::{Sha1, Sha256, Timestamp};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use super::{PAGE_MAX, all, first};
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::files::{DAMAGED, File, STORED};
use crate::statement::Value;
use crate::table::Columns;

/// A unique content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRecord {
    /// Its address.
    pub sha256: Sha256,
    /// For clients of the older protocol.
    pub sha1: Sha1,
    /// In bytes.
    pub size: u64,
    /// The name of a store where it lies, a sound copy if there is one.
    pub store: String,
    /// Whether a sound copy is known.
    pub is_sound: bool,
    /// When it came.
    pub created_at: Timestamp,
    /// When something about it last changed.
    pub updated_at: Timestamp,
}

/// The content of that address.
pub async fn content_by_sha256(tables: &dyn ReadTables, sha256: Sha256) -> Result<Option<ContentRecord>, ReadError> {
    let mut query = select_content();
    query.and_where(Expr::col(File::FileSha256).eq(Value::from(sha256))).limit(1);
    first(tables, query, content).await
}

/// The address of the content with that SHA-1. None when there are two: SHA-1 can be made to collide, and then it names nothing.
pub async fn sha256_by_sha1(tables: &dyn ReadTables, sha1: Sha1) -> Result<Option<Sha256>, ReadError> {
    let mut query = Query::select();
    query.column(File::FileSha256).from(File::TABLE.name).and_where(Expr::col(File::FileSha1).eq(Value::from(sha1))).limit(2);
    match all(tables, query).await?.as_slice() {
        [only] => only.get(0).map(Some),
        _ => Ok(None),
    }
}

/// Contents that are stored, sound or not, in the order of their hashes, after one (excluded); at most `limit`, and at most
/// [`PAGE_MAX`].
pub async fn contents(tables: &dyn ReadTables, after: Option<Sha256>, limit: u64) -> Result<Vec<Sha256>, ReadError> {
    // Every hash is greater than the empty text.
    let after = after.map_or(Value::from(""), Value::from);
    let query = Query::select()
        .column(File::FileSha256)
        .from(File::TABLE.name)
        .and_where(Expr::col(File::FileSha256).gt(after))
        .order_by(File::FileSha256, Order::Asc)
        .limit(Ord::min(limit, PAGE_MAX))
        .to_owned();
    all(tables, query).await?.iter().map(|row| row.get(0)).collect()
}

fn select_content() -> SelectStatement {
    let columns = [File::FileSha256, File::FileSha1, File::FileSize, File::FileAddr, File::CreateAt, File::UpdateAt, File::Status];
    Query::select().columns(columns).from(File::TABLE.name).to_owned()
}

fn content(row: &Row) -> Result<ContentRecord, ReadError> {
    Ok(ContentRecord {
        sha256: row.get(0)?,
        sha1: row.get(1)?,
        size: row.get(2)?,
        store: row.get(3)?,
        created_at: row.get(4)?,
        updated_at: row.get(5)?,
        is_sound: is_sound(row, 6)?,
    })
}

fn is_sound(row: &Row, column: usize) -> Result<bool, ReadError> {
    match row.get::<String>(column)?.as_str() {
        STORED => Ok(true),
        DAMAGED => Ok(false),
        _ => Err(ReadError::Unreadable { column, value: row.0.get(column).cloned() }),
    }
}
