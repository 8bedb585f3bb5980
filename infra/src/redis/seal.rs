//! What stands in Redis is readable to whoever runs it, and writable, too. So names and addresses stand there as a keyed hash, and a session
//! is believed only with the drive's own seal.

use std::collections::BTreeSet;

use cairn_commands::Caller;
use cairn_commands::ports::sessions::Session;
use cairn_domain::account::Role;
use cairn_domain::{AccountId, SessionId, Sha256, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use uuid::Uuid;

/// The version of the text below. A process that does not know it knows nothing of the session.
const VERSION: &str = "1";
/// Version, session, account, two times and the roles, in hex. The HMAC-SHA-256 of it stands behind.
const BODY_BYTES: usize = 1 + 32 + 32 + 16 + 16 + 2;

const ROLES: [Role; 1] = [Role::Admin];

const fn bit(role: Role) -> u8 {
    match role {
        Role::Admin => 1,
    }
}

/// The keys that only the processes of one drive have.
#[derive(Clone)]
pub struct Seal([u8; 32]);

impl Seal {
    /// Of the drive that has this secret.
    pub fn of(secret: &[u8; 32]) -> Self {
        Self(keyed(secret, &[b"what the processes of a drive share"]).finalize().into_bytes().into())
    }

    /// What stands for a name that is nobody's business.
    pub(super) fn name(&self, name: &str) -> String {
        hex::encode(&keyed(&self.0, &[b"name", name.as_bytes()]).finalize().into_bytes()[..16])
    }

    /// A session as text. The id of the session stands behind the version, where scripts look for it.
    pub(super) fn seal(&self, token_sha256: Sha256, session: &Session, asked_at: Timestamp) -> String {
        let Session { caller, expires_at } = session;
        let roles = caller.roles.iter().fold(0, |roles, role| roles | bit(*role));
        let body = format!(
            "{VERSION}{}{}{:016x}{:016x}{roles:02x}",
            caller.session.0.as_simple(),
            caller.account.0.as_simple(),
            expires_at.0.cast_unsigned(),
            asked_at.0.cast_unsigned(),
        );
        let seal = self.of_session(token_sha256, body.as_bytes()).finalize().into_bytes();
        body + &hex::encode(seal)
    }

    /// The session of a text that was sealed here, for this token, and when the read tables were asked. None for anything else.
    pub(super) fn open(&self, token_sha256: Sha256, text: &[u8]) -> Option<(Session, Timestamp)> {
        let (body, seal) = text.split_at_checked(BODY_BYTES)?;
        self.of_session(token_sha256, body).verify_slice(&hex::decode(seal).ok()?).ok()?;
        let mut rest = std::str::from_utf8(body).ok()?.strip_prefix(VERSION)?;
        let mut next = |digits: usize| {
            let (field, behind) = rest.split_at_checked(digits)?;
            rest = behind;
            Some(field)
        };
        let session = SessionId(Uuid::try_parse(next(32)?).ok()?);
        let account = AccountId(Uuid::try_parse(next(32)?).ok()?);
        let [expires_at, asked_at] = [time(next(16)?)?, time(next(16)?)?];
        let roles = roles(u8::from_str_radix(next(2)?, 16).ok()?)?;
        Some((Session { caller: Caller { account, session, roles }, expires_at }, asked_at))
    }

    fn of_session(&self, token_sha256: Sha256, body: &[u8]) -> Hmac<sha2::Sha256> {
        keyed(&self.0, &[b"session", &token_sha256.0, body])
    }
}

fn time(hex: &str) -> Option<Timestamp> {
    u64::from_str_radix(hex, 16).ok().map(|micros| Timestamp(micros.cast_signed()))
}

/// None when there is one that this program does not know.
fn roles(bits: u8) -> Option<BTreeSet<Role>> {
    let known: BTreeSet<Role> = ROLES.into_iter().filter(|role| bits & bit(*role) != 0).collect();
    (known.iter().fold(0, |all, role| all | bit(*role)) == bits).then_some(known)
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8; 32], pieces: &[&[u8]]) -> Hmac<sha2::Sha256> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("a key of 32 bytes");
    for piece in pieces {
        mac.update(&(piece.len() as u64).to_be_bytes());
        mac.update(piece);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEALED_BYTES: usize = BODY_BYTES + 64;
    const TOKEN: Sha256 = Sha256([3; 32]);

    fn session(roles: &[Role]) -> Session {
        let caller = Caller {
            account: AccountId(Uuid::from_u128(7)),
            session: SessionId(Uuid::from_u128(9)),
            roles: roles.iter().copied().collect(),
        };
        Session { caller, expires_at: Timestamp(-5) }
    }

    #[test]
    fn what_was_sealed_is_opened_by_the_same_drive_for_the_same_token() {
        let seal = Seal::of(&[1; 32]);
        for roles in [&[][..], &[Role::Admin]] {
            let text = seal.seal(TOKEN, &session(roles), Timestamp(i64::MAX));
            assert_eq!(text.len(), SEALED_BYTES);
            assert_eq!(seal.open(TOKEN, text.as_bytes()), Some((session(roles), Timestamp(i64::MAX))));
            assert_eq!(seal.open(Sha256([4; 32]), text.as_bytes()), None, "another token");
            assert_eq!(Seal::of(&[2; 32]).open(TOKEN, text.as_bytes()), None, "another drive");
        }
    }

    #[test]
    fn whatever_was_touched_is_nothing() {
        let seal = Seal::of(&[1; 32]);
        let text = seal.seal(TOKEN, &session(&[]), Timestamp(5)).into_bytes();
        for at in 0..text.len() {
            let mut touched = text.clone();
            touched[at] ^= 1;
            assert_eq!(seal.open(TOKEN, &touched), None, "byte {at}");
            assert_eq!(seal.open(TOKEN, &text[..at]), None, "cut at {at}");
        }
        let longer = [&text[..], b"0"].concat();
        for nonsense in [&b""[..], b"1", &[0xff; SEALED_BYTES], longer.as_slice(), &[b'1'; 500]] {
            assert_eq!(seal.open(TOKEN, nonsense), None);
        }
    }

    #[test]
    fn names_can_not_be_read_or_guessed() {
        let (ours, theirs) = (Seal::of(&[1; 32]), Seal::of(&[2; 32]));
        assert_eq!(ours.name("alice"), ours.name("alice"));
        assert_ne!(ours.name("alice"), ours.name("bob"));
        assert_ne!(ours.name("alice"), theirs.name("alice"));
        assert_eq!(ours.name("alice").len(), 32);
    }
}
