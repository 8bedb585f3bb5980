//! An upload, whole or in parts, from its start to the merge.
//!
//! Chunks commute, so they are recorded without a version check; only closing an upload is exact.

mod command;
mod event;
mod plan;
mod rejection;
mod state;

pub use command::{MergeCommand, UploadCommand};
pub use event::{
    ChunkReceived, FileMerged, RejectionReason, UploadCancelled, UploadEvent, UploadExpired, UploadRejected, UploadStarted,
};
pub use plan::{Part, PartRange, Plan};
pub use rejection::UploadRejection;
pub use state::{Chunk, Phase, Upload};

#[cfg(test)]
mod tests;
