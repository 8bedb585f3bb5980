use super::event::{AccountRegistered, Role, SessionOpened};
use crate::SessionId;

/// What may be asked of an account.
#[derive(Debug, Clone)]
pub enum AccountCommand {
    /// Make it, after its name was claimed.
    Register(AccountRegistered),
    /// Replace the password; every session but the kept one ends.
    ChangePassword {
        /// The stored hash against which the old password was checked: if it has changed meanwhile, the check is void.
        verified_hash: String,
        /// The new password's hash in PHC form.
        new_hash: String,
        /// The session that asks.
        keep: SessionId,
    },
    /// Start a session; beyond the limit the oldest ends.
    OpenSession {
        /// The stored hash against which the password was checked.
        verified_hash: String,
        /// The session.
        session: SessionOpened,
        /// How many may be open at once, at least 1.
        sessions_max: usize,
    },
    /// End a session.
    CloseSession(SessionId),
    /// Allow more.
    GrantRole(Role),
    /// Allow less.
    RevokeRole(Role),
    /// Set the bytes that the account may hold; none for the default.
    SetQuota(Option<u64>),
}
