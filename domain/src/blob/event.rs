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
