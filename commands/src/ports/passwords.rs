//! Password hashing: slow on purpose, so it is bounded and off the runtime's threads.

use async_trait::async_trait;

use super::BoxError;

/// Makes and checks password hashes in PHC form.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// A new hash with this salt: the same again for the same password and salt. An error says that it could not be done now, for
    /// instance because too many wait for their turn.
    async fn hash(&self, password: String, salt: [u8; 32]) -> Result<String, BoxError>;

    /// True when the password is the one of the hash. With no hash the same work is done and the answer is no,
    /// so that time tells nothing about whether an account exists.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, BoxError>;
}

/// The twin: readable, and for tests only.
#[derive(Debug, Default)]
pub struct PlainPasswords;

#[async_trait]
impl Passwords for PlainPasswords {
    async fn hash(&self, password: String, _salt: [u8; 32]) -> Result<String, BoxError> {
        Ok(format!("plain:{password}"))
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, BoxError> {
        Ok(hash.is_some_and(|hash| hash == format!("plain:{password}")))
    }
}
