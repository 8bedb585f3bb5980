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
use cairn_domain::{FileName, FolderId, Sha256};

use crate::content::content_size;
use crate::file::{NewEntry, add_stored};
use crate::{Caller, Drive, Loaded, Request, Trouble, space};

/// Makes an entry of a stored content; none when it is not stored (any more).
async fn add_entry(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    sha256: Sha256,
    name: FileName,
    folder: Option<FolderId>,
) -> Result<Option<Loaded<File>>, Trouble> {
    let (id, owner) = (request.new_file(), caller.account);
    let size = content_size(drive, sha256).await?;
    space::reserve(drive, owner, id, size, Holder::Command).await?;
    let new = NewEntry { id, owner, name, folder, sha256, content_type: None, origin: Origin::Instant };
    add_stored(drive, request, new).await
}
