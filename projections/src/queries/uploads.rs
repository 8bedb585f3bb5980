use cairn_domain::{AccountId, FileId, FileName, FolderId, Position, Sha1, Sha256, Timestamp, UploadId};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use super::{PAGE_MAX, Page, PageOf, all, first, page, position};
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::uploads::{CANCELLED, EXPIRED, MERGED, OPEN, REJECTED, Upload};
use crate::statement::Value;
use crate::table::Columns;

/// An upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRecord {
    /// The upload.
    pub id: UploadId,
    /// Whose it is.
    pub owner: AccountId,
    /// What the file will be called.
    pub name: String,
    /// Where the file will stand; none is the top.
    pub folder: Option<FolderId>,
    /// In bytes.
    pub size: u64,
    /// Of every part but the last, in bytes.
    pub part_bytes: u64,
    /// As declared.
    pub expected_sha256: Option<Sha256>,
    /// As declared.
    pub expected_sha1: Option<Sha1>,
    /// A media type.
    pub content_type: String,
    /// Where it is in its life.
    pub state: UploadState,
    /// The entry that came of it.
    pub file: Option<FileId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends by itself if nothing comes.
    pub expires_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Where an upload is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// Parts may come.
    Open,
    /// It has become a file.
    Merged,
    /// Its owner gave it up.
    Cancelled,
    /// Nothing came for too long.
    Expired,
    /// Its bytes were not what was declared.
    Rejected,
}

/// What makes two starts of an upload the same upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLike<'a> {
    /// Whose it is.
    pub owner: AccountId,
    /// What the file will be called.
    pub name: &'a FileName,
    /// In bytes.
    pub size: u64,
    /// As declared.
    pub sha256: Option<Sha256>,
    /// As declared.
    pub sha1: Option<Sha1>,
    /// Where the file will stand.
    pub folder: Option<FolderId>,
}

/// The owner's upload of that id, in whatever state. Somebody else's is as if absent.
pub async fn upload_by_id(tables: &dyn ReadTables, owner: AccountId, id: UploadId) -> Result<Option<UploadRecord>, ReadError> {
    let mut query = select_upload();
    query.and_where(Expr::col(Upload::Id).eq(Value::from(id))).and_where(Expr::col(Upload::Owner).eq(Value::from(owner))).limit(1);
    first(tables, query, |row| upload(row).map(|(_, upload)| upload)).await
}

/// The owner's open uploads, newest first.
pub async fn open_uploads(tables: &dyn ReadTables, owner: AccountId, of: PageOf) -> Result<Page<UploadRecord>, ReadError> {
    let mut query = select_upload();
    query
        .and_where(Expr::col(Upload::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(Upload::State).eq(OPEN))
        .and_where_option(of.after.map(|after| Expr::col(Upload::StartedPosition).lt(position(after.0))))
        .order_by(Upload::StartedPosition, Order::Desc);
    page(tables, query, of, upload).await
}

/// The owner's newest open upload that was started like this.
pub async fn open_upload_like(tables: &dyn ReadTables, like: &UploadLike<'_>) -> Result<Option<UploadId>, ReadError> {
    let query = Query::select()
        .column(Upload::Id)
        .from(Upload::TABLE.name)
        .and_where(Expr::col(Upload::Owner).eq(Value::from(like.owner)))
        .and_where(Expr::col(Upload::State).eq(OPEN))
        .and_where(Expr::col(Upload::Name).eq(like.name.as_str()))
        .and_where(Expr::col(Upload::Size).eq(i64::try_from(like.size).unwrap_or(i64::MAX)))
        .and_where(same(Upload::ExpectedSha256, like.sha256))
        .and_where(same(Upload::ExpectedSha1, like.sha1))
        .and_where(same(Upload::FolderId, like.folder))
        .order_by(Upload::StartedPosition, Order::Desc)
        .limit(1)
        .to_owned();
    first(tables, query, |row| row.get(0)).await
}

/// How many uploads the owner has open.
pub async fn count_open_uploads(tables: &dyn ReadTables, owner: AccountId) -> Result<u64, ReadError> {
    let query = Query::select()
        .expr(Expr::col(Upload::Id).count())
        .from(Upload::TABLE.name)
        .and_where(Expr::col(Upload::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(Upload::State).eq(OPEN))
        .to_owned();
    Ok(first(tables, query, |row| row.get(0)).await?.unwrap_or_default())
}

/// How many uploads are open in all.
pub async fn count_all_open_uploads(tables: &dyn ReadTables) -> Result<u64, ReadError> {
    let query = Query::select()
        .expr(Expr::col(Upload::Id).count())
        .from(Upload::TABLE.name)
        .and_where(Expr::col(Upload::State).eq(OPEN))
        .to_owned();
    Ok(first(tables, query, |row| row.get(0)).await?.unwrap_or_default())
}

/// Open uploads that would have ended by themselves by `now`, the longest overdue first; at most `limit`, and at most [`PAGE_MAX`].
pub async fn overdue_uploads(tables: &dyn ReadTables, now: Timestamp, limit: u64) -> Result<Vec<UploadId>, ReadError> {
    let query = Query::select()
        .column(Upload::Id)
        .from(Upload::TABLE.name)
        .and_where(Expr::col(Upload::State).eq(OPEN))
        .and_where(Expr::col(Upload::ExpiresAt).lte(now.0))
        .order_by(Upload::ExpiresAt, Order::Asc)
        .limit(Ord::min(limit, PAGE_MAX))
        .to_owned();
    all(tables, query).await?.iter().map(|row| row.get(0)).collect()
}

fn same<T: Into<Value>>(column: Upload, value: Option<T>) -> Expr {
    match value {
        Some(value) => Expr::col(column).eq(value.into()),
        None => Expr::col(column).is_null(),
    }
}

fn select_upload() -> SelectStatement {
    let columns = [
        Upload::Id,
        Upload::Owner,
        Upload::Name,
        Upload::FolderId,
        Upload::Size,
        Upload::PartBytes,
        Upload::ExpectedSha256,
        Upload::ExpectedSha1,
        Upload::ContentType,
        Upload::State,
        Upload::FileId,
        Upload::StartedAt,
        Upload::ExpiresAt,
        Upload::UpdatedAt,
        Upload::StartedPosition,
    ];
    Query::select().columns(columns).from(Upload::TABLE.name).to_owned()
}

fn upload(row: &Row) -> Result<(Position, UploadRecord), ReadError> {
    let record = UploadRecord {
        id: row.get(0)?,
        owner: row.get(1)?,
        name: row.get(2)?,
        folder: row.get(3)?,
        size: row.get(4)?,
        part_bytes: row.get(5)?,
        expected_sha256: row.get(6)?,
        expected_sha1: row.get(7)?,
        content_type: row.get(8)?,
        state: state(row, 9)?,
        file: row.get(10)?,
        started_at: row.get(11)?,
        expires_at: row.get(12)?,
        updated_at: row.get(13)?,
    };
    Ok((row.get(14)?, record))
}

fn state(row: &Row, column: usize) -> Result<UploadState, ReadError> {
    match row.get::<String>(column)?.as_str() {
        OPEN => Ok(UploadState::Open),
        MERGED => Ok(UploadState::Merged),
        CANCELLED => Ok(UploadState::Cancelled),
        EXPIRED => Ok(UploadState::Expired),
        REJECTED => Ok(UploadState::Rejected),
        _ => Err(ReadError::Unreadable { column, value: row.0.get(column).cloned() }),
    }
}
