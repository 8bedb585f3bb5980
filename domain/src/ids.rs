//! One type per kind of id, so that a file's id can't be passed where an upload's is meant.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// A person who signed up.
    AccountId
);
id!(
    /// One sign-in of an account, from its token's issue to its end.
    SessionId
);
id!(
    /// One upload, whole or in parts.
    UploadId
);
id!(
    /// One entry of a drive: a name, a place and a content.
    FileId
);
id!(
    /// A folder of a drive.
    FolderId
);
id!(
    /// One way of a content from one store to another.
    TransferId
);
id!(
    /// What gives others a way to an entry.
    ShareId
);
id!(
    /// One download through a share, in one go or in parts.
    DownloadId
);
id!(
    /// One stored event, unique in the whole log.
    EventId
);
id!(
    /// One request to change something; retries of the request share it.
    CommandId
);

impl CommandId {
    /// The id of the command's `n`-th event on `stream`: the same command always makes the same ids, which is
    /// what lets an append be repeated at will.
    pub fn event(self, stream: &str, n: usize) -> EventId {
        EventId(self.derive(&format!("{stream}#{n}")))
    }

    /// An id for something that the command creates, the same on every retry.
    pub fn derive(self, what: &str) -> Uuid {
        Uuid::new_v5(&self.0, what.as_bytes())
    }

    /// The command that follows from this one for the same request, for instance in a saga.
    #[must_use]
    pub fn then(self, what: &str) -> Self {
        Self(self.derive(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_makes_the_same_event_ids_again_and_different_ones_per_place() {
        let command = CommandId(Uuid::from_u128(7));
        assert_eq!(command.event("file-1", 0), command.event("file-1", 0));
        assert_ne!(command.event("file-1", 0), command.event("file-1", 1));
        assert_ne!(command.event("file-1", 0), command.event("file-2", 0));
    }
}
