use serde::{Deserialize, Serialize};

use crate::AccountId;

/// Who asks for the bytes of a share, as far as that can be told: the same one may go on with a download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visitor {
    /// Somebody who has signed in.
    Account(AccountId),
    /// Anybody at these addresses.
    Network(String),
    /// Nothing is known.
    Unknown,
}
