use super::event::BlobStored;
use crate::FileId;

/// What may be asked of a content.
#[derive(Debug, Clone)]
pub enum BlobCommand {
    /// The server has hashed these bytes itself and they are durable: let the entry refer to them.
    StoreFor(BlobStored, FileId),
    /// Let the entry refer to bytes that are there already.
    ReferTo(FileId),
    /// Its bytes are durable in another store as well, and were verified there.
    Relocate {
        /// The store from which they were copied.
        from: String,
        /// The store that now has them.
        to: String,
    },
    /// The copy in this store is about to go.
    RemoveCopy {
        /// Which store.
        store: String,
    },
    /// The bytes in this store are not the content, or are not there.
    FindDamaged {
        /// Which store.
        store: String,
    },
    /// The bytes in this store were written anew, and verified.
    Repair {
        /// Which store.
        store: String,
    },
    /// Nothing refers to it any more, and its bytes are about to go everywhere.
    Delete,
}
