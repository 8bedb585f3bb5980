use cairn_domain::account::{Account, AccountCommand, AccountRegistered, AccountRejection};
use cairn_domain::username::{ClaimedUsername, UsernameClaimed, UsernameCommand, UsernameRejection};
use cairn_domain::{AccountId, CommandId, Decider, EmailAddress, EventId, PhoneNumber, Position, StreamName, Timestamp, Username};

use super::{Password, standing_claim};
use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble};

/// Somebody wants an account.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The name to sign in with.
    pub username: Username,
    /// What only they know.
    pub password: Password,
    /// Where to write to.
    pub email: Option<EmailAddress>,
    /// Where to call.
    pub phone: Option<PhoneNumber>,
}

/// The account that was made.
#[derive(Debug, Clone)]
pub struct SignedUp {
    /// Its id.
    pub id: AccountId,
    /// The name as it was given.
    pub username: Username,
    /// When.
    pub signup_at: Timestamp,
    /// Where the log then stood.
    pub position: Position,
}

/// Why there is no account now.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Somebody has the name, in this or another spelling.
    #[error("the user name is taken")]
    UsernameTaken,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Makes an account. The claim on the name is the commit point; the account follows from it.
pub async fn sign_up(drive: &Drive, request: &Request, wish: SignUp) -> Result<SignedUp, SignUpError> {
    // A key may come back for another name when the answer under it is forgotten: that is another account.
    let account = AccountId(request.command.derive(&format!("account of {}", wish.username.canonical())));
    let request = &Request { actor: Some(account), ..request.clone() };
    let stream = StreamName::username(&wish.username);
    // Who asks for a taken name need not wait for a hash; and a retry must find the hash that it made before.
    let claim = match standing_claim(&drive.journal, &wish.username).await? {
        Some((claimed, claim)) if claimed == stream && claim.account == account => claim,
        Some(_) => return Err(SignUpError::UsernameTaken),
        None => claim_of(drive, account, wish).await?,
    };
    drive
        .journal
        .execute(&stream, Start::Load, request, |name: &Loaded<ClaimedUsername>| {
            let decision = name.state.decide(UsernameCommand::Claim(claim.clone()));
            decision.map_err(|UsernameRejection::Taken(_)| SignUpError::UsernameTaken)
        })
        .await?;
    let cause = request.command.event(stream.as_str(), 0);
    let made = register(drive, request, cause, &claim).await?;
    drive.visible(made.position).await;
    Ok(SignedUp { id: account, username: claim.username, signup_at: made.first_at, position: made.position })
}

/// Makes the account of a claim, unless it is there. `cause` is the claim's event.
pub(crate) async fn register(
    drive: &Drive,
    request: &Request,
    cause: EventId,
    claim: &UsernameClaimed,
) -> Result<Loaded<Account>, Trouble> {
    // One command for each account, so that whoever makes it makes the same event.
    let command = CommandId(claim.account.0).then("register");
    let request = Request { keyed: false, ..request.because_of(cause, command) };
    let registration = AccountRegistered {
        username: claim.username.clone(),
        password_hash: claim.password_hash.clone(),
        email: claim.email.clone(),
        phone: claim.phone.clone(),
    };
    let stream = StreamName::account(claim.account);
    let decide = |account: &Loaded<Account>| match account.state.decide(AccountCommand::Register(registration.clone())) {
        Ok(events) => Ok(events),
        Err(AccountRejection::AlreadyRegistered | AccountRejection::PasswordChangedMeanwhile) => Ok(Vec::new()),
        Err(AccountRejection::NotRegistered) => Err(Trouble::Busy),
    };
    drive.journal.execute(&stream, Start::Fresh, &request, decide).await
}

async fn claim_of(drive: &Drive, account: AccountId, wish: SignUp) -> Result<UsernameClaimed, Trouble> {
    let salt = drive.ports.ids.random();
    let password_hash = drive.ports.passwords.hash(wish.password.into_text(), salt).await.map_err(Trouble::Unavailable)?;
    Ok(UsernameClaimed { account, username: wish.username, password_hash, email: wish.email, phone: wish.phone })
}
