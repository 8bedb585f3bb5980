use cairn_domain::share::{Share, ShareCommand};
use cairn_domain::{Decider, Position, ShareId, StreamName};

use super::{ShareError, own_share};
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request};

/// Ends the caller's share for good. Whoever asks the log, and everybody does, sees it at once; what others have saved of it stays theirs.
pub async fn revoke(drive: &Drive, request: &Request, caller: &Caller, id: ShareId) -> Result<Position, ShareError> {
    let decide = |share: &Loaded<Share>| -> Result<_, ShareError> {
        own_share(share, caller).ok_or(ShareError::Absent)?;
        Ok(share.state.decide(ShareCommand::Revoke)?)
    };
    let turn = drive.sharing.turn(id.0).await;
    let share = drive.journal.execute(&StreamName::share(id), Start::Load, request, decide).await?;
    drop(turn);
    drive.visible(share.position).await;
    Ok(share.position)
}
