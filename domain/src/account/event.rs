//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{EmailAddress, PhoneNumber, SessionId, Sha256, Timestamp, Username};

/// What may have happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountEvent {
    /// It was made.
    AccountRegistered(AccountRegistered),
    /// Its password was replaced.
    PasswordChanged(PasswordChanged),
    /// Somebody signed in.
    SessionOpened(SessionOpened),
    /// A session ended.
    SessionClosed(SessionClosed),
    /// It may do more.
    RoleGranted(RoleGranted),
    /// It may do less.
    RoleRevoked(RoleRevoked),
    /// It may hold more or less.
    QuotaChanged(QuotaChanged),
}

/// The account was made, after its name was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRegistered {
    /// The name as it was given.
    pub username: Username,
    /// The password's argon2id hash in PHC form.
    pub password_hash: String,
    /// Where to write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Where to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneNumber>,
}

/// The password was replaced. The sessions that end with it follow as events of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChanged {
    /// The new password's argon2id hash in PHC form.
    pub password_hash: String,
}

/// Somebody signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOpened {
    /// The session.
    pub session: SessionId,
    /// SHA-256 of the bearer token; the token itself is known to its holder alone.
    pub token_sha256: Sha256,
    /// When the token stops working.
    pub expires_at: Timestamp,
}

/// A session ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClosed {
    /// The session.
    pub session: SessionId,
    /// Why.
    pub reason: SessionEnd,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// Its holder signed out.
    SignedOut,
    /// The password was changed from another session.
    PasswordChanged,
    /// It was the oldest when one too many was opened.
    Displaced,
}

/// What an account may be, beside the owner of its drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May see and operate the drive as a whole.
    Admin,
}

/// The account may do more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGranted {
    /// The role that it has now.
    pub role: Role,
}

/// The account may do less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRevoked {
    /// The role that it had.
    pub role: Role,
}

/// The account may hold more or less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaChanged {
    /// In bytes; none for the configured default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<u64>,
}
