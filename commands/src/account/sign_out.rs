use cairn_domain::account::{Account, AccountCommand};
use cairn_domain::{Decider, Position, StreamName};

use super::AccountError;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request};

/// Ends the caller's session.
pub async fn sign_out(drive: &Drive, request: &Request, caller: &Caller) -> Result<Position, AccountError> {
    let decide =
        |account: &Loaded<Account>| account.state.decide(AccountCommand::CloseSession(caller.session)).map_err(AccountError::from);
    let closed = drive.journal.execute(&StreamName::account(caller.account), Start::Load, request, decide).await?;
    // Also when it had ended before: whoever ended it may not have come as far as to say so.
    drive.end_sessions([caller.session]).await;
    drive.visible(closed.position).await;
    Ok(closed.position)
}
