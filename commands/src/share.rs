//! Shares: a way for others to an entry, by a token that only its holders know.
//!
//! A token names its share, so that it is looked up on the log itself: what was revoked is dead at once, on every node.

mod activity;
mod coverage;
mod create;
mod deliveries;
mod download;
mod find;
mod revoke;
mod save;
mod secret;
mod token;
mod update;

pub use activity::{Activity, activity};
pub use create::{CreateShare, CreateShareError, create};
pub(crate) use deliveries::Deliveries;
pub use download::{Delivery, Grant, Receipt, begin, peek};
pub use find::{FindError, Found, find};
pub use revoke::revoke;
pub(crate) use save::finish_saved;
pub use save::{SaveError, SaveShare, save};
pub use secret::SharePassword;
pub use token::{ShareToken, new_token};
pub use update::{ChangeShare, update};

use cairn_domain::share::{Offered, Share, ShareRejection};
use cairn_domain::{FileName, Position, ShareId, Timestamp};

use crate::{Caller, Loaded, Trouble};

/// A share as a command left it.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Which.
    pub id: ShareId,
    /// What is known of it.
    pub share: Offered,
    /// What the entry is called now; none when it is gone.
    pub name: Option<FileName>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where the log then stood.
    pub position: Position,
}

/// Why a change to a share did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The caller has no such share.
    #[error("there is no such share")]
    Absent,
    /// It was revoked, which nothing undoes.
    #[error("the share was revoked")]
    Revoked,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<ShareRejection> for ShareError {
    fn from(rejection: ShareRejection) -> Self {
        match rejection {
            ShareRejection::Absent => Self::Absent,
            ShareRejection::Over => Self::Revoked,
            ShareRejection::AlreadyCreated | ShareRejection::UsedUp => Self::Trouble(Trouble::Busy),
        }
    }
}

/// The share, if it is the caller's own; somebody else's is as absent as one that never was.
fn own_share<'a>(share: &'a Loaded<Share>, caller: &Caller) -> Option<&'a Offered> {
    share.state.offered().filter(|offered| offered.owner == caller.account)
}
