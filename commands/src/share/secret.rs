use cairn_domain::{Invalid, ShareId};
use uuid::Uuid;

use crate::pace::network_of;
use crate::{Drive, Request, Trouble};

/// The password of a share as it was typed: 1 to 256 characters. It is never shown, logged or stored.
#[derive(Clone)]
pub struct SharePassword(String);

impl std::str::FromStr for SharePassword {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (1..=256).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid("the password of a share has 1 to 256 characters"))
        }
    }
}

impl std::fmt::Debug for SharePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharePassword(..)")
    }
}

/// What a look at a password came to.
pub(super) enum Looked {
    Right,
    Wrong,
    TooMany { wait_seconds: u64 },
}

impl Drive {
    pub(super) async fn hash_share_password(&self, password: SharePassword) -> Result<String, Trouble> {
        self.ports.passwords.hash(password.0, self.ports.ids.random()).await.map_err(Trouble::Unavailable)
    }

    /// Whether this is the password of the share; unless too many others came before from the same network.
    pub(super) async fn look_at_share_password(
        &self,
        share: ShareId,
        hash: &str,
        typed: &str,
        request: &Request,
    ) -> Result<Looked, Trouble> {
        let network = request.client.as_deref().map_or_else(|| "nowhere".to_owned(), network_of);
        let (attempts, key) = (&self.ports.attempts, format!("password/share/{share}/{network}"));
        // One after the other: what is right must not count as wrong while it is looked at.
        let _turn = self.guessing.turn(Uuid::new_v5(&Uuid::NAMESPACE_URL, key.as_bytes())).await;
        if let Some(wait_seconds) = attempts.begin(&key, self.ports.clock.now(), self.limits.attempts_per_share).await {
            return Ok(Looked::TooMany { wait_seconds });
        }
        // What could never have been set is simply wrong.
        let typed: String = typed.chars().take(257).collect();
        let looked = self.ports.passwords.verify(typed, Some(hash.to_owned())).await;
        if matches!(looked, Ok(false)) {
            return Ok(Looked::Wrong);
        }
        // Right, or not looked at.
        attempts.forgive(&key).await;
        looked.map(|_| Looked::Right).map_err(Trouble::Unavailable)
    }
}
