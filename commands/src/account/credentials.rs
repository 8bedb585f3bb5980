//! Passwords as they come in, and the patience with wrong ones.

use cairn_domain::Invalid;

use crate::{Drive, Request};

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
    /// Seconds to wait before another password may be tried for this name, or from this address.
    pub(super) async fn password_wait(&self, name: &str, request: &Request) -> Option<u64> {
        let now = self.ports.clock.now();
        let by_name = self.ports.attempts.wait_seconds(&name_key(name), now, self.limits.attempts_per_name).await;
        let by_address = match address_key(request) {
            Some(key) => self.ports.attempts.wait_seconds(&key, now, self.limits.attempts_per_address).await,
            None => None,
        };
        by_name.max(by_address)
    }

    pub(super) async fn password_judged(&self, name: &str, request: &Request, right: bool) {
        let now = self.ports.clock.now();
        let (attempts, limits) = (&self.ports.attempts, &self.limits);
        if right {
            attempts.succeeded(&name_key(name)).await;
        } else {
            attempts.failed(&name_key(name), now, limits.attempts_per_name).await;
            if let Some(key) = address_key(request) {
                attempts.failed(&key, now, limits.attempts_per_address).await;
            }
        }
    }
}

fn name_key(name: &str) -> String {
    format!("password/name/{name}")
}

fn address_key(request: &Request) -> Option<String> {
    request.client.as_ref().map(|address| format!("password/address/{address}"))
}
