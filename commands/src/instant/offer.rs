use cairn_domain::file::File;
use cairn_domain::{FileName, FolderId, StreamName};

use super::add_entry;
use super::challenge::{Asked, Challenge, ask};
use crate::folder;
use crate::ports::views::ContentHash;
use crate::{Caller, Drive, Loaded, Request, Trouble};

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
}

/// What comes of it.
#[derive(Debug, Clone)]
pub enum Offer {
    /// The caller has the content in another entry: here is one more.
    Added(Box<Loaded<File>>),
    /// Show that you hold it.
    Challenge(Challenge),
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// There is no such folder.
    #[error("there is no such folder")]
    NoSuchFolder,
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
    if let Some(file) = from_own_entry(drive, request, caller, &wish).await? {
        return Ok(Offer::Added(Box::new(file)));
    }
    let expires_at = drive.ports.clock.now().plus_seconds(drive.limits.challenge_expires_seconds);
    let challenge = Challenge::new(drive, wish.size, expires_at);
    let FastUpload { content, size, name, folder } = wish;
    let asked = Asked { owner: caller.account, content, size, name, folder, challenge };
    ask(drive, &asked).await?;
    Ok(Offer::Challenge(asked.challenge))
}

async fn from_own_entry(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    wish: &FastUpload,
) -> Result<Option<Loaded<File>>, Trouble> {
    let Some(id) = drive.ports.views.entry_with_content(caller.account, wish.content).await? else { return Ok(None) };
    let file = drive.journal.load::<File>(&StreamName::file(id)).await?;
    let added = file.state.entry().map(|entry| &entry.added);
    match added.filter(|added| added.owner == caller.account && added.size == wish.size) {
        Some(added) => add_entry(drive, request, caller.account, added.sha256, wish.name.clone(), wish.folder).await,
        None => Ok(None),
    }
}
