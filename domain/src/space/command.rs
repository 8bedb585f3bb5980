use super::event::{Holder, Settled};
use crate::{FileId, Position, Timestamp};

/// What may be asked of somebody's space.
#[derive(Debug, Clone)]
pub enum SpaceCommand {
    /// Promise some.
    Reserve(Reserve),
    /// Forget promises that are no longer needed.
    Free {
        /// Those whose entries have come.
        settled: Vec<Settled>,
        /// Those whose entries will not come.
        released: Vec<FileId>,
    },
}

/// Space that an entry will need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserve {
    /// The entry.
    pub file: FileId,
    /// How much, in bytes.
    pub bytes: u64,
    /// For what.
    pub holder: Holder,
    /// What the account may hold, in bytes.
    pub quota: u64,
    /// What the read tables count, in bytes.
    pub used: u64,
    /// Up to where in the log they count.
    pub seen: Position,
    /// The time now.
    pub at: Timestamp,
}
