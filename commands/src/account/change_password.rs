use cairn_domain::account::{Account, AccountCommand, AccountRejection};
use cairn_domain::{Decider, Position, StreamName};

use super::Password;
use super::ended::Ending;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble};

/// Somebody wants another password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The one that is valid now.
    pub old_password: Password,
    /// The one to be.
    pub new_password: Password,
}

/// Why the password is still the old one.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The old password is wrong.
    #[error("the old password is wrong")]
    BadCredentials,
    /// Too many wrong ones came before.
    #[error("too many attempts, wait {wait_seconds} s")]
    TooManyAttempts {
        /// Until the next may come.
        wait_seconds: u64,
    },
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<AccountRejection> for ChangePasswordError {
    fn from(rejection: AccountRejection) -> Self {
        match rejection {
            AccountRejection::PasswordChangedMeanwhile | AccountRejection::NotRegistered => Self::BadCredentials,
            AccountRejection::AlreadyRegistered => Self::Trouble(Trouble::Busy),
        }
    }
}

/// Replaces the caller's password; every other session of theirs ends.
pub async fn change_password(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    wish: ChangePassword,
) -> Result<Position, ChangePasswordError> {
    let stream = StreamName::account(caller.account);
    let account = drive.journal.load::<Account>(&stream).await?;
    let known = account.state.registered().ok_or(ChangePasswordError::BadCredentials)?;
    let (canonical, verified_hash) = (known.username.canonical(), known.password_hash.clone());
    if let Some(wait_seconds) = drive.begin_attempt(&canonical, request).await {
        return Err(ChangePasswordError::TooManyAttempts { wait_seconds });
    }
    let passwords = &drive.ports.passwords;
    let old = wish.old_password.into_text();
    let right = passwords.verify(old, Some(verified_hash.clone())).await.map_err(Trouble::Unavailable)?;
    if !right {
        return Err(ChangePasswordError::BadCredentials);
    }
    drive.attempt_was_right(&canonical, request).await;
    let salt = drive.ports.ids.random();
    let new_hash = passwords.hash(wish.new_password.into_text(), salt).await.map_err(Trouble::Unavailable)?;
    let ending = Ending::default();
    let changed = drive
        .journal
        .execute(&stream, Start::Load, request, |account: &Loaded<Account>| {
            let (verified_hash, new_hash) = (verified_hash.clone(), new_hash.clone());
            let command = AccountCommand::ChangePassword { verified_hash, new_hash, keep: caller.session };
            ending.note(account.state.decide(command)).map_err(ChangePasswordError::from)
        })
        .await?;
    drive.end_sessions(ending.sessions()).await;
    drive.visible(changed.position).await;
    Ok(changed.position)
}
