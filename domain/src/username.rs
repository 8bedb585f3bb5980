//! The claim on a name. The stream's first event wins, which is what makes names unique in any log.

mod event;

pub use event::{UsernameClaimed, UsernameEvent};

use crate::{AccountId, Decider};

/// The claim on one name, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimedUsername {
    /// The claim that stands, if any.
    pub claim: Option<UsernameClaimed>,
}

/// What may be asked of a name.
#[derive(Debug, Clone)]
pub enum UsernameCommand {
    /// Take it for a new account.
    Claim(UsernameClaimed),
}

/// Why a name was not given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsernameRejection {
    /// It belongs to this account.
    Taken(AccountId),
}

impl Decider for ClaimedUsername {
    type Command = UsernameCommand;
    type Event = UsernameEvent;
    type Rejection = UsernameRejection;

    fn decide(&self, command: UsernameCommand) -> Result<Vec<UsernameEvent>, UsernameRejection> {
        let UsernameCommand::Claim(claim) = command;
        match &self.claim {
            None => Ok(vec![UsernameEvent::UsernameClaimed(claim)]),
            Some(standing) if standing.account == claim.account => Ok(Vec::new()),
            Some(standing) => Err(UsernameRejection::Taken(standing.account)),
        }
    }

    fn evolve(mut self, event: &UsernameEvent) -> Self {
        let UsernameEvent::UsernameClaimed(claim) = event;
        self.claim.get_or_insert_with(|| claim.clone());
        self
    }

    fn commutes(_: &UsernameEvent) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
