//! Passwords as they come in, and the patience with wrong ones.

use cairn_domain::Invalid;
use zxcvbn::{Score, zxcvbn};

use crate::once::Key;
use crate::pace::network_of;
use crate::{Drive, Request, Trouble};

/// A password as it was typed: 8 to 256 characters. It is never shown, logged or stored.
#[derive(Clone)]
pub struct Password(String);

impl std::str::FromStr for Password {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (8..=256).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid("a password has 8 to 256 characters"))
        }
    }
}

impl Password {
    /// Whether it is among the first that anybody would try, who may know these words about its owner: less than a thousand guesses.
    pub fn is_guessable(&self, known: &[&str]) -> bool {
        zxcvbn(&self.0, known).score() == Score::Zero
    }

    /// A password to be checked, whatever its shape: what could never have been set is simply wrong.
    pub fn to_check(text: &str) -> Self {
        Self(text.chars().take(257).collect())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Drive {
    /// Begins an attempt at a password for this name, from this address; or tells how many seconds it must wait.
    pub(super) async fn begin_attempt(&self, name: &str, request: &Request) -> Option<u64> {
        let (now, attempts, limits) = (self.ports.clock.now(), &self.ports.attempts, &self.limits);
        let by_name = attempts.begin(&name_key(name), now, limits.attempts_per_name).await;
        if by_name.is_some() {
            return by_name;
        }
        let address = address_key(request)?;
        let by_address = attempts.begin(&address, now, limits.attempts_per_address).await;
        if by_address.is_some() {
            attempts.forgive(&name_key(name)).await;
        }
        by_address
    }

    /// The attempt was right. The failures of its address stay: they may have been at other names.
    pub(super) async fn attempt_was_right(&self, name: &str, request: &Request) {
        self.ports.attempts.forget(&name_key(name)).await;
        if let Some(address) = address_key(request) {
            self.ports.attempts.forgive(&address).await;
        }
    }

    /// What can stand in for a password where two requests are compared: as dear to guess from as its stored hash.
    pub async fn password_print(&self, key: &Key, password: &str) -> Result<String, Trouble> {
        let salt = self.sign(&[b"password print", key.as_str().as_bytes()]);
        self.ports.passwords.hash(password.to_owned(), salt).await.map_err(Trouble::Unavailable)
    }
}

fn name_key(name: &str) -> String {
    format!("password/name/{name}")
}

fn address_key(request: &Request) -> Option<String> {
    Some(format!("password/address/{}", network_of(request.client.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_first_is_guessable() {
        let guessable = |text: &str| text.parse::<Password>().expect("a password").is_guessable(&["margarethe"]);
        for text in ["password", "12345678", "qwertyuiop", "aaaaaaaaaa", "iloveyou", "margarethe", "Password"] {
            assert!(guessable(text), "{text}");
        }
        for text in ["correct horse", "tr0ub4dor&3", "a new password", "mein Päßwort"] {
            assert!(!guessable(text), "{text}");
        }
    }
}
