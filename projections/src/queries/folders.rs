use cairn_domain::{AccountId, FolderId, Position, Timestamp};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use super::files::EntryStatus;
use super::{Page, PageOf, along, first, page, position};
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::folders::{ACTIVE, FolderRow, PURGED, TRASHED};
use crate::statement::Value;
use crate::table::Columns;

/// A folder of somebody's drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderRecord {
    /// The folder.
    pub id: FolderId,
    /// Whose it is.
    pub owner: AccountId,
    /// What it is called.
    pub name: String,
    /// The folder that it stands in; none is the top.
    pub parent: Option<FolderId>,
    /// In use or in the trash.
    pub status: EntryStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which folders of one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FolderFilter {
    /// Those that stand there (`Some(None)` is the top); none for wherever.
    pub parent: Option<Option<FolderId>>,
    /// Those in use, or those in the trash.
    pub status: EntryStatus,
}

/// The owner's folder of that id, in use or in the trash. Somebody else's is as if absent.
pub async fn folder_by_id(tables: &dyn ReadTables, owner: AccountId, id: FolderId) -> Result<Option<FolderRecord>, ReadError> {
    let mut query = select_folder();
    query
        .and_where(Expr::col(FolderRow::Id).eq(Value::from(id)))
        .and_where(Expr::col(FolderRow::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(FolderRow::Status).is_in([ACTIVE, TRASHED]))
        .limit(1);
    first(tables, query, |row| folder(row).map(|(_, folder)| folder)).await
}

/// Whose folder it is, or was: also of one that is gone for good.
pub async fn owner_of_folder(tables: &dyn ReadTables, id: FolderId) -> Result<Option<AccountId>, ReadError> {
    let mut query = Query::select();
    query.column(FolderRow::Owner).from(FolderRow::TABLE.name).and_where(Expr::col(FolderRow::Id).eq(Value::from(id))).limit(1);
    first(tables, query, |row| row.get(0)).await
}

/// The owner's folders that are gone for good, newest first.
pub async fn gone_folders(tables: &dyn ReadTables, owner: AccountId, of: PageOf) -> Result<Page<FolderId>, ReadError> {
    let mut query = Query::select();
    query.columns([FolderRow::Id, FolderRow::CreatedPosition]).from(FolderRow::TABLE.name);
    along(&mut query, "ix_folder_owner")
        .and_where(Expr::col(FolderRow::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(FolderRow::Status).eq(PURGED))
        .and_where_option(of.after.map(|after| Expr::col(FolderRow::CreatedPosition).lt(position(after.0))))
        .order_by(FolderRow::CreatedPosition, Order::Desc);
    page(tables, query, of, |row| Ok((row.get(1)?, row.get(0)?))).await
}

/// The owner's folders, newest first.
pub async fn folders(
    tables: &dyn ReadTables,
    owner: AccountId,
    filter: FolderFilter,
    of: PageOf,
) -> Result<Page<FolderRecord>, ReadError> {
    let mut query = select_folder();
    along(&mut query, if filter.parent.is_some() { "ix_folder_parent" } else { "ix_folder_owner" })
        .and_where(Expr::col(FolderRow::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(FolderRow::Status).eq(filter.status.text()))
        .and_where_option(filter.parent.map(stands_in))
        .and_where_option(of.after.map(|after| Expr::col(FolderRow::CreatedPosition).lt(position(after.0))))
        .order_by(FolderRow::CreatedPosition, Order::Desc);
    page(tables, query, of, folder).await
}

fn stands_in(parent: Option<FolderId>) -> Expr {
    match parent {
        Some(parent) => Expr::col(FolderRow::ParentId).eq(Value::from(parent)),
        None => Expr::col(FolderRow::ParentId).is_null(),
    }
}

fn select_folder() -> SelectStatement {
    let columns = [
        FolderRow::Id,
        FolderRow::Owner,
        FolderRow::Name,
        FolderRow::ParentId,
        FolderRow::Status,
        FolderRow::CreatedAt,
        FolderRow::UpdatedAt,
        FolderRow::CreatedPosition,
    ];
    Query::select().columns(columns).from(FolderRow::TABLE.name).to_owned()
}

fn folder(row: &Row) -> Result<(Position, FolderRecord), ReadError> {
    let record = FolderRecord {
        id: row.get(0)?,
        owner: row.get(1)?,
        name: row.get(2)?,
        parent: row.get(3)?,
        status: EntryStatus::read(row, 4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    };
    Ok((row.get(7)?, record))
}
