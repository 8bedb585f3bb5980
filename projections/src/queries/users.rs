use std::collections::BTreeSet;

use cairn_domain::account::Role;
use cairn_domain::{AccountId, Position, SessionId, Sha256, Timestamp, Username};
use sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::first;
use crate::bookkeeping::CheckpointRow;
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::Projection as _;
use crate::projection::usage::{Usage, UsageRow};
use crate::projection::users::{User, UserToken};
use crate::statement::Value;
use crate::table::Columns;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The account.
    pub id: AccountId,
    /// As given.
    pub username: String,
    /// Where to write to.
    pub email: Option<String>,
    /// Where to call.
    pub phone: Option<String>,
    /// When the account was made.
    pub signup_at: Timestamp,
    /// When the last session was opened.
    pub last_active_at: Option<Timestamp>,
    /// What the account may be beside the owner of its drive.
    pub roles: BTreeSet<Role>,
    /// In bytes; none for the configured default.
    pub quota_bytes: Option<u64>,
}

/// A session that was not closed. Whether it has expired is for the caller to say, who has the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// When its token stops working.
    pub expires_at: Timestamp,
    /// What the account may be, now.
    pub roles: BTreeSet<Role>,
}

/// What an account's entries occupy, those in the trash included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageRecord {
    /// In bytes.
    pub used_bytes: u64,
    /// How many entries.
    pub files: u64,
}

/// The account of that id.
pub async fn user_by_id(tables: &dyn ReadTables, id: AccountId) -> Result<Option<UserRecord>, ReadError> {
    let mut query = select_user();
    query.and_where(Expr::col(User::Id).eq(Value::from(id)));
    first(tables, query, user).await
}

/// The account of that name, in whatever case and Unicode form the name is given.
pub async fn user_by_name(tables: &dyn ReadTables, name: &Username) -> Result<Option<UserRecord>, ReadError> {
    // Rows of an earlier version have its form, until they are made again.
    for canonical in name.earlier_canonical().into_iter().chain([name.canonical()]) {
        let mut query = select_user();
        query.and_where(Expr::col(User::UsernameCanonical).eq(canonical));
        if let Some(user) = first(tables, query, user).await? {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// The session whose token has that SHA-256.
pub async fn session_by_token(tables: &dyn ReadTables, token_sha256: Sha256) -> Result<Option<SessionRecord>, ReadError> {
    let query = Query::select()
        .column((UserToken::TABLE.name, UserToken::SessionId))
        .column((UserToken::TABLE.name, UserToken::AccountId))
        .column((UserToken::TABLE.name, UserToken::ExpiresAt))
        .column((User::TABLE.name, User::IsAdmin))
        .from(UserToken::TABLE.name)
        .inner_join(User::TABLE.name, Expr::col((User::TABLE.name, User::Id)).equals((UserToken::TABLE.name, UserToken::AccountId)))
        .and_where(Expr::col((UserToken::TABLE.name, UserToken::TokenSha256)).eq(Value::from(token_sha256)))
        .limit(1)
        .to_owned();
    first(tables, query, session).await
}

/// What the account's entries occupy; nothing, for one that never had any.
pub async fn usage_of(tables: &dyn ReadTables, account: AccountId) -> Result<UsageRecord, ReadError> {
    let query = Query::select()
        .columns([UsageRow::UsedBytes, UsageRow::Files])
        .from(UsageRow::TABLE.name)
        .and_where(Expr::col(UsageRow::AccountId).eq(Value::from(account)))
        .to_owned();
    let read = |row: &Row| Ok(UsageRecord { used_bytes: row.get(0)?, files: row.get(1)? });
    Ok(first(tables, query, read).await?.unwrap_or_default())
}

/// What the account's entries occupy, in bytes, and up to where in the log that is counted: both of one moment.
pub async fn occupied_by(tables: &dyn ReadTables, account: AccountId) -> Result<(u64, Position), ReadError> {
    let used = Query::select()
        .column(UsageRow::UsedBytes)
        .from(UsageRow::TABLE.name)
        .and_where(Expr::col((UsageRow::TABLE.name, UsageRow::AccountId)).eq(Value::from(account)))
        .to_owned();
    let query = Query::select()
        .column(CheckpointRow::Position)
        .expr(Expr::SubQuery(None, Box::new(used.into())))
        .from(CheckpointRow::TABLE.name)
        .and_where(Expr::col((CheckpointRow::TABLE.name, CheckpointRow::Projection)).eq(Usage.name()))
        .to_owned();
    let read = |row: &Row| Ok((row.get::<Option<u64>>(1)?.unwrap_or_default(), row.get(0)?));
    Ok(first(tables, query, read).await?.unwrap_or_default())
}

fn select_user() -> SelectStatement {
    let columns =
        [User::Id, User::Username, User::Email, User::Phone, User::SignupAt, User::LastActiveAt, User::IsAdmin, User::QuotaBytes];
    Query::select().columns(columns).from(User::TABLE.name).limit(1).to_owned()
}

fn user(row: &Row) -> Result<UserRecord, ReadError> {
    Ok(UserRecord {
        id: row.get(0)?,
        username: row.get(1)?,
        email: row.get(2)?,
        phone: row.get(3)?,
        signup_at: row.get(4)?,
        last_active_at: row.get(5)?,
        roles: roles(row.get(6)?),
        quota_bytes: row.get(7)?,
    })
}

fn session(row: &Row) -> Result<SessionRecord, ReadError> {
    Ok(SessionRecord { session: row.get(0)?, account: row.get(1)?, expires_at: row.get(2)?, roles: roles(row.get(3)?) })
}

fn roles(is_admin: bool) -> BTreeSet<Role> {
    is_admin.then_some(Role::Admin).into_iter().collect()
}
