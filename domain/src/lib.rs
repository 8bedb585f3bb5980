//! The rules of the drive, and nothing else.
//!
//! A command meets a folded state in a [`Decider`] and becomes events or a rejection. This crate never
//! awaits, opens a file or a socket, reads a clock or throws dice: time, ids and chance arrive inside the
//! commands, so that every rule can be tested by *given / when / then* and every event replayed for ever.
//!
//! The names and the serde form of everything in an `event.rs` are the storage format. They may gain
//! optional fields; anything else is a new schema with an upcaster (see [`codec`]).

pub mod account;
pub mod blob;
pub mod file;
pub mod folder;
pub mod share;
pub mod space;
pub mod transfer;
pub mod upload;
pub mod username;

pub mod codec;
pub mod decider;
pub mod digest;
pub mod disclosed;
pub mod event;
pub mod ids;
pub mod names;
pub mod stream;
pub mod time;

pub use decider::Decider;
pub use digest::{Sha1, Sha256};
pub use event::{Event, Metadata, NewEvent, StoredEvent};
pub use ids::{AccountId, CommandId, DownloadId, EventId, FileId, FolderId, SessionId, ShareId, TransferId, UploadId};
pub use names::{EmailAddress, FileName, Invalid, PhoneNumber, Username};
pub use stream::{Expected, Position, StreamName, Version};
pub use time::Timestamp;

#[cfg(test)]
mod laws;
