//! People: signing up, in and out, passwords, roles and quotas.

mod change_password;
mod change_quota;
mod credentials;
mod ended;
mod grant_role;
mod sign_in;
mod sign_out;
mod sign_up;

pub use change_password::{ChangePassword, ChangePasswordError, change_password};
pub use change_quota::change_quota;
pub use credentials::Password;
pub use grant_role::{find_account, grant_role};
pub use sign_in::{Recognised, SignIn, SignInError, SignedIn, open_session, recognise, sign_in};
pub use sign_out::sign_out;
pub(crate) use sign_up::register as register_claimed;
pub use sign_up::{SignUp, SignUpError, SignedUp, sign_up};

use cairn_domain::account::Account;
use cairn_domain::username::{ClaimedUsername, UsernameClaimed};
use cairn_domain::{AccountId, StreamName, Username};

use crate::{Drive, Journal, Trouble};

/// Why a change to an account that should exist did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no such account.
    #[error("there is no such account")]
    Absent,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<cairn_domain::account::AccountRejection> for AccountError {
    fn from(rejection: cairn_domain::account::AccountRejection) -> Self {
        use cairn_domain::account::AccountRejection as Rejection;
        match rejection {
            Rejection::NotRegistered => Self::Absent,
            Rejection::AlreadyRegistered | Rejection::PasswordChangedMeanwhile => Self::Trouble(Trouble::Busy),
        }
    }
}

/// The claim that stands on a name, and its stream. Who had the name in an earlier version has it before those who have one like it since.
async fn standing_claim(journal: &Journal, username: &Username) -> Result<Option<(StreamName, UsernameClaimed)>, Trouble> {
    for stream in StreamName::usernames(username) {
        let claimed = journal.load::<ClaimedUsername>(&stream).await?;
        if let Some(claim) = claimed.state.claim {
            return Ok(Some((stream, claim)));
        }
    }
    Ok(None)
}

/// What the account is called, if there is such.
pub async fn username_of(drive: &Drive, account: AccountId) -> Result<Option<Username>, Trouble> {
    let account = drive.journal.load::<Account>(&StreamName::account(account)).await?;
    Ok(account.state.registered().map(|known| known.username.clone()))
}
