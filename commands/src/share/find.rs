use cairn_domain::file::{Entry, File, FileStatus};
use cairn_domain::share::{Offered, Share, Standing};
use cairn_domain::{FileId, ShareId, StreamName};

use super::ShareToken;
use super::secret::Looked;
use crate::folder::is_in_use;
use crate::{Drive, Loaded, Request, Trouble};

/// What a token leads to.
#[derive(Debug, Clone)]
pub struct Found {
    /// The share.
    pub id: ShareId,
    /// What is known of it.
    pub share: Offered,
    /// The entry.
    pub file: Loaded<File>,
    /// What is known of the entry.
    pub entry: Entry,
}

/// Why a token leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Unknown, revoked, expired, used up, or its entry is not in use: all alike.
    #[error("there is no such share")]
    Absent,
    /// It asks for a password, and none came, or a wrong one.
    #[error("the share asks for its password")]
    PasswordRequired,
    /// Too many wrong ones came before.
    #[error("too many attempts, wait {wait_seconds} s")]
    TooManyAttempts {
        /// Until the next may come.
        wait_seconds: u64,
    },
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// What the token leads to, if it can be used.
pub async fn find(drive: &Drive, token: &ShareToken) -> Result<Found, FindError> {
    let found = look_up(drive, token).await?;
    match found.share.standing(drive.ports.clock.now()) {
        Standing::Active => Ok(found),
        Standing::UsedUp | Standing::Expired | Standing::Revoked => Err(FindError::Absent),
    }
}

/// The same, also when there were as many downloads as there may be: somebody may have one to go on with.
pub(super) async fn look_up(drive: &Drive, token: &ShareToken) -> Result<Found, FindError> {
    let share = drive.journal.load::<Share>(&StreamName::share(token.share)).await?.state;
    let offered = share.offered().filter(|share| token.is_of(share.token_sha256)).ok_or(FindError::Absent)?;
    let standing = offered.standing(drive.ports.clock.now());
    if matches!(standing, Standing::Expired | Standing::Revoked) {
        return Err(FindError::Absent);
    }
    let file = drive.journal.load::<File>(&StreamName::file(offered.file)).await?;
    let entry = file.state.entry().filter(|entry| entry.status == FileStatus::Active).cloned().ok_or(FindError::Absent)?;
    // An entry belongs to whoever made it, so it can't have come to anybody else since.
    if !is_in_use(drive, entry.added.owner, entry.folder).await? {
        return Err(FindError::Absent);
    }
    Ok(Found { id: token.share, share: offered.clone(), file, entry })
}

/// Lets whoever knows the password pass, or anybody where none is asked for.
pub(super) async fn pass(drive: &Drive, found: &Found, password: Option<&str>, request: &Request) -> Result<(), FindError> {
    let Some(hash) = &found.share.terms.password_hash else { return Ok(()) };
    let typed = password.ok_or(FindError::PasswordRequired)?;
    match drive.look_at_share_password(found.id, hash, typed, request).await? {
        Looked::Right => Ok(()),
        Looked::Wrong => Err(FindError::PasswordRequired),
        Looked::TooMany { wait_seconds } => Err(FindError::TooManyAttempts { wait_seconds }),
    }
}

impl Found {
    /// The entry that it leads to.
    pub fn file_id(&self) -> FileId {
        self.share.file
    }
}
