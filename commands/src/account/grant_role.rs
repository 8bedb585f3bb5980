use cairn_domain::account::{Account, AccountCommand, Role};
use cairn_domain::username::ClaimedUsername;
use cairn_domain::{AccountId, Decider, Position, StreamName, Username};

use super::AccountError;
use crate::execute::Start;
use crate::{Drive, Loaded, Request};

/// Lets an account do more, or with `granted` false less again.
pub async fn grant_role(
    drive: &Drive,
    request: &Request,
    account: AccountId,
    role: Role,
    granted: bool,
) -> Result<Position, AccountError> {
    let command = if granted { AccountCommand::GrantRole(role) } else { AccountCommand::RevokeRole(role) };
    let decide = |account: &Loaded<Account>| account.state.decide(command.clone()).map_err(AccountError::from);
    let changed = drive.execute(&StreamName::account(account), Start::Load, request, decide).await?;
    drive.visible(changed.position).await;
    Ok(changed.position)
}

/// The account that has this name.
pub async fn find_account(drive: &Drive, username: &Username) -> Result<AccountId, AccountError> {
    let claimed = drive.load::<ClaimedUsername>(&StreamName::username(username)).await?;
    claimed.state.claim.map(|claim| claim.account).ok_or(AccountError::Absent)
}
