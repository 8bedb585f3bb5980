use cairn_domain::OfflineId;
use cairn_domain::offline::{Offline, OfflineCommand, OfflineRejection};
use cairn_domain::{Decider, StreamName};

use super::{own_offline, tidy};
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// Why the download goes on.
#[derive(Debug, thiserror::Error)]
pub enum CancelOfflineError {
    /// The caller has no such download.
    #[error("there is no such download")]
    Absent,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Ends a download without a file, stops whoever is at it and gives its space back. One that has ended stays as it has; so does one whose
/// file had come before.
pub async fn cancel(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    id: OfflineId,
) -> Result<Loaded<Offline>, CancelOfflineError> {
    own_offline(drive, caller.account, id).await?.ok_or(CancelOfflineError::Absent)?;
    let decide = |offline: &Loaded<Offline>| {
        offline.state.decide(OfflineCommand::Cancel).map_err(|rejection| match rejection {
            OfflineRejection::Absent => CancelOfflineError::Absent,
            other => CancelOfflineError::Trouble(Trouble::Broken(format!("{other:?}").into())),
        })
    };
    let cancelled = drive.journal.execute(&StreamName::offline(id), Start::Load, request, decide).await?;
    drive.under_way.stop(id);
    let ended = tidy(drive, id, cancelled).await?;
    drive.visible(ended.position).await;
    Ok(ended)
}
