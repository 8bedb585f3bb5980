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

use cairn_domain::blob::{Blob, BlobCommand, BlobRejection};
use cairn_domain::file::{File, FileAdded, FileCommand, FileRejection, Origin};
use cairn_domain::{AccountId, Decider, FileName, FolderId, Sha256, StreamName};

use crate::file::content_type_of;
use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble};

/// Makes an entry of a stored content; none when it is not stored (any more).
pub(crate) async fn add_entry(
    drive: &Drive,
    request: &Request,
    owner: AccountId,
    sha256: Sha256,
    name: FileName,
    folder: Option<FolderId>,
) -> Result<Option<Loaded<File>>, Trouble> {
    let id = request.new_file();
    let refer = |blob: &Loaded<Blob>| match blob.state.decide(BlobCommand::ReferTo(id)) {
        Ok(events) => Ok(events),
        Err(BlobRejection::NotStored) => Ok(Vec::new()),
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    let stream = StreamName::blob(sha256);
    let blob = drive.journal.execute::<Blob, Trouble>(&stream, Start::Load, request, refer).await?;
    // Behind a reference that came too late the content may be gone.
    let Some(content) = blob.state.sound().next().and(blob.state.content()) else { return Ok(None) };
    let added = FileAdded {
        owner,
        content_type: content_type_of(None, &name),
        name,
        folder,
        size: content.size,
        sha256,
        sha1: content.sha1,
        origin: Origin::Instant,
    };
    let cause = request.command.event(stream.as_str(), 0);
    let request = request.because_of(cause, request.command);
    let add = |file: &Loaded<File>| match file.state.decide(FileCommand::Add(added.clone())) {
        Ok(events) => Ok(events),
        Err(FileRejection::AlreadyAdded) => Ok(Vec::new()),
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    let file = drive.journal.execute(&StreamName::file(id), Start::Fresh, &request, add).await?;
    drive.visible(file.position).await;
    Ok(Some(file))
}
