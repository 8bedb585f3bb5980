//! Who asks, and what binds the traces of one request together.

use std::collections::BTreeSet;

use cairn_domain::account::Role;
use cairn_domain::policy::Asker;
use cairn_domain::{AccountId, CommandId, EventId, FileId, Metadata, SessionId};

/// Somebody who has shown a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub account: AccountId,
    /// Through which sign-in.
    pub session: SessionId,
    /// What the account may do beside owning its drive.
    pub roles: BTreeSet<Role>,
}

impl Caller {
    /// As the policy sees them.
    pub fn asker(&self) -> Asker<'_> {
        Asker::Account { id: self.account, roles: &self.roles }
    }
}

/// One request to change something. Its retries share the command id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What makes the ids of its events; made from the `Idempotency-Key` where there is one.
    pub command: CommandId,
    /// True when the command id was made from the caller's key, so that a retry may come.
    pub keyed: bool,
    /// The `X-Request-Id`.
    pub correlation: Option<String>,
    /// Who asks; none for somebody unknown and for the system itself.
    pub actor: Option<AccountId>,
    /// The address of the client, as far as it is trusted.
    pub client: Option<String>,
    /// The event from which the request follows, if not from a person.
    pub causation: Option<EventId>,
}

impl Request {
    /// A request that the system makes of itself.
    pub fn of_system(command: CommandId) -> Self {
        Self { command, keyed: false, correlation: None, actor: None, client: None, causation: None }
    }

    /// The request that follows from an event of this one.
    #[must_use]
    pub fn because_of(&self, event: EventId, command: CommandId) -> Self {
        Self { command, causation: Some(event), ..self.clone() }
    }

    /// The id of the entry that this request makes, if it makes one; its retries make the same.
    pub fn new_file(&self) -> FileId {
        FileId(self.command.derive("file"))
    }

    pub(crate) fn metadata(&self) -> Metadata {
        Metadata {
            causation: self.causation,
            correlation: self.correlation.clone(),
            actor: self.actor,
            client: self.client.clone(),
        }
    }
}
