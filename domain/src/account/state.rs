use std::collections::BTreeSet;

use super::event::{
    AccountEvent, AccountRegistered, PasswordChanged, QuotaChanged, Role, RoleGranted, RoleRevoked, SessionClosed, SessionEnd,
    SessionOpened,
};
use super::{AccountCommand, AccountRejection};
use crate::{Decider, SessionId, Timestamp, Username};

/// An account, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account(Option<Registered>);

/// What is known of an account that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The name as it was given.
    pub username: Username,
    /// The password's hash in PHC form.
    pub password_hash: String,
    /// The sessions that were not closed, oldest first; some may have expired.
    pub sessions: Vec<Session>,
    /// What it may be beside the owner of its drive.
    pub roles: BTreeSet<Role>,
    /// In bytes; none for the configured default.
    pub quota_bytes: Option<u64>,
}

/// A session that was opened and not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// When its token stops working.
    pub expires_at: Timestamp,
}

type Decision = Result<Vec<AccountEvent>, AccountRejection>;

impl Account {
    /// The account, if it was made.
    pub fn registered(&self) -> Option<&Registered> {
        self.0.as_ref()
    }

    fn register(&self, registration: AccountRegistered) -> Decision {
        match &self.0 {
            None => Ok(vec![AccountEvent::AccountRegistered(registration)]),
            Some(known) if known.username == registration.username => Ok(Vec::new()),
            Some(_) => Err(AccountRejection::AlreadyRegistered),
        }
    }
}

impl Registered {
    fn change_password(&self, verified_hash: &str, new_hash: String, keep: SessionId) -> Decision {
        if self.password_hash == new_hash {
            return Ok(Vec::new());
        }
        if self.password_hash != verified_hash {
            return Err(AccountRejection::PasswordChangedMeanwhile);
        }
        let changed = AccountEvent::PasswordChanged(PasswordChanged { password_hash: new_hash });
        let others = self.sessions.iter().filter(|session| session.id != keep);
        let ended = others.map(|session| closed(session.id, SessionEnd::PasswordChanged));
        Ok(std::iter::once(changed).chain(ended).collect())
    }

    fn open_session(&self, verified_hash: &str, session: SessionOpened, sessions_max: usize) -> Decision {
        if self.has(session.session) {
            return Ok(Vec::new());
        }
        if self.password_hash != verified_hash {
            return Err(AccountRejection::PasswordChangedMeanwhile);
        }
        let too_many = (self.sessions.len() + 1).saturating_sub(sessions_max);
        let displaced = self.sessions.iter().take(too_many).map(|session| closed(session.id, SessionEnd::Displaced));
        Ok(displaced.chain(std::iter::once(AccountEvent::SessionOpened(session))).collect())
    }

    fn close_session(&self, session: SessionId) -> Vec<AccountEvent> {
        self.has(session).then(|| closed(session, SessionEnd::SignedOut)).into_iter().collect()
    }

    fn has(&self, session: SessionId) -> bool {
        self.sessions.iter().any(|open| open.id == session)
    }
}

fn closed(session: SessionId, reason: SessionEnd) -> AccountEvent {
    AccountEvent::SessionClosed(SessionClosed { session, reason })
}

fn when(needed: bool, event: AccountEvent) -> Vec<AccountEvent> {
    if needed { vec![event] } else { Vec::new() }
}

impl Decider for Account {
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Rejection = AccountRejection;

    fn decide(&self, command: AccountCommand) -> Decision {
        if let AccountCommand::Register(registration) = command {
            return self.register(registration);
        }
        let account = self.0.as_ref().ok_or(AccountRejection::NotRegistered)?;
        match command {
            AccountCommand::Register(_) => Ok(Vec::new()),
            AccountCommand::ChangePassword { verified_hash, new_hash, keep } => {
                account.change_password(&verified_hash, new_hash, keep)
            }
            AccountCommand::OpenSession { verified_hash, session, sessions_max } => {
                account.open_session(&verified_hash, session, sessions_max)
            }
            AccountCommand::CloseSession(session) => Ok(account.close_session(session)),
            AccountCommand::GrantRole(role) => {
                Ok(when(!account.roles.contains(&role), AccountEvent::RoleGranted(RoleGranted { role })))
            }
            AccountCommand::RevokeRole(role) => {
                Ok(when(account.roles.contains(&role), AccountEvent::RoleRevoked(RoleRevoked { role })))
            }
            AccountCommand::SetQuota(quota_bytes) => {
                Ok(when(account.quota_bytes != quota_bytes, AccountEvent::QuotaChanged(QuotaChanged { quota_bytes })))
            }
        }
    }

    fn evolve(self, event: &AccountEvent) -> Self {
        let Some(mut account) = self.0 else {
            return Self(first(event));
        };
        match event {
            AccountEvent::AccountRegistered(_) => {}
            AccountEvent::PasswordChanged(changed) => account.password_hash.clone_from(&changed.password_hash),
            AccountEvent::SessionOpened(opened) if !account.has(opened.session) => {
                account.sessions.push(Session { id: opened.session, expires_at: opened.expires_at });
            }
            AccountEvent::SessionOpened(_) => {}
            AccountEvent::SessionClosed(closed) => account.sessions.retain(|session| session.id != closed.session),
            AccountEvent::RoleGranted(granted) => {
                account.roles.insert(granted.role);
            }
            AccountEvent::RoleRevoked(revoked) => {
                account.roles.remove(&revoked.role);
            }
            AccountEvent::QuotaChanged(changed) => account.quota_bytes = changed.quota_bytes,
        }
        Self(Some(account))
    }

    fn commutes(_: &AccountEvent) -> bool {
        false
    }
}

/// Only a registration makes an account; anything else before it is noise.
fn first(event: &AccountEvent) -> Option<Registered> {
    let AccountEvent::AccountRegistered(registration) = event else { return None };
    Some(Registered {
        username: registration.username.clone(),
        password_hash: registration.password_hash.clone(),
        sessions: Vec::new(),
        roles: BTreeSet::new(),
        quota_bytes: None,
    })
}
