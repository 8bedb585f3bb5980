//! The names and the serde form of these types are the storage format.

use serde::{Deserialize, Serialize};

use crate::{FileId, Sha1};

/// What may have happened to a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobEvent {
    /// Its bytes are durable.
    BlobStored(BlobStored),
    /// An entry came to need it.
    BlobReferenced(BlobReferenced),
    /// Its bytes are durable in another store, too.
    BlobRelocated(BlobRelocated),
    /// One of its copies is about to go.
    BlobCopyRemoved(BlobCopyRemoved),
    /// One of its copies is not what it should be.
    BlobDamaged(BlobDamaged),
    /// That copy is sound again.
    BlobRepaired(BlobRepaired),
    /// All its copies are about to go.
    BlobDeleted(BlobDeleted),
}

/// The server hashed the bytes itself, and they are durable in a store. The stream's name holds the SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobStored {
    /// In bytes.
    pub size: u64,
    /// For clients of the older protocol.
    pub sha1: Sha1,
    /// The name of the store, as configured.
    pub store: String,
}

/// An entry is about to refer to the content; this stands before the entry's own event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobReferenced {
    /// The entry.
    pub file: FileId,
}

/// The bytes are durable and verified in one more store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRelocated {
    /// The store from which they were copied.
    pub from: String,
    /// The store that has them now, too.
    pub to: String,
}

/// The copy in a store goes; this stands before its bytes do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobCopyRemoved {
    /// Which store.
    pub store: String,
    /// A store that keeps a sound copy.
    pub remains_in: String,
}

/// Bytes in a store are not the content, or are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobDamaged {
    /// Which store.
    pub store: String,
    /// A store that has a sound copy, if one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound_in: Option<String>,
}

/// The bytes in a store were written anew, and verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRepaired {
    /// Which store.
    pub store: String,
}

/// Nothing refers to the content any more: its bytes go, in every store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobDeleted {
    /// Which stores had them.
    pub stores: Vec<String>,
}
