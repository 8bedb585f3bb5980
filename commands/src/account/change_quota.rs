use cairn_domain::account::{Account, AccountCommand};
use cairn_domain::{AccountId, Decider, Position, StreamName};

use super::AccountError;
use crate::journal::Start;
use crate::{Drive, Loaded, Request};

/// Sets the bytes that an account may hold; none for the default.
pub async fn change_quota(
    drive: &Drive,
    request: &Request,
    account: AccountId,
    quota_bytes: Option<u64>,
) -> Result<Position, AccountError> {
    let decide =
        |account: &Loaded<Account>| account.state.decide(AccountCommand::SetQuota(quota_bytes)).map_err(AccountError::from);
    let changed = drive.journal.execute(&StreamName::account(account), Start::Load, request, decide).await?;
    drive.visible(changed.position).await;
    Ok(changed.position)
}
