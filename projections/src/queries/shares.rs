use cairn_domain::{AccountId, FileId, Position, ShareId, Timestamp};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use super::files::{entry_is_in_use, name_of_entry};
use super::{Page, PageOf, along, first, page, position};
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::shares::{ShareRow, ShareUse};
use crate::statement::Value;
use crate::table::Columns;

/// A share of somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRecord {
    /// The share.
    pub id: ShareId,
    /// Whose it is.
    pub owner: AccountId,
    /// The entry that it leads to.
    pub file: FileId,
    /// What the entry is called; none when it is gone for good.
    pub name: Option<String>,
    /// Whether the entry is in use.
    pub file_in_use: bool,
    /// Whether it asks for a password.
    pub has_password: bool,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// How many downloads there may be.
    pub max_downloads: Option<u64>,
    /// Downloads that began.
    pub downloads: u64,
    /// People who have put the file into their own drive.
    pub saves: u64,
    /// Whether its owner has ended it.
    pub revoked: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its last download began.
    pub last_download_at: Option<Timestamp>,
}

/// The owner's share of that id. Somebody else's is as if absent.
pub async fn share_by_id(tables: &dyn ReadTables, owner: AccountId, id: ShareId) -> Result<Option<ShareRecord>, ReadError> {
    let mut query = select_share();
    query
        .and_where(Expr::col((SHARE, ShareRow::Id)).eq(Value::from(id)))
        .and_where(Expr::col((SHARE, ShareRow::Owner)).eq(Value::from(owner)))
        .limit(1);
    first(tables, query, |row| share(row).map(|(_, share)| share)).await
}

/// The owner's shares, of one entry or of all, newest first. Of one entry there are few, so they are looked for on the way.
pub async fn shares(
    tables: &dyn ReadTables,
    owner: AccountId,
    file: Option<FileId>,
    of: PageOf,
) -> Result<Page<ShareRecord>, ReadError> {
    let mut query = select_share();
    along(&mut query, "ix_share_owner")
        .and_where(Expr::col((SHARE, ShareRow::Owner)).eq(Value::from(owner)))
        .and_where_option(file.map(|file| Expr::col((SHARE, ShareRow::FileId)).eq(Value::from(file))))
        .and_where_option(of.after.map(|after| Expr::col((SHARE, ShareRow::CreatedPosition)).lt(position(after.0))))
        .order_by((SHARE, ShareRow::CreatedPosition), Order::Desc);
    page(tables, query, of, share).await
}

/// How many shares the owner has that were not revoked. The index alone answers it.
pub async fn count_shares(tables: &dyn ReadTables, owner: AccountId) -> Result<u64, ReadError> {
    let mut query = Query::select()
        .expr(Expr::col(ShareRow::Owner).count())
        .from(SHARE)
        .and_where(Expr::col(ShareRow::Owner).eq(Value::from(owner)))
        .and_where(Expr::col(ShareRow::Revoked).eq(0))
        .to_owned();
    along(&mut query, "ix_share_standing");
    Ok(first(tables, query, |row| row.get(0)).await?.unwrap_or_default())
}

const SHARE: &str = ShareRow::TABLE.name;

fn select_share() -> SelectStatement {
    let columns = [
        ShareRow::Id,
        ShareRow::Owner,
        ShareRow::FileId,
        ShareRow::HasPassword,
        ShareRow::ExpiresAt,
        ShareRow::MaxDownloads,
        ShareRow::Revoked,
        ShareRow::CreatedAt,
        ShareRow::CreatedPosition,
        ShareRow::LastDownloadAt,
    ];
    Query::select()
        .columns(columns.map(|column| (SHARE, column)))
        .expr(name_of_entry((SHARE, ShareRow::FileId)))
        .expr(entry_is_in_use((SHARE, ShareRow::FileId)))
        .expr(used(ShareUse::Downloads))
        .expr(used(ShareUse::Saves))
        .from(SHARE)
        .to_owned()
}

/// One look at the key of the other table; null as long as nobody has used the share.
fn used(column: ShareUse) -> Expr {
    let mut query = Query::select();
    query
        .column(column)
        .from(ShareUse::TABLE.name)
        .and_where(Expr::col((ShareUse::TABLE.name, ShareUse::Id)).equals((SHARE, ShareRow::Id)));
    Expr::SubQuery(None, Box::new(query.into()))
}

fn share(row: &Row) -> Result<(Position, ShareRecord), ReadError> {
    let record = ShareRecord {
        id: row.get(0)?,
        owner: row.get(1)?,
        file: row.get(2)?,
        has_password: row.get(3)?,
        expires_at: row.get(4)?,
        max_downloads: row.get(5)?,
        revoked: row.get(6)?,
        created_at: row.get(7)?,
        last_download_at: row.get(9)?,
        name: row.get(10)?,
        file_in_use: row.get(11)?,
        downloads: row.get::<Option<u64>>(12)?.unwrap_or_default(),
        saves: row.get::<Option<u64>>(13)?.unwrap_or_default(),
    };
    Ok((row.get(8)?, record))
}
