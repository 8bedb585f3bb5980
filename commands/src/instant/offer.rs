use cairn_domain::file::{Content, Entry, File};
use cairn_domain::{FileId, FileName, FolderId, StreamName};

use super::challenge::{Asked, Challenge, ask};
use super::{Added, Wanted, add_entry};
use crate::file::{ReplaceError, may_replace, own_entry};
use crate::folder;
use crate::ports::views::ContentHash;
use crate::{Caller, Drive, Request, Trouble};

/// Somebody names a content by its hash and would like not to send it.
#[derive(Debug, Clone)]
pub struct FastUpload {
    /// The content.
    pub content: ContentHash,
    /// In bytes.
    pub size: u64,
    /// What the file will be called.
    pub name: FileName,
    /// Where it will stand; none is the top.
    pub folder: Option<FolderId>,
    /// The entry whose content it will be; none makes an entry of its own.
    pub replaces: Option<FileId>,
}

/// What comes of it.
#[derive(Debug, Clone)]
pub enum Offer {
    /// The caller has the content in another entry: here is one more.
    Added(Box<Added>),
    /// Show that you hold it.
    Challenge(Challenge),
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// There is no such folder.
    #[error("there is no such folder")]
    NoSuchFolder,
    /// The entry can't get another content.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Makes an entry at once when the caller has the content already; asks for proof otherwise, whether the content is
/// known or not.
pub async fn offer(drive: &Drive, request: &Request, caller: &Caller, wish: FastUpload) -> Result<Offer, OfferError> {
    if !folder::is_in_use(drive, caller.account, wish.folder).await? {
        return Err(OfferError::NoSuchFolder);
    }
    may_replace(drive, caller, wish.replaces).await?;
    if let Some(file) = from_own_entry(drive, request, caller, &wish).await? {
        return Ok(Offer::Added(Box::new(file)));
    }
    let expires_at = drive.ports.clock.now().plus_seconds(drive.limits.challenge_expires_seconds);
    let challenge = Challenge::new(drive, wish.size, expires_at);
    let FastUpload { content, size, name, folder, replaces } = wish;
    let asked = Asked { owner: caller.account, content, size, name, folder, replaces, challenge };
    ask(drive, &asked).await?;
    Ok(Offer::Challenge(asked.challenge))
}

async fn from_own_entry(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    wish: &FastUpload,
) -> Result<Option<Added>, ReplaceError> {
    let Some(id) = drive.ports.views.entry_with_content(caller.account, wish.content).await.map_err(Trouble::from)? else {
        return Ok(None);
    };
    let file = drive.journal.load::<File>(&StreamName::file(id)).await?;
    let content = own_entry(id, &file, caller).map(Entry::content);
    // The read tables may be behind: what it has now may be another content.
    let is_meant = |content: &Content| match wish.content {
        ContentHash::Sha256(sha256) => content.sha256 == sha256,
        ContentHash::Sha1(sha1) => content.sha1 == sha1,
    };
    match content.filter(|content| content.size == wish.size && is_meant(content)) {
        Some(content) => {
            let wanted = Wanted { name: wish.name.clone(), folder: wish.folder, replaces: wish.replaces };
            add_entry(drive, request, caller.account, content.sha256, wanted).await
        }
        None => Ok(None),
    }
}
