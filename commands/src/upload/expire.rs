use std::time::Duration;

use cairn_domain::blob::Blob;
use cairn_domain::file::File;
use cairn_domain::upload::{Phase, Upload, UploadCommand, UploadRejection};
use cairn_domain::{CommandId, Decider, Sha256, StreamName, Timestamp, UploadId};

use super::cancel::{GivenUp, give_up};
use super::status::stream_of;
use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble, offline};

/// Uploads that one round of the clean-up looks at.
const ROUND: u64 = 100;

/// Ends uploads to which nothing came for too long and gives their space back. Returns how many ended. One that can't be ended does
/// not keep the others.
pub async fn expire_overdue(drive: &Drive) -> Result<u64, Trouble> {
    let now = drive.ports.clock.now();
    let mut ended = 0;
    for id in drive.ports.views.overdue_uploads(now, ROUND).await? {
        match expire(drive, id, now).await {
            Ok(expired) => ended += u64::from(expired),
            Err(error) => tracing::error!(upload = %id, error = ?error, "an overdue upload can't be ended yet"),
        }
    }
    Ok(ended)
}

async fn expire(drive: &Drive, id: UploadId, now: Timestamp) -> Result<bool, Trouble> {
    let request = Request::of_system(CommandId(id.0).then("expire"));
    let decide = |upload: &Loaded<Upload>| match upload.state.decide(UploadCommand::Expire { now }) {
        Ok(events) => Ok(events),
        // The read tables were behind: it is alive, or has ended otherwise.
        Err(UploadRejection::StillAlive | UploadRejection::Closed(_) | UploadRejection::Absent) => Ok(Vec::new()),
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    let upload = drive.journal.execute(&stream_of(id), Start::Load, &request, decide).await?;
    let expired = *upload.state.phase() == Phase::Expired;
    if expired {
        drive.ports.staging.discard(id).await?;
    }
    Ok(expired)
}

/// Ends an upload of which nothing is left here, so that its owner begins anew: its parts were not in a backup, or a disk has lost them. False, and
/// nothing, when there is something. One that was `merged` ends only if its bytes are known not to be among the contents either.
pub(crate) async fn lose(drive: &Drive, id: UploadId, merged: bool) -> Result<bool, Trouble> {
    if drive.ports.staging.holds(id).await? {
        return Ok(false);
    }
    let request = Request::of_system(CommandId(id.0).then("lose"));
    let decide = |upload: &Loaded<Upload>| {
        let decision = upload.state.decide(UploadCommand::Lose { merged });
        decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    let upload = drive.journal.execute::<Upload, Trouble>(&stream_of(id), Start::Load, &request, decide).await?;
    tracing::error!(upload = %id, "nothing is left of an upload: it has ended");
    drive.visible(upload.position).await;
    Ok(true)
}

/// Promotes again what a power cut has brought back, and gives back the space of uploads that the log knows to have ended, or
/// does not know at all: what a crash left behind.
/// Looks only at those to which nothing has come for so long: at all of them before the drive takes requests, and after
/// [`finish_begun`](crate::sagas::finish_begun), and otherwise at those that no command can still be at. Returns how many were swept.
pub async fn sweep_staging(drive: &Drive, quiet: Duration) -> Result<u64, Trouble> {
    let mut swept = 0;
    for id in drive.ports.staging.list(quiet).await? {
        match sweep(drive, id).await {
            Ok(gone) => swept += u64::from(gone),
            Err(error) => tracing::error!(upload = %id, error = ?error, "what is staged can't be judged yet and stays"),
        }
    }
    Ok(swept)
}

/// A power cut may have undone the promotion of a file, and then these are the only bytes, too. Not if the content has gone elsewhere since.
async fn promote_again(drive: &Drive, id: UploadId, sha256: Sha256) -> Result<(), Trouble> {
    let blob = drive.journal.load::<Blob>(&StreamName::blob(sha256)).await?.state;
    let landing = drive.ports.stores.landing().name();
    if blob.health_in(landing).is_some() {
        drive.ports.staging.promote(id, blob.key_in(landing, sha256)).await?;
    }
    Ok(())
}

/// An open upload needs its bytes, and so does one that was merged and has not become a file yet: they are the only ones there are.
async fn sweep(drive: &Drive, id: UploadId) -> Result<bool, Trouble> {
    let upload = drive.journal.load::<Upload>(&stream_of(id)).await?.state;
    let wanted = match upload.phase() {
        Phase::Open => match upload.started().map(|started| started.offline) {
            None => false,
            Some(None) => true,
            Some(Some(offline)) if offline::needs(drive, offline, id).await? => true,
            // Its download has ended and died before it could say so here.
            Some(Some(_)) => return Ok(matches!(give_up(drive, id).await?, GivenUp::Gone)),
        },
        Phase::Merged(merged) => {
            let became_file = drive.journal.load::<File>(&StreamName::file(merged.file)).await?.version.is_some();
            if became_file {
                promote_again(drive, id, merged.sha256).await?;
            }
            !became_file
        }
        Phase::Cancelled | Phase::Expired | Phase::Rejected(_) => false,
    };
    if !wanted {
        drive.ports.staging.discard(id).await?;
    }
    Ok(!wanted)
}
