use cairn_domain::{AccountId, FileId, OfflineId, Position, Timestamp};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use super::{PAGE_MAX, Page, PageOf, all, along, first, page, position};
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::offline::{CANCELLED, COMPLETED, FAILED, OfflineRow, QUEUED, RUNNING};
use crate::statement::Value;
use crate::table::Columns;

/// A file that the drive fetches from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineRecord {
    /// The download.
    pub id: OfflineId,
    /// Whose it is.
    pub owner: AccountId,
    /// Where the file is.
    pub url: String,
    /// What the file will be called, as far as that is known.
    pub name: Option<String>,
    /// Where it is in its life.
    pub state: OfflineState,
    /// How much had come when something was last heard of it, in bytes.
    pub received_bytes: u64,
    /// Of the whole file, in bytes, as far as that is known.
    pub total_bytes: Option<u64>,
    /// Why it can't be had, as a code.
    pub error: Option<String>,
    /// The same in a sentence, where there is more to say.
    pub detail: Option<String>,
    /// The entry that came of it.
    pub file: Option<FileId>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When something was last heard of it.
    pub updated_at: Timestamp,
}

/// Where an offline download is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineState {
    /// It waits for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// The file is in the drive.
    Completed,
    /// It can't be had.
    Failed,
    /// Its owner does not want it any more.
    Cancelled,
}

/// The owner's download of that id. Somebody else's is as if absent.
pub async fn offline_by_id(tables: &dyn ReadTables, owner: AccountId, id: OfflineId) -> Result<Option<OfflineRecord>, ReadError> {
    let mut query = select_offline();
    query
        .and_where(Expr::col(OfflineRow::Id).eq(Value::from(id)))
        .and_where(Expr::col(OfflineRow::Owner).eq(Value::from(owner)))
        .limit(1);
    first(tables, query, |row| offline(row).map(|(_, offline)| offline)).await
}

/// The owner's downloads, newest first.
pub async fn offline_downloads(tables: &dyn ReadTables, owner: AccountId, of: PageOf) -> Result<Page<OfflineRecord>, ReadError> {
    let mut query = select_offline();
    along(&mut query, "ix_offline_owner")
        .and_where(Expr::col(OfflineRow::Owner).eq(Value::from(owner)))
        .and_where_option(of.after.map(|after| Expr::col(OfflineRow::RequestedPosition).lt(position(after.0))))
        .order_by(OfflineRow::RequestedPosition, Order::Desc);
    page(tables, query, of, offline).await
}

/// How many of the owner's downloads wait or run.
pub async fn count_open_offline(tables: &dyn ReadTables, owner: AccountId) -> Result<u64, ReadError> {
    let mut query = Query::select()
        .expr(Expr::col(OfflineRow::State).count())
        .from(OfflineRow::TABLE.name)
        .and_where(Expr::col(OfflineRow::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(OfflineRow::State).is_in([QUEUED, RUNNING]))
        .to_owned();
    along(&mut query, "ix_offline_open");
    Ok(first(tables, query, |row| row.get(0)).await?.unwrap_or_default())
}

/// Downloads that wait for a worker, and whose they are, the oldest first; at most `limit`, and at most [`PAGE_MAX`].
pub async fn waiting_offline(tables: &dyn ReadTables, limit: u64) -> Result<Vec<(OfflineId, AccountId)>, ReadError> {
    let mut query = Query::select()
        .columns([OfflineRow::Id, OfflineRow::Owner])
        .from(OfflineRow::TABLE.name)
        .and_where(Expr::col(OfflineRow::State).eq(QUEUED))
        .order_by(OfflineRow::RequestedPosition, Order::Asc)
        .limit(Ord::min(limit, PAGE_MAX))
        .to_owned();
    along(&mut query, "ix_offline_state");
    all(tables, query).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Downloads that run, but of which nothing was heard after that time, and whose they are, the one longest silent first; at most `limit`, and at most [`PAGE_MAX`].
pub async fn silent_offline(
    tables: &dyn ReadTables,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<(OfflineId, AccountId)>, ReadError> {
    let mut query = Query::select()
        .columns([OfflineRow::Id, OfflineRow::Owner])
        .from(OfflineRow::TABLE.name)
        .and_where(Expr::col(OfflineRow::State).eq(RUNNING))
        .and_where(Expr::col(OfflineRow::UpdatedAt).lte(since.0))
        .order_by(OfflineRow::UpdatedAt, Order::Asc)
        .limit(Ord::min(limit, PAGE_MAX))
        .to_owned();
    along(&mut query, "ix_offline_updated_at");
    all(tables, query).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

fn select_offline() -> SelectStatement {
    let columns = [
        OfflineRow::Id,
        OfflineRow::Owner,
        OfflineRow::Url,
        OfflineRow::Name,
        OfflineRow::State,
        OfflineRow::ReceivedBytes,
        OfflineRow::TotalBytes,
        OfflineRow::Error,
        OfflineRow::Detail,
        OfflineRow::FileId,
        OfflineRow::RequestedAt,
        OfflineRow::UpdatedAt,
        OfflineRow::RequestedPosition,
    ];
    Query::select().columns(columns).from(OfflineRow::TABLE.name).to_owned()
}

fn offline(row: &Row) -> Result<(Position, OfflineRecord), ReadError> {
    let record = OfflineRecord {
        id: row.get(0)?,
        owner: row.get(1)?,
        url: row.get(2)?,
        name: row.get(3)?,
        state: state(row, 4)?,
        received_bytes: row.get(5)?,
        total_bytes: row.get(6)?,
        error: row.get(7)?,
        detail: row.get(8)?,
        file: row.get(9)?,
        requested_at: row.get(10)?,
        updated_at: row.get(11)?,
    };
    Ok((row.get(12)?, record))
}

fn state(row: &Row, column: usize) -> Result<OfflineState, ReadError> {
    match row.get::<String>(column)?.as_str() {
        QUEUED => Ok(OfflineState::Queued),
        RUNNING => Ok(OfflineState::Running),
        COMPLETED => Ok(OfflineState::Completed),
        FAILED => Ok(OfflineState::Failed),
        CANCELLED => Ok(OfflineState::Cancelled),
        _ => Err(ReadError::Unreadable { column, value: row.0.get(column).cloned() }),
    }
}
