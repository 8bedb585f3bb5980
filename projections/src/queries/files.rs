use cairn_domain::{AccountId, FileId, FolderId, Position, Sha1, Sha256, Timestamp};
use sea_query::{Expr, ExprTrait, LikeExpr, Order, Query, SelectStatement};

use super::{PAGE_MAX, Page, PageOf, all, along, first, page, position};
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::files::{ACTIVE, File, STORED, TRASHED, UserFile};
use crate::projection::folders::{self, FolderRow};
use crate::statement::Value;
use crate::table::Columns;

/// An entry of somebody's drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// The entry.
    pub id: FileId,
    /// Whose it is.
    pub owner: AccountId,
    /// What it is called.
    pub name: String,
    /// Where it stands; none is the top.
    pub folder: Option<FolderId>,
    /// In bytes.
    pub size: u64,
    /// The content.
    pub sha256: Sha256,
    /// The content, for clients of the older protocol.
    pub sha1: Sha1,
    /// A media type.
    pub content_type: String,
    /// The number of events that made it what it is, from 1.
    pub version: u64,
    /// In use or in the trash, by itself or with the folder that it stands in.
    pub status: EntryStatus,
    /// The name of the store from which the content is read; none when no sound copy is known.
    pub stored_in: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether an entry is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EntryStatus {
    /// In use.
    #[default]
    Active,
    /// In the trash.
    Trashed,
}

/// A content by either of its hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHash {
    /// By its address.
    Sha256(Sha256),
    /// By the hash of the older protocol.
    Sha1(Sha1),
}

/// Which entries of one owner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileFilter {
    /// Those that stand there (`Some(None)` is the top); none for wherever.
    pub folder: Option<Option<FolderId>>,
    /// Those whose name has this in it, in capital or small letters.
    pub name: Option<String>,
    /// Those with this content.
    pub content: Option<ByHash>,
    /// Those in use, or those in the trash.
    pub status: EntryStatus,
}

impl EntryStatus {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Active => ACTIVE,
            Self::Trashed => TRASHED,
        }
    }

    pub(super) fn read(row: &Row, column: usize) -> Result<Self, ReadError> {
        match row.get::<String>(column)?.as_str() {
            ACTIVE => Ok(Self::Active),
            TRASHED => Ok(Self::Trashed),
            _ => Err(ReadError::Unreadable { column, value: row.0.get(column).cloned() }),
        }
    }
}

/// The owner's entry of that id, in use or in the trash. Somebody else's is as if absent.
pub async fn file_by_id(tables: &dyn ReadTables, owner: AccountId, id: FileId) -> Result<Option<FileRecord>, ReadError> {
    let mut query = select_file();
    query
        .and_where(Expr::col(UserFile::Id).eq(Value::from(id)))
        .and_where(Expr::col(UserFile::Owner).eq(Value::from(owner)))
        .and_where(stands_in_one(folders::PURGED).not())
        .limit(1);
    first(tables, query, |row| file(row).map(|(_, file)| file)).await
}

/// Those of the owner's entries, in use or in the trash, in no order. Somebody else's are as if absent.
pub async fn files_by_id(tables: &dyn ReadTables, owner: AccountId, ids: &[FileId]) -> Result<Vec<FileRecord>, ReadError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = select_file();
    query
        .and_where(Expr::col(UserFile::Id).is_in(ids.iter().map(|id| Value::from(*id))))
        .and_where(Expr::col(UserFile::Owner).eq(Value::from(owner)))
        .and_where(stands_in_one(folders::PURGED).not());
    all(tables, query).await?.iter().map(|row| file(row).map(|(_, file)| file)).collect()
}

/// The owner's newest entry with that content; of one status, or (none) of either.
pub async fn newest_with_content(
    tables: &dyn ReadTables,
    owner: AccountId,
    content: ByHash,
    status: Option<EntryStatus>,
) -> Result<Option<FileRecord>, ReadError> {
    let mut query = select_file();
    query
        .and_where(Expr::col(UserFile::Owner).eq(Value::from(owner)))
        .and_where(has(content))
        .and_where(status.map_or_else(|| stands_in_one(folders::PURGED).not(), has_status))
        .order_by(UserFile::AddedPosition, Order::Desc)
        .limit(1);
    first(tables, query, |row| file(row).map(|(_, file)| file)).await
}

/// The owner's entries, newest first.
pub async fn files(
    tables: &dyn ReadTables,
    owner: AccountId,
    filter: &FileFilter,
    of: PageOf,
) -> Result<Page<FileRecord>, ReadError> {
    // Without a folder in the trash, an index leads to what is in it.
    let alone = filter.status == EntryStatus::Trashed && !has_trashed_folders(tables, owner).await?;
    let status = if alone { Expr::col(UserFile::Status).eq(TRASHED) } else { has_status(filter.status) };
    let mut query = select_files(owner, filter, status, of);
    let index = match filter {
        FileFilter { content: Some(_), .. } => None,
        FileFilter { folder: Some(_), .. } => Some("ix_user_file_folder"),
        FileFilter { status: EntryStatus::Trashed, .. } if !alone => Some("ix_user_file_added"),
        FileFilter { .. } => Some("ix_user_file_owner"),
    };
    if let Some(index) = index {
        along(&mut query, index);
    }
    page(tables, query, of, file).await
}

/// The owner's entries that stand in the folder, whatever has become of it or of them; newest first, before a position if one is given.
/// At most `limit`, and at most [`PAGE_MAX`].
pub async fn entries_in_folder(
    tables: &dyn ReadTables,
    owner: AccountId,
    folder: FolderId,
    before: Option<Position>,
    limit: u64,
) -> Result<Vec<(FileId, Position)>, ReadError> {
    let mut query = Query::select()
        .columns([UserFile::Id, UserFile::AddedPosition])
        .from(UserFile::TABLE.name)
        .and_where(Expr::col(UserFile::Owner).eq(Value::from(owner)))
        .and_where(stands_in(Some(folder)))
        .and_where(Expr::col(UserFile::AddedPosition).lt(before.map_or(i64::MAX, position)))
        .order_by(UserFile::AddedPosition, Order::Desc)
        .limit(Ord::min(limit, PAGE_MAX))
        .to_owned();
    along(&mut query, "ix_user_file_folder");
    all(tables, query).await?.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

async fn has_trashed_folders(tables: &dyn ReadTables, owner: AccountId) -> Result<bool, ReadError> {
    let mut query = Query::select()
        .column(FolderRow::Id)
        .from(FolderRow::TABLE.name)
        .and_where(Expr::col(FolderRow::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(FolderRow::Status).eq(folders::TRASHED))
        .limit(1)
        .to_owned();
    along(&mut query, "ix_folder_owner");
    Ok(!all(tables, query).await?.is_empty())
}

fn select_files(owner: AccountId, filter: &FileFilter, status: Expr, of: PageOf) -> SelectStatement {
    let mut query = select_file();
    query
        .and_where(Expr::col(UserFile::Owner).eq(Value::from(owner)))
        .and_where(status)
        .and_where_option(filter.folder.map(stands_in))
        .and_where_option(filter.name.as_deref().map(named))
        .and_where_option(filter.content.map(has))
        .and_where_option(of.after.map(|after| Expr::col(UserFile::AddedPosition).lt(position(after.0))))
        .order_by(UserFile::AddedPosition, Order::Desc);
    query
}

/// What is in use stands in no folder that is not; what is in the trash is there by itself or with its folder.
fn has_status(status: EntryStatus) -> Expr {
    let own = Expr::col(UserFile::Status).eq(status.text());
    match status {
        EntryStatus::Active => own.and(stands_in_one(folders::TRASHED).not()).and(stands_in_one(folders::PURGED).not()),
        EntryStatus::Trashed => own.or(stands_in_one(folders::TRASHED)).and(stands_in_one(folders::PURGED).not()),
    }
}

/// What the entry is called whose id stands in a column of another table: one look at its key.
pub(super) fn name_of_entry(id: (&'static str, impl sea_query::Iden + 'static)) -> Expr {
    let mut query = Query::select();
    query.column(UserFile::Name).from(UserFile::TABLE.name).and_where(Expr::col((UserFile::TABLE.name, UserFile::Id)).equals(id));
    Expr::SubQuery(None, Box::new(query.into()))
}

/// Whether the entry whose id stands in a column of another table is in use.
pub(super) fn entry_is_in_use(id: (&'static str, impl sea_query::Iden + 'static)) -> Expr {
    let mut query = Query::select();
    query
        .column(UserFile::Id)
        .from(UserFile::TABLE.name)
        .and_where(Expr::col((UserFile::TABLE.name, UserFile::Id)).equals(id))
        .and_where(has_status(EntryStatus::Active));
    Expr::exists(query)
}

/// One look at the key of the other table.
fn stands_in_one(status: &'static str) -> Expr {
    let mut query = Query::select();
    query
        .column(FolderRow::Id)
        .from(FolderRow::TABLE.name)
        .and_where(Expr::col((FolderRow::TABLE.name, FolderRow::Id)).equals((UserFile::TABLE.name, UserFile::FolderId)))
        .and_where(Expr::col((FolderRow::TABLE.name, FolderRow::Status)).eq(status));
    Expr::exists(query)
}

fn stands_in(folder: Option<FolderId>) -> Expr {
    match folder {
        Some(folder) => Expr::col(UserFile::FolderId).eq(Value::from(folder)),
        None => Expr::col(UserFile::FolderId).is_null(),
    }
}

/// `LIKE` takes `%` and `_` for any characters; here they are what they are. The escape is not the backslash, which MySQL reads twice.
fn named(part: &str) -> Expr {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for character in part.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    Expr::col(UserFile::NameLower).like(LikeExpr::new(pattern).escape('!'))
}

fn has(content: ByHash) -> Expr {
    match content {
        ByHash::Sha256(sha256) => Expr::col(UserFile::Sha256).eq(Value::from(sha256)),
        ByHash::Sha1(sha1) => Expr::col(UserFile::Sha1).eq(Value::from(sha1)),
    }
}

fn select_file() -> SelectStatement {
    let columns = [
        UserFile::Id,
        UserFile::Owner,
        UserFile::Name,
        UserFile::FolderId,
        UserFile::Size,
        UserFile::Sha256,
        UserFile::Sha1,
        UserFile::ContentType,
        UserFile::Version,
        UserFile::Status,
        UserFile::CreatedAt,
        UserFile::UpdatedAt,
        UserFile::AddedPosition,
    ];
    let columns = columns.map(|column| (UserFile::TABLE.name, column));
    Query::select().columns(columns).expr(store()).expr(stands_in_one(folders::TRASHED)).from(UserFile::TABLE.name).to_owned()
}

/// Where the content lies: one look at the key of the other table, so that it costs an entry no more than that.
fn store() -> Expr {
    let mut query = Query::select();
    query
        .column(File::FileAddr)
        .from(File::TABLE.name)
        .and_where(Expr::col((File::TABLE.name, File::FileSha256)).equals((UserFile::TABLE.name, UserFile::Sha256)))
        .and_where(Expr::col((File::TABLE.name, File::Status)).eq(STORED));
    Expr::SubQuery(None, Box::new(query.into()))
}

fn file(row: &Row) -> Result<(Position, FileRecord), ReadError> {
    let record = FileRecord {
        id: row.get(0)?,
        owner: row.get(1)?,
        name: row.get(2)?,
        folder: row.get(3)?,
        size: row.get(4)?,
        sha256: row.get(5)?,
        sha1: row.get(6)?,
        content_type: row.get(7)?,
        version: row.get(8)?,
        status: if row.get::<i64>(14)? == 0 { EntryStatus::read(row, 9)? } else { EntryStatus::Trashed },
        stored_in: row.get(13)?,
        created_at: row.get(10)?,
        updated_at: row.get(11)?,
    };
    Ok((row.get(12)?, record))
}
