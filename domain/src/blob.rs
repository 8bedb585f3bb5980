//! A content, by its SHA-256: that its bytes are stored, and who came to need them.

mod event;

pub use event::{BlobEvent, BlobReferenced, BlobStored};

use crate::{Decider, FileId};

/// A content, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blob {
    /// What was stored, if anything was.
    pub stored: Option<BlobStored>,
}

/// What may be asked of a content.
#[derive(Debug, Clone)]
pub enum BlobCommand {
    /// The server has hashed these bytes itself and they are durable: let the entry refer to them.
    StoreFor(BlobStored, FileId),
    /// Let the entry refer to bytes that are there already.
    ReferTo(FileId),
}

/// Why a command to a content was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobRejection {
    /// Nothing is stored under this hash.
    NotStored,
}

impl Decider for Blob {
    type Command = BlobCommand;
    type Event = BlobEvent;
    type Rejection = BlobRejection;

    fn decide(&self, command: BlobCommand) -> Result<Vec<BlobEvent>, BlobRejection> {
        let referenced = |file| BlobEvent::BlobReferenced(BlobReferenced { file });
        match (command, &self.stored) {
            (BlobCommand::StoreFor(stored, file), None) => Ok(vec![BlobEvent::BlobStored(stored), referenced(file)]),
            (BlobCommand::StoreFor(_, file) | BlobCommand::ReferTo(file), Some(_)) => Ok(vec![referenced(file)]),
            (BlobCommand::ReferTo(_), None) => Err(BlobRejection::NotStored),
        }
    }

    fn evolve(mut self, event: &BlobEvent) -> Self {
        if let BlobEvent::BlobStored(stored) = event {
            self.stored.get_or_insert_with(|| stored.clone());
        }
        self
    }

    /// References commute: a much-shared content would otherwise be a queue. Each has an id made from its entry,
    /// so a repeated one is no second event.
    fn commutes(event: &BlobEvent) -> bool {
        matches!(event, BlobEvent::BlobReferenced(_))
    }
}

#[cfg(test)]
mod tests;
