use cairn_domain::{Sha256, ShareId};
use sha2::Digest;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::{Caller, Drive, Request};

/// Bytes of a token that nobody can guess: 192 bits.
const SECRET_BYTES: usize = 24;

/// What whoever holds a share holds: the id of the share and its secret, in hex.
#[derive(Clone, Copy)]
pub struct ShareToken {
    /// Which share.
    pub share: ShareId,
    secret: [u8; SECRET_BYTES],
}

/// A token for the share that this request makes: from the operating system, or for a keyed request the same on every retry, so that nothing
/// secret has to be stored to give the first answer again.
pub fn new_token(drive: &Drive, request: &Request, caller: &Caller) -> ShareToken {
    let chance = if request.keyed {
        drive.sign(&[b"share token", request.command.0.as_bytes(), caller.account.0.as_bytes()])
    } else {
        drive.ports.ids.random()
    };
    let mut secret = [0; SECRET_BYTES];
    secret.copy_from_slice(&chance[..SECRET_BYTES]);
    ShareToken { share: ShareId(request.command.derive("share")), secret }
}

impl ShareToken {
    pub(super) fn sha256(&self) -> Sha256 {
        Sha256(sha2::Sha256::digest(self.to_string().as_bytes()).into())
    }

    /// Whether this is the token of the share that says so. The time that it takes tells nothing.
    pub(super) fn is_of(&self, token_sha256: Sha256) -> bool {
        self.sha256().0.ct_eq(&token_sha256.0).into()
    }
}

impl std::fmt::Display for ShareToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.share.0.simple(), hex::encode(self.secret))
    }
}

impl std::fmt::Debug for ShareToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ShareToken({}, ..)", self.share)
    }
}

/// The text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no token of a share")]
pub struct NotAToken;

impl std::str::FromStr for ShareToken {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let mut bytes = [0; 16 + SECRET_BYTES];
        // One share has one token: capital letters would be another text for it.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NotAToken);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAToken)?;
        let (share, secret) = bytes.split_at(16);
        let share = Uuid::from_slice(share).map_err(|_| NotAToken)?;
        Ok(Self { share: ShareId(share), secret: secret.try_into().map_err(|_| NotAToken)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_in_no_other_way() {
        let token = ShareToken { share: ShareId(Uuid::from_u128(7)), secret: [0xab; SECRET_BYTES] };
        let text = token.to_string();
        assert_eq!(text.len(), 80);
        let read: ShareToken = text.parse().expect("a token");
        assert!(read.is_of(token.sha256()) && read.share == token.share);
        for wrong in ["", "x", &text[1..], &text.to_uppercase(), &format!("{text}0"), &text.replace('a', "g")] {
            assert!(wrong.parse::<ShareToken>().is_err(), "{wrong}");
        }
        let other = ShareToken { secret: [0xac; SECRET_BYTES], ..token };
        assert!(!other.is_of(token.sha256()));
    }
}
