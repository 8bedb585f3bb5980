use cairn_domain::file::File;
use cairn_domain::space::Holder;
use cairn_domain::upload::{FileMerged, MergeCommand, PartRange, Phase, Upload, UploadCommand, UploadRejection, UploadStarted};
use cairn_domain::{Decider, FileId, Position, UploadId};

use super::expire::lose;
use super::own_upload;
use super::settle::{Merged, Stored, merge_command, parts_of, settle};
use super::status::{file_of, stream_of};
use crate::file::ReplaceError;
use crate::folder;
use crate::journal::Start;
use crate::ports::staging::StagingError;
use crate::{Caller, Drive, Loaded, Request, Trouble, offline, space};

/// The file that the upload has become.
#[derive(Debug, Clone)]
pub struct Completed {
    /// Which entry it is.
    pub id: FileId,
    /// The entry.
    pub file: Loaded<File>,
    /// False when it was complete before.
    pub new: bool,
    /// Where the log then stood.
    pub position: Position,
}

/// Why the upload has not become a file.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The caller has no such upload.
    #[error("there is no such upload")]
    Absent,
    /// It was cancelled or has expired.
    #[error("the upload has ended without a file")]
    Closed,
    /// Some parts have not come.
    #[error("parts are missing")]
    PartsMissing {
        /// Which.
        missing: Vec<PartRange>,
    },
    /// The bytes are not what was declared; the upload has ended.
    #[error("the bytes are not the declared ones")]
    DigestMismatch,
    /// The entry can't get another content.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// How often the bytes are read again because a part came in between.
const READINGS_MAX: u32 = 5;

/// Puts the parts together. The commit point is `FileMerged`; the blob and the entry follow from it.
pub async fn complete(drive: &Drive, request: &Request, caller: &Caller, id: UploadId) -> Result<Completed, CompleteError> {
    own_upload(drive, caller.account, id).await?.ok_or(CompleteError::Absent)?;
    complete_any(drive, request, id).await
}

/// The same for an upload whoever has sent its parts.
pub(crate) async fn complete_any(drive: &Drive, request: &Request, id: UploadId) -> Result<Completed, CompleteError> {
    let _turn = drive.merging.turn(id.0).await;
    for _ in 0..READINGS_MAX {
        let loaded = drive.journal.load::<Upload>(&stream_of(id)).await?;
        if let Some(merged) = ended(&loaded.state)? {
            return finish(drive, request, id, merged, false).await;
        }
        // Promised when it was started, unless there was no limit then.
        if let Some(UploadStarted { owner, size, offline, .. }) = loaded.state.started() {
            let file = offline.map_or_else(|| file_of(id), offline::file_of);
            space::reserve(drive, *owner, file, *size, Holder::Upload(id)).await?;
        }
        match merge(drive, request, id, &loaded.state).await? {
            Merge::Done(merged) => return finish(drive, request, id, &merged, true).await,
            Merge::Rejected => {
                drive.ports.staging.discard(id).await.map_err(Trouble::from)?;
                return Err(CompleteError::DigestMismatch);
            }
            Merge::Again => {}
        }
    }
    Err(CompleteError::Trouble(Trouble::Busy))
}

/// What it has become, if it has ended well; none while it is open.
fn ended(upload: &Upload) -> Result<Option<&FileMerged>, CompleteError> {
    match upload.phase() {
        Phase::Open if upload.missing().is_empty() => Ok(None),
        Phase::Open => Err(CompleteError::PartsMissing { missing: upload.missing() }),
        Phase::Merged(merged) => Ok(Some(merged)),
        Phase::Cancelled | Phase::Expired => Err(CompleteError::Closed),
        Phase::Rejected(_) => Err(CompleteError::DigestMismatch),
    }
}

enum Merge {
    Done(Box<FileMerged>),
    Rejected,
    /// The upload changed while its bytes were read.
    Again,
}

async fn merge(drive: &Drive, request: &Request, id: UploadId, upload: &Upload) -> Result<Merge, Trouble> {
    let whole = match drive.ports.staging.seal(id, &parts_of(upload)).await {
        Ok(whole) => whole,
        // Ended or changed under our hands: the next look says which.
        Err(_) if changed(drive, id, upload).await? => return Ok(Merge::Again),
        Err(StagingError::Absent(_)) if lose(drive, id, false).await? => return Ok(Merge::Again),
        Err(error) => return Err(error.into()),
    };
    let folder = match upload.started() {
        Some(started) => folder::still_in_use(drive, started.owner, started.folder).await?,
        None => None,
    };
    let offline = upload.started().and_then(|started| started.offline);
    let (revision, file) = (upload.revision(), offline.map_or_else(|| file_of(id), offline::file_of));
    let command = MergeCommand { revision, sha256: whole.sha256, sha1: whole.sha1, file, folder };
    let decide = |upload: &Loaded<Upload>| match upload.state.decide(UploadCommand::Merge(command)) {
        Ok(events) => Ok(events),
        Err(UploadRejection::ChangedMeanwhile | UploadRejection::Closed(_) | UploadRejection::PartsMissing { .. }) => {
            Ok(Vec::new())
        }
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    let request = Request { command: merge_command(id), keyed: false, ..request.clone() };
    let merged = drive.journal.execute::<Upload, Trouble>(&stream_of(id), Start::Load, &request, decide).await?;
    Ok(match merged.state.phase() {
        Phase::Merged(merged) => Merge::Done(merged.clone()),
        Phase::Rejected(_) => Merge::Rejected,
        Phase::Open | Phase::Cancelled | Phase::Expired => Merge::Again,
    })
}

async fn changed(drive: &Drive, id: UploadId, before: &Upload) -> Result<bool, Trouble> {
    let now = drive.journal.load::<Upload>(&stream_of(id)).await?.state;
    Ok(now.phase() != before.phase() || now.revision() != before.revision())
}

/// The entry of an upload that was merged: made now, or before.
pub(crate) async fn finish_merged(drive: &Drive, request: &Request, id: UploadId, merged: &FileMerged) -> Result<FileId, Trouble> {
    let cause = merge_command(id).event(stream_of(id).as_str(), 0);
    let merged = Merged { upload: id, staged: id, cause, event: merged, start: Start::Load, blob: None };
    Ok(settle(drive, request, merged).await?.id)
}

async fn finish(
    drive: &Drive,
    request: &Request,
    id: UploadId,
    merged: &FileMerged,
    new: bool,
) -> Result<Completed, CompleteError> {
    let cause = merge_command(id).event(stream_of(id).as_str(), 0);
    let Stored { id, file, .. } =
        settle(drive, request, Merged { upload: id, staged: id, cause, event: merged, start: Start::Load, blob: None }).await?;
    drive.visible(file.position).await;
    Ok(Completed { id, new, position: file.position, file })
}
