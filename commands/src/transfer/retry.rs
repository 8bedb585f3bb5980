use cairn_domain::transfer::{Transfer, TransferCommand};
use cairn_domain::{Decider, StreamName, TransferId};

use super::{TransferError, tell};
use crate::journal::Start;
use crate::{Journal, Loaded, Request};

/// Has a transfer that rests tried again. One that is under way goes on as it is.
pub async fn retry(journal: &Journal, request: &Request, id: TransferId) -> Result<Loaded<Transfer>, TransferError> {
    let decide = |transfer: &Loaded<Transfer>| -> Result<_, TransferError> { Ok(transfer.state.decide(TransferCommand::Retry)?) };
    let done = journal.execute_and_tell(&StreamName::transfer(id), Start::Load, request, decide).await?;
    if done.event.is_some() {
        tell(id, &done.loaded, request, "a transfer is retried");
    }
    Ok(done.loaded)
}
