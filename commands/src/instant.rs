//! Instant upload: a content that is there already becomes an entry without being sent again.
//!
//! A hash is not possession. Whoever has no entry of the content yet must show that they hold its bytes: by the
//! digest of random ranges under a random nonce, once, within a minute. Answers never tell whether a content is known.

mod challenge;
mod offer;
mod prove;

pub use challenge::{Challenge, Range};
pub use offer::{FastUpload, Offer, OfferError, offer};
pub use prove::{ProveError, prove};

use cairn_domain::file::{File, Origin};
use cairn_domain::space::Holder;
use cairn_domain::{AccountId, FileId, FileName, FolderId, Sha256};

use crate::content::content_size;
use crate::file::{NewEntry, ReplaceError, add_stored, replace_by};
use crate::{Drive, Loaded, Request, space};

/// An entry that has the content now.
#[derive(Debug, Clone)]
pub struct Added {
    /// Which.
    pub id: FileId,
    /// The entry.
    pub file: Loaded<File>,
}

/// What shall become of a content that is there.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub name: FileName,
    pub folder: Option<FolderId>,
    pub replaces: Option<FileId>,
}

/// Makes an entry of a stored content, or gives it to one; none when it is not stored (any more).
pub(crate) async fn add_entry(
    drive: &Drive,
    request: &Request,
    owner: AccountId,
    sha256: Sha256,
    wanted: Wanted,
) -> Result<Option<Added>, ReplaceError> {
    let id = request.new_file();
    let size = content_size(drive, sha256).await?;
    space::reserve(drive, owner, id, size, Holder::Command).await?;
    let Wanted { name, folder, replaces } = wanted;
    let new = NewEntry { id, owner, name, folder, sha256, content_type: None, origin: Origin::Instant, version_of: replaces };
    let Some(file) = add_stored(drive, request, new).await? else {
        space::release(drive, owner, id).await;
        return Ok(None);
    };
    Ok(Some(match replaces {
        Some(entry) => Added { id: entry, file: replace_by(drive, request, owner, entry, id).await? },
        None => Added { id, file },
    }))
}
