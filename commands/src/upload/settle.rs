use cairn_domain::blob::{Blob, BlobCommand, BlobStored};
use cairn_domain::file::{File, FileAdded, FileCommand, FileRejection, Origin};
use cairn_domain::upload::FileMerged;
use cairn_domain::{CommandId, Decider, EventId, StreamName, UploadId};

use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble};

/// A merged upload, and where its bytes wait.
pub(crate) struct Merged<'a> {
    /// Which upload.
    pub upload: UploadId,
    /// The name under which staging holds its bytes.
    pub staged: UploadId,
    /// The id of the `FileMerged` event: the cause of all that follows.
    pub cause: EventId,
    /// What it said.
    pub event: &'a FileMerged,
    /// Whether somebody may have settled it before.
    pub start: Start,
}

/// What follows from `FileMerged`: the staged bytes become a blob, then the blob is on the log, then the entry.
///
/// Each step may run again, by the command or by the saga after a crash, and gives the same events.
pub(crate) async fn settle(drive: &Drive, request: &Request, merged: Merged<'_>) -> Result<Loaded<File>, Trouble> {
    let Merged { upload, staged, cause, event: merged, start } = merged;
    let file_stream = StreamName::file(merged.file);
    if start == Start::Load {
        let known = drive.journal.load::<File>(&file_stream).await?;
        if known.version.is_some() {
            // Another run of the same request was first; bytes that this one staged are not needed.
            drive.ports.staging.discard(staged).await?;
            return Ok(known);
        }
    }
    drive.ports.staging.promote(staged, merged.sha256).await?;
    let command = CommandId(upload.0).then("settle");
    let request = Request { keyed: false, ..request.because_of(cause, command) };
    store(drive, &request, merged).await?;
    let blob = StreamName::blob(merged.sha256);
    let request = request.because_of(command.event(blob.as_str(), 0), command);
    let added = FileAdded {
        owner: merged.owner,
        name: merged.name.clone(),
        folder: merged.folder,
        size: merged.size,
        sha256: merged.sha256,
        sha1: merged.sha1,
        content_type: merged.content_type.clone(),
        origin: Origin::Upload(upload),
    };
    let decide = |file: &Loaded<File>| match file.state.decide(FileCommand::Add(added.clone())) {
        Ok(events) => Ok(events),
        // It was made before, and may have changed since, or be gone again.
        Err(FileRejection::AlreadyAdded) => Ok(Vec::new()),
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    drive.journal.execute(&file_stream, Start::Fresh, &request, decide).await
}

/// The command that merges an upload: one for each upload, so that whoever merges it makes the same event.
pub(crate) fn merge_command(upload: UploadId) -> CommandId {
    CommandId(upload.0).then("merge")
}

async fn store(drive: &Drive, request: &Request, merged: &FileMerged) -> Result<(), Trouble> {
    let stored = BlobStored { size: merged.size, sha1: merged.sha1, store: drive.ports.blobs.name().to_owned() };
    let decide = |blob: &Loaded<Blob>| {
        let command = BlobCommand::StoreFor(stored.clone(), merged.file);
        blob.state.decide(command).map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    drive.journal.execute(&StreamName::blob(merged.sha256), Start::Fresh, request, decide).await.map(|_| ())
}
