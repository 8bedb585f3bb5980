use cairn_domain::account::{Account, AccountCommand, Role};
use cairn_domain::{AccountId, Decider, Position, StreamName, Username};

use super::{AccountError, standing_claim};
use crate::journal::Start;
use crate::{Journal, Loaded, Request};

/// Lets an account do more, or with `granted` false less again. Needs no more than the journal: the first operator is made beside a drive
/// that may be running or not.
pub async fn grant_role(
    journal: &Journal,
    request: &Request,
    account: AccountId,
    role: Role,
    granted: bool,
) -> Result<Position, AccountError> {
    let command = if granted { AccountCommand::GrantRole(role) } else { AccountCommand::RevokeRole(role) };
    let decide = |account: &Loaded<Account>| account.state.decide(command.clone()).map_err(AccountError::from);
    let changed = journal.execute(&StreamName::account(account), Start::Load, request, decide).await?;
    Ok(changed.position)
}

/// The account that has this name.
pub async fn find_account(journal: &Journal, username: &Username) -> Result<AccountId, AccountError> {
    let claimed = standing_claim(journal, username).await?;
    claimed.map(|(_, claim)| claim.account).ok_or(AccountError::Absent)
}
