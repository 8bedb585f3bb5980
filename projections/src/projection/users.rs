//! Who may use the drive, and with which tokens.

use cairn_domain::Event;
use cairn_domain::account::{AccountEvent, AccountRegistered, QuotaChanged, Role, RoleGranted, RoleRevoked, SessionOpened};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, Value, value::integer};
use crate::table::{Columns, Table};

table! {
    /// One row per account.
    User = "tbl_user" {
        /// The account.
        Id = "id": Id,
        /// As given.
        Username = "username": Text(64),
        /// The form that makes it unique. Lower case may be longer.
        UsernameCanonical = "username_canonical": Text(255),
        /// Where to write to.
        Email = "email": MaybeText(254),
        /// Where to call.
        Phone = "phone": MaybeText(32),
        /// When the account was made.
        SignupAt = "signup_at": Integer,
        /// When the last session was opened.
        LastActiveAt = "last_active_at": MaybeInteger,
        /// 1 for those who may operate the drive as a whole.
        IsAdmin = "is_admin": Integer,
        /// In bytes; null for the configured default.
        QuotaBytes = "quota_bytes": MaybeInteger,
    }
    indexes { "ix_user_username_canonical": [UsernameCanonical], }
}

table! {
    /// One row per session that was not closed; some may have expired.
    UserToken = "tbl_user_token" {
        /// The session.
        SessionId = "session_id": Id,
        /// Of the bearer token.
        TokenSha256 = "token_sha256": Sha256,
        /// Whose it is.
        AccountId = "account_id": Id,
        /// When it began.
        OpenedAt = "opened_at": Integer,
        /// When the token stops working.
        ExpiresAt = "expires_at": Integer,
    }
    indexes { "ix_user_token_token_sha256": [TokenSha256], }
}

/// `tbl_user` and `tbl_user_token`.
#[derive(Debug, Clone, Copy)]
pub struct Users;

impl Projection for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[User::TABLE, UserToken::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &["AccountRegistered", "SessionOpened", "SessionClosed", "RoleGranted", "RoleRevoked", "QuotaChanged"]
    }

    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        let Event::Account(event) = event else { return Ok(Vec::new()) };
        Ok(match event {
            AccountEvent::AccountRegistered(registered) => vec![account(registered, envelope)],
            AccountEvent::SessionOpened(opened) => session(opened, envelope).into(),
            AccountEvent::SessionClosed(closed) => vec![Statement::remove::<UserToken>(closed.session.to_string())],
            AccountEvent::RoleGranted(RoleGranted { role: Role::Admin }) => vec![admin(envelope, 1)],
            AccountEvent::RoleRevoked(RoleRevoked { role: Role::Admin }) => vec![admin(envelope, 0)],
            AccountEvent::QuotaChanged(changed) => vec![quota(changed, envelope)?],
            AccountEvent::PasswordChanged(_) => Vec::new(),
        })
    }
}

fn account(registered: &AccountRegistered, envelope: Envelope<'_>) -> Statement {
    Statement::put(
        envelope.id(),
        [
            (User::Username, registered.username.to_string().into()),
            (User::UsernameCanonical, registered.username.canonical().into()),
            (User::Email, registered.email.as_ref().map(ToString::to_string).into()),
            (User::Phone, registered.phone.as_ref().map(ToString::to_string).into()),
            (User::SignupAt, envelope.time.into()),
            (User::IsAdmin, Value::Integer(0)),
        ],
    )
}

fn session(opened: &SessionOpened, envelope: Envelope<'_>) -> [Statement; 2] {
    let token = Statement::put(
        opened.session.to_string(),
        [
            (UserToken::TokenSha256, opened.token_sha256.into()),
            (UserToken::AccountId, envelope.id().into()),
            (UserToken::OpenedAt, envelope.time.into()),
            (UserToken::ExpiresAt, opened.expires_at.into()),
        ],
    );
    [token, Statement::set(envelope.id(), [(User::LastActiveAt, envelope.time.into())])]
}

fn admin(envelope: Envelope<'_>, is_admin: i64) -> Statement {
    Statement::set(envelope.id(), [(User::IsAdmin, is_admin.into())])
}

fn quota(changed: &QuotaChanged, envelope: Envelope<'_>) -> Result<Statement, Unprojectable> {
    let quota = changed.quota_bytes.map(integer).transpose()?;
    Ok(Statement::set(envelope.id(), [(User::QuotaBytes, quota.into())]))
}
