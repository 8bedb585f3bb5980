use cairn_domain::transfer::{Transfer, TransferCommand};
use cairn_domain::{Decider, StreamName, TransferId};

use super::{TransferError, tell};
use crate::journal::Start;
use crate::{Journal, Loaded, Request};

/// Gives a transfer up, whether it is under way or rests. One that was given up before stays as it is.
pub async fn abandon(
    journal: &Journal,
    request: &Request,
    id: TransferId,
    reason: String,
) -> Result<Loaded<Transfer>, TransferError> {
    let decide = |transfer: &Loaded<Transfer>| -> Result<_, TransferError> {
        Ok(transfer.state.decide(TransferCommand::Abandon { reason: reason.clone() })?)
    };
    let done = journal.execute_and_tell(&StreamName::transfer(id), Start::Load, request, decide).await?;
    if done.event.is_some() {
        tell(id, &done.loaded, request, "a transfer is abandoned");
    }
    Ok(done.loaded)
}
