//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{FileId, Position, Timestamp, UploadId};

/// What may have happened to somebody's space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpaceEvent {
    /// Some was promised.
    SpaceReserved(SpaceReserved),
    /// Promises are no longer needed.
    SpaceFreed(SpaceFreed),
}

/// Space was promised to an entry, or to a version of one, that is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceReserved {
    /// The entry.
    pub file: FileId,
    /// How much, in bytes.
    pub bytes: u64,
    /// For what.
    pub holder: Holder,
    /// Up to where in the log the read tables were counted.
    pub seen: Position,
    /// When.
    pub at: Timestamp,
}

/// What space is promised to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// An upload: until it ends.
    Upload(UploadId),
    /// A command that makes the entry at once.
    Command,
}

/// Promises that are no longer needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceFreed {
    /// Those whose entries have come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// Those whose entries will not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<FileId>,
}

/// An entry that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Which.
    pub file: FileId,
    /// Where in the log it stands: read tables that have reached this count it.
    pub position: Position,
}
