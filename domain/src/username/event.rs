//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{AccountId, EmailAddress, PhoneNumber, Username};

/// What may have happened to a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsernameEvent {
    /// Somebody took it.
    UsernameClaimed(UsernameClaimed),
}

/// The commit point of a sign-up: it carries the whole account, so that the account can be made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsernameClaimed {
    /// For whom.
    pub account: AccountId,
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
