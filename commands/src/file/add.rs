use cairn_domain::blob::{Blob, BlobCommand, BlobRejection};
use cairn_domain::file::{File, FileAdded, FileCommand, FileRejection, Origin};
use cairn_domain::{AccountId, Decider, FileId, FileName, FolderId, Sha256, StreamName};

use super::content_type_of;
use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble};

/// An entry to be made of a content that is there already.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    /// Which entry it will be.
    pub id: FileId,
    /// Whose it will be.
    pub owner: AccountId,
    /// What it will be called.
    pub name: FileName,
    /// Where it will stand; none is the top.
    pub folder: Option<FolderId>,
    /// The content.
    pub sha256: Sha256,
    /// Its media type, if one is known.
    pub content_type: Option<String>,
    /// How it comes to be.
    pub origin: Origin,
    /// The entry for which it holds the content, if it is not one of its own.
    pub version_of: Option<FileId>,
}

/// Makes an entry of a stored content; none when it is not stored (any more). To be repeated at will.
pub(crate) async fn add_stored(drive: &Drive, request: &Request, new: NewEntry) -> Result<Option<Loaded<File>>, Trouble> {
    let NewEntry { id, owner, name, folder, sha256, content_type, origin, version_of } = new;
    let refer = |blob: &Loaded<Blob>| match blob.state.decide(BlobCommand::ReferTo(id)) {
        Ok(events) => Ok(events),
        Err(BlobRejection::NotStored) => Ok(Vec::new()),
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    let stream = StreamName::blob(sha256);
    let blob = drive.journal.execute::<Blob, Trouble>(&stream, Start::Load, request, refer).await?;
    // Behind a reference that came too late the content may be gone.
    let Some(content) = blob.state.sound().next().and(blob.state.content()) else { return Ok(None) };
    let content_type = content_type_of(content_type, &name);
    let added = FileAdded { owner, name, folder, size: content.size, sha256, sha1: content.sha1, content_type, origin, version_of };
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
