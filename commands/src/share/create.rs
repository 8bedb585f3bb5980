use cairn_domain::file::{File, FileStatus};
use cairn_domain::folder::FolderStatus;
use cairn_domain::share::{Share, ShareCommand, ShareCreated, ShareRejection, Terms};
use cairn_domain::{Decider, FileId, StreamName, Timestamp};

use super::{Changed, SharePassword, ShareToken};
use crate::file::own_entry;
use crate::folder::status_of_place;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// Somebody wants others to have one of their files.
#[derive(Debug, Clone)]
pub struct CreateShare {
    /// The entry.
    pub file: FileId,
    /// What others must know.
    pub password: Option<SharePassword>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// How many downloads there may be.
    pub max_downloads: Option<u64>,
}

/// Why there is no share.
#[derive(Debug, thiserror::Error)]
pub enum CreateShareError {
    /// The caller has no such file.
    #[error("there is no such file")]
    NoSuchFile,
    /// The file is in the trash: restore it first.
    #[error("the file is in the trash")]
    Trashed,
    /// Its end is not in the future.
    #[error("the end of the share is over")]
    EndIsOver,
    /// The account has as many as it may.
    #[error("there are {limit} shares already")]
    TooMany {
        /// How many there may be.
        limit: u64,
    },
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Makes a share of one of the caller's files. Whoever is given the token may use it.
pub async fn create(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    token: ShareToken,
    wish: CreateShare,
) -> Result<Changed, CreateShareError> {
    if wish.expires_at.is_some_and(|end| end <= drive.ports.clock.now()) {
        return Err(CreateShareError::EndIsOver);
    }
    let file = drive.journal.load::<File>(&StreamName::file(wish.file)).await?;
    let entry = own_entry(wish.file, &file, caller).ok_or(CreateShareError::NoSuchFile)?;
    match status_of_place(drive, caller.account, entry.folder).await? {
        FolderStatus::Active if entry.status == FileStatus::Active => {}
        FolderStatus::Active | FolderStatus::Trashed => return Err(CreateShareError::Trashed),
        FolderStatus::Absent => return Err(CreateShareError::NoSuchFile),
    }
    let limit = drive.limits.shares_max;
    if drive.ports.views.shares_of(caller.account).await.map_err(Trouble::from)? >= limit {
        return Err(CreateShareError::TooMany { limit });
    }
    let password_hash = match wish.password {
        Some(password) => Some(drive.hash_share_password(password).await?),
        None => None,
    };
    let terms = Terms { password_hash, expires_at: wish.expires_at, max_downloads: wish.max_downloads };
    let created = ShareCreated { owner: caller.account, file: wish.file, token_sha256: token.sha256(), terms };
    let decide = |share: &Loaded<Share>| match share.state.decide(ShareCommand::Create(created.clone())) {
        Ok(events) => Ok(events),
        Err(ShareRejection::AlreadyCreated) => Ok(Vec::new()),
        Err(other) => Err(CreateShareError::Trouble(Trouble::Broken(format!("{other:?}").into()))),
    };
    let share = drive.journal.execute(&StreamName::share(token.share), Start::Fresh, request, decide).await?;
    drive.visible(share.position).await;
    let offered = share.state.offered().cloned().ok_or(CreateShareError::Trouble(Trouble::Busy))?;
    let name = Some(entry.name.clone());
    Ok(Changed { id: token.share, share: offered, name, created_at: share.first_at, position: share.position })
}
