use std::time::Duration;

use cairn_commands::account::{AccountError, ChangePasswordError, SignInError, SignUpError};

use crate::http::problem::{Explain, Problem, common, problems};

problems! {
    /// Why nobody was signed up.
    pub SignUpProblem: + JSON_BODY + COMMAND + OPEN;
    /// Someone has this name, in this or another spelling; choose another.
    409 username_taken;
}

problems! {
    /// Why no session was opened.
    pub SignInProblem: + JSON_BODY + COMMAND + OPEN;
    /// The user name or the password is wrong.
    401 bad_credentials;
    /// Too many wrong passwords came; wait as long as Retry-After says.
    429 too_many_attempts retry after 1;
}

problems! {
    /// Why the session goes on.
    pub SignOutProblem: + COMMAND + SIGNED_IN;
}

problems! {
    /// Why nothing is told.
    pub InfoProblem: invalid + SIGNED_IN;
}

problems! {
    /// Why the password is still the old one.
    pub PasswordProblem: + JSON_BODY + COMMAND + SIGNED_IN;
    /// The old password is wrong.
    401 bad_credentials;
    /// Too many wrong passwords came; wait as long as Retry-After says.
    429 too_many_attempts retry after 1;
}

impl From<SignUpError> for SignUpProblem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::UsernameTaken => Self::username_taken(),
            SignUpError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<SignInError> for SignInProblem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::BadCredentials => Self::bad_credentials(),
            SignInError::SessionEnded => Problem::of(common::idempotency_key_reused).into(),
            SignInError::TooManyAttempts { wait_seconds } => {
                Self::too_many_attempts().retry_after(Duration::from_secs(wait_seconds))
            }
            SignInError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<AccountError> for SignOutProblem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Absent => Problem::of(common::unauthorized).into(),
            AccountError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}

impl From<ChangePasswordError> for PasswordProblem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::BadCredentials => Self::bad_credentials(),
            ChangePasswordError::TooManyAttempts { wait_seconds } => {
                Self::too_many_attempts().retry_after(Duration::from_secs(wait_seconds))
            }
            ChangePasswordError::Trouble(trouble) => Problem::from(trouble).into(),
        }
    }
}
