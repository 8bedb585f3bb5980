//! A content, by its SHA-256: in which stores its bytes lie, and who came to need them.

mod command;
mod event;
mod key;
mod rejection;
mod state;

pub use command::BlobCommand;
pub use event::{BlobCopyRemoved, BlobDamaged, BlobDeleted, BlobEvent, BlobReferenced, BlobRelocated, BlobRepaired, BlobStored};
pub use key::BlobKey;
pub use rejection::BlobRejection;
pub use state::{Blob, Content, Health};

#[cfg(test)]
mod tests;
