use cairn_domain::blob::{Blob, BlobCommand, BlobEvent, BlobStored};
use cairn_domain::file::{File, FileAdded, FileCommand, FileEvent, FileRejection, Origin};
use cairn_domain::upload::{FileMerged, Part, Upload};
use cairn_domain::{CommandId, Decider, EventId, Sha256, StreamName, UploadId};

use super::status::stream_of;
use crate::journal::{Fresh, Start};
use crate::ports::staging::StagingError;
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

/// An entry as it was made, and what its document tells of its content.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The entry.
    pub file: Loaded<File>,
    /// The name of the store that holds its content.
    pub stored_in: String,
}

/// What follows from `FileMerged`: the staged bytes become a blob, then the blob is on the log, then the entry.
///
/// Each step may run again, by the command or by the saga after a crash, and gives the same events.
pub(crate) async fn settle(drive: &Drive, request: &Request, merged: Merged<'_>) -> Result<Stored, Trouble> {
    let Merged { upload, staged, cause, event: merged, start } = merged;
    let file_stream = StreamName::file(merged.file);
    if start == Start::Load {
        let known = drive.journal.load::<File>(&file_stream).await?;
        if known.version.is_some() {
            // Another run of the same request was first; bytes that this one staged are not needed.
            drive.ports.staging.discard(staged).await?;
            let blob = drive.journal.load::<Blob>(&StreamName::blob(merged.sha256)).await?;
            return Ok(Stored { file: known, stored_in: store_of(drive, &blob) });
        }
    }
    promote(drive, staged, merged.sha256).await?;
    let command = CommandId(upload.0).then("settle");
    let request = Request { keyed: false, ..request.because_of(cause, command) };
    let blob_stream = StreamName::blob(merged.sha256);
    let entry_request = request.because_of(command.event(blob_stream.as_str(), 0), command);
    let store = BlobCommand::StoreFor(stored_of(drive, merged), merged.file);
    let add = FileCommand::Add(added_of(upload, merged));
    let both = drive.journal.append_fresh::<Blob, File>(
        Fresh { stream: &blob_stream, request: &request, events: decide_store(&Blob::default(), &store)? },
        Fresh { stream: &file_stream, request: &entry_request, events: decide_add(&File::default(), &add)? },
    );
    let (blob, file) = match both.await? {
        Some(both) => both,
        None => (
            drive.journal.execute(&blob_stream, Start::Load, &request, |blob| decide_store(&blob.state, &store)).await?,
            drive.journal.execute(&file_stream, Start::Load, &entry_request, |file| decide_add(&file.state, &add)).await?,
        ),
    };
    Ok(Stored { file, stored_in: store_of(drive, &blob) })
}

/// The staged bytes become a blob. Another process may have sealed other versions of the parts meanwhile; then those on the log are sealed
/// again.
async fn promote(drive: &Drive, staged: UploadId, sha256: Sha256) -> Result<(), Trouble> {
    match drive.ports.staging.promote(staged, sha256).await {
        Err(StagingError::Absent(_)) => {}
        promoted => return Ok(promoted?),
    }
    let upload = drive.journal.load::<Upload>(&stream_of(staged)).await?.state;
    let parts = parts_of(&upload);
    if parts.is_empty() || drive.ports.staging.seal(staged, &parts).await?.sha256 != sha256 {
        return Err(StagingError::Absent(staged).into());
    }
    Ok(drive.ports.staging.promote(staged, sha256).await?)
}

/// Every part as the log has it, in order.
pub(crate) fn parts_of(upload: &Upload) -> Vec<(Part, Sha256)> {
    let part = |offset: &u64, length| Part { offset: *offset, length };
    upload.chunks().iter().map(|(offset, chunk)| (part(offset, chunk.length), chunk.sha256)).collect()
}

fn decide_store(blob: &Blob, command: &BlobCommand) -> Result<Vec<BlobEvent>, Trouble> {
    blob.decide(command.clone()).map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
}

fn decide_add(file: &File, command: &FileCommand) -> Result<Vec<FileEvent>, Trouble> {
    match file.decide(command.clone()) {
        // It was made before, and may have changed since, or be gone again.
        Err(FileRejection::AlreadyAdded) => Ok(Vec::new()),
        decision => decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into())),
    }
}

fn stored_of(drive: &Drive, merged: &FileMerged) -> BlobStored {
    BlobStored { size: merged.size, sha1: merged.sha1, store: drive.ports.blobs.name().to_owned() }
}

fn added_of(upload: UploadId, merged: &FileMerged) -> FileAdded {
    FileAdded {
        owner: merged.owner,
        name: merged.name.clone(),
        folder: merged.folder,
        size: merged.size,
        sha256: merged.sha256,
        sha1: merged.sha1,
        content_type: merged.content_type.clone(),
        origin: Origin::Upload(upload),
    }
}

/// The command that merges an upload: one for each upload, so that whoever merges it makes the same event.
pub(crate) fn merge_command(upload: UploadId) -> CommandId {
    CommandId(upload.0).then("merge")
}

/// The name of the store that holds a content; the drive's own when the log does not say.
pub(crate) fn store_of(drive: &Drive, blob: &Loaded<Blob>) -> String {
    blob.state.stored.as_ref().map_or_else(|| drive.ports.blobs.name().to_owned(), |stored| stored.store.clone())
}
