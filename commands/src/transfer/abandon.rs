use cairn_domain::transfer::{Transfer, TransferCommand};
use cairn_domain::{Decider, StreamName, TransferId};

use super::TransferError;
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
    journal.execute(&StreamName::transfer(id), Start::Load, request, decide).await
}
