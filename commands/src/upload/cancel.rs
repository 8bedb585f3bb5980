use cairn_domain::upload::{FileMerged, Phase, Upload, UploadCommand, UploadRejection};
use cairn_domain::{CommandId, Decider, Position, UploadId};

use super::own_upload;
use super::status::stream_of;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// Why the upload goes on.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// The caller has no such upload.
    #[error("there is no such upload")]
    Absent,
    /// It has become a file.
    #[error("the upload has become a file")]
    Closed,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Ends an upload without a file and gives its space back.
pub async fn cancel(drive: &Drive, request: &Request, caller: &Caller, id: UploadId) -> Result<Position, CancelError> {
    own_upload(drive, caller.account, id).await?.ok_or(CancelError::Absent)?;
    let decide = |upload: &Loaded<Upload>| {
        upload.state.decide(UploadCommand::Cancel).map_err(|rejection| match rejection {
            UploadRejection::Absent => CancelError::Absent,
            UploadRejection::Closed(_) => CancelError::Closed,
            other => CancelError::Trouble(Trouble::Broken(format!("{other:?}").into())),
        })
    };
    let cancelled = drive.journal.execute(&stream_of(id), Start::Load, request, decide).await?;
    drive.ports.staging.discard(id).await.map_err(Trouble::from)?;
    drive.visible(cancelled.position).await;
    Ok(cancelled.position)
}

/// What is left of an upload that the system itself gives up.
#[derive(Debug, Clone)]
pub(crate) enum GivenUp {
    /// Nothing.
    Gone,
    /// It was too late: the upload has become a file, and its bytes are needed.
    Merged(Box<FileMerged>),
}

/// Ends an upload that nobody else takes part in, whether it was started or not: a worker that still has its bytes comes too late with them.
pub(crate) async fn give_up(drive: &Drive, id: UploadId) -> Result<GivenUp, Trouble> {
    let request = Request::of_system(CommandId(id.0).then("give up"));
    let decide = |upload: &Loaded<Upload>| Ok::<_, Trouble>(upload.state.decide(UploadCommand::Withdraw).unwrap_or_default());
    let upload = drive.journal.execute::<Upload, Trouble>(&stream_of(id), Start::Load, &request, decide).await?;
    if let Phase::Merged(merged) = upload.state.phase() {
        return Ok(GivenUp::Merged(merged.clone()));
    }
    drive.ports.staging.discard(id).await?;
    Ok(GivenUp::Gone)
}
