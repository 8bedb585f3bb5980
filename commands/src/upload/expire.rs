use cairn_domain::upload::{Phase, Upload, UploadCommand, UploadRejection};
use cairn_domain::{CommandId, Decider, UploadId};

use super::status::stream_of;
use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble};

/// Uploads that one round of the clean-up looks at.
const ROUND: u64 = 100;

/// Ends uploads to which nothing came for too long and gives their space back. Returns how many ended.
pub async fn expire_overdue(drive: &Drive) -> Result<u64, Trouble> {
    let now = drive.ports.clock.now();
    let mut ended = 0;
    for id in drive.ports.views.overdue_uploads(now, ROUND).await? {
        let request = Request::of_system(CommandId(id.0).then("expire"));
        let decide = |upload: &Loaded<Upload>| match upload.state.decide(UploadCommand::Expire { now }) {
            Ok(events) => Ok(events),
            // The read tables were behind: it is alive, or has ended otherwise.
            Err(UploadRejection::StillAlive | UploadRejection::Closed(_) | UploadRejection::Absent) => Ok(Vec::new()),
            Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
        };
        let upload = drive.journal.execute(&stream_of(id), Start::Load, &request, decide).await?;
        if *upload.state.phase() == Phase::Expired {
            drive.ports.staging.discard(id).await?;
            ended += 1;
        }
    }
    Ok(ended)
}

/// Gives back the space of uploads that the log knows to have ended, or does not know at all: what a crash left behind.
/// To be run before the drive takes requests, and after [`finish_begun`](crate::sagas::finish_begun). Returns how many were swept.
pub async fn sweep_staging(drive: &Drive) -> Result<u64, Trouble> {
    let mut swept = 0;
    for id in drive.ports.staging.list().await? {
        if !wanted(drive, id).await? {
            drive.ports.staging.discard(id).await?;
            swept += 1;
        }
    }
    Ok(swept)
}

async fn wanted(drive: &Drive, id: UploadId) -> Result<bool, Trouble> {
    let upload = drive.journal.load::<Upload>(&stream_of(id)).await?.state;
    Ok(upload.started().is_some() && matches!(upload.phase(), Phase::Open))
}
