use cairn_domain::account::{Account, AccountCommand, AccountRejection, SessionOpened};
use cairn_domain::username::UsernameClaimed;
use cairn_domain::{AccountId, Decider, Position, SessionId, Sha256, StreamName, Timestamp, Username, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;
use uuid::Uuid;

use super::Password;
use super::ended::Ending;
use super::sign_up::register;
use super::standing_claim;
use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble};

/// Somebody says who they are.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The name as typed.
    pub username: String,
    /// The password as typed.
    pub password: Password,
}

/// A session was opened.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Whose.
    pub account: AccountId,
    /// The name as it was given at sign-up.
    pub username: Username,
    /// The bearer token: 256 bits in hex, known to nobody else from now on.
    pub token: String,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// Where the log then stood.
    pub position: Position,
}

/// Why there is no session now.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown name or wrong password: which of them is not told.
    #[error("the user name or the password is wrong")]
    BadCredentials,
    /// The session of this keyed request was opened before and has ended.
    #[error("the session of this request has ended")]
    SessionEnded,
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

/// Opens a session. Unknown names cost the same time as known ones.
pub async fn sign_in(drive: &Drive, request: &Request, wish: SignIn) -> Result<SignedIn, SignInError> {
    let person = recognise(drive, request, wish).await?;
    open_session(drive, request, person).await
}

/// Somebody whose password was right.
pub struct Recognised {
    id: AccountId,
    username: Username,
    password_hash: String,
}

/// The first half of a sign-in: who is it?
pub async fn recognise(drive: &Drive, request: &Request, wish: SignIn) -> Result<Recognised, SignInError> {
    let username = wish.username.parse::<Username>().ok();
    let canonical = username.as_ref().map_or_else(|| "(not a name)".to_owned(), Username::canonical);
    // One after the other: what is right must not count as wrong while it is looked at.
    let _turn = drive.guessing.turn(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("password/{canonical}").as_bytes())).await;
    if let Some(wait_seconds) = drive.begin_attempt(&canonical, request).await {
        return Err(SignInError::TooManyAttempts { wait_seconds });
    }
    let known = match username {
        Some(username) => known_account(drive, &username).await?,
        None => None,
    };
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let right = drive.ports.passwords.verify(wish.password.into_text(), hash).await.map_err(Trouble::Unavailable)?;
    if right {
        drive.attempt_was_right(&canonical, request).await;
    }
    known.filter(|_| right).ok_or(SignInError::BadCredentials)
}

/// Looks the name up on the log itself, so that a fresh account can sign in at once, on every node.
async fn known_account(drive: &Drive, username: &Username) -> Result<Option<Recognised>, Trouble> {
    let Some((claimed, claim)) = standing_claim(&drive.journal, username).await? else { return Ok(None) };
    let stream = StreamName::account(claim.account);
    let mut account = drive.journal.load::<Account>(&stream).await?;
    if account.state.registered().is_none() {
        // A crash came between the claim and the account, or the claim is this moment's: the account is theirs all the same.
        register_now(drive, &claimed, &claim).await?;
        account = drive.journal.load(&stream).await?;
    }
    Ok(account.state.registered().map(|known| Recognised {
        id: claim.account,
        username: known.username.clone(),
        password_hash: known.password_hash.clone(),
    }))
}

async fn register_now(drive: &Drive, claimed: &StreamName, claim: &UsernameClaimed) -> Result<(), Trouble> {
    let first = drive.ports.log.read_stream(claimed, Version(0), 1).await?;
    if let Some(claimed) = first.first() {
        register(drive, &Request::of_system(drive.ports.ids.command()), claimed.id, claim).await?;
    }
    Ok(())
}

/// The second half of a sign-in: the session.
pub async fn open_session(drive: &Drive, request: &Request, known: Recognised) -> Result<SignedIn, SignInError> {
    let token = new_token(drive, request, known.id);
    let expires_at = drive.ports.clock.now().plus_seconds(drive.limits.session_expires_seconds);
    let token_sha256 = Sha256(sha2::Sha256::digest(token.as_bytes()).into());
    let id = SessionId(request.command.derive(&format!("session of {}", known.id)));
    let session = SessionOpened { session: id, token_sha256, expires_at };
    let request = Request { actor: Some(known.id), ..request.clone() };
    let displaced = Ending::default();
    let opened = drive
        .journal
        .execute(&StreamName::account(known.id), Start::Load, &request, |account: &Loaded<Account>| {
            let verified_hash = known.password_hash.clone();
            let sessions_max = drive.limits.sessions_max;
            let command = AccountCommand::OpenSession { verified_hash, session: session.clone(), sessions_max };
            displaced.note(account.state.decide(command)).map_err(|rejection| match rejection {
                AccountRejection::PasswordChangedMeanwhile | AccountRejection::NotRegistered => SignInError::BadCredentials,
                AccountRejection::AlreadyRegistered => SignInError::Trouble(Trouble::Busy),
            })
        })
        .await?;
    drive.end_sessions(displaced.sessions()).await;
    let stands = opened.state.registered().and_then(|account| account.sessions.iter().find(|session| session.id == id));
    let Some(expires_at) = stands.map(|session| session.expires_at) else {
        // A keyed request came again after its session had ended: its token is dead, and so is the key.
        return Err(SignInError::SessionEnded);
    };
    drive.visible(opened.position).await;
    Ok(SignedIn { account: known.id, username: known.username, token, expires_at, position: opened.position })
}

/// 256 bits from the operating system; for a keyed request the same bits on every retry, so that nothing secret has
/// to be stored to give the first answer again. Never the same for two accounts, whoever else has used that key.
fn new_token(drive: &Drive, request: &Request, account: AccountId) -> String {
    if !request.keyed {
        return hex::encode(drive.ports.ids.random());
    }
    hex::encode(drive.sign(&[b"session token", request.command.0.as_bytes(), account.0.as_bytes()]))
}

impl Drive {
    /// HMAC-SHA-256 (RFC 2104) under the drive's secret.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub(crate) fn sign(&self, pieces: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&self.secret.0).expect("a key of 32 bytes");
        for piece in pieces {
            mac.update(&(piece.len() as u64).to_be_bytes());
            mac.update(piece);
        }
        mac.finalize().into_bytes().into()
    }
}
