use super::event::{ChunkReceived, FileMerged, UploadStarted};
use crate::{FileId, FolderId, Sha1, Sha256, Timestamp};

/// What may be asked of an upload.
#[derive(Debug, Clone)]
pub enum UploadCommand {
    /// Begin, for parts to come.
    Start(UploadStarted),
    /// Record a part whose bytes are durable.
    ReceiveChunk(ChunkReceived),
    /// Close it with the digests of all its bytes.
    Merge(MergeCommand),
    /// Record a file that came in one piece and is durable. There is no start: nobody could take part in it, or end it otherwise.
    StoreWhole(FileMerged),
    /// End it without a file, because its owner says so.
    Cancel,
    /// End it without a file, even before it begins: whoever holds its bytes can't make it a file any more.
    Withdraw,
    /// End it without a file if nothing has come for too long.
    Expire {
        /// The time now.
        now: Timestamp,
    },
    /// End it without a file because what had come of it is not there any more, and was nowhere else.
    Lose {
        /// Also if it was merged: then nobody makes a file of it any more.
        merged: bool,
    },
}

/// What is known when the parts have been put together and read.
#[derive(Debug, Clone, Copy)]
pub struct MergeCommand {
    /// The state's [`revision`](super::Upload::revision) when the bytes were read: a part that came later voids the reading.
    pub revision: u64,
    /// Of all bytes, as the server computed it.
    pub sha256: Sha256,
    /// Of all bytes, as the server computed it.
    pub sha1: Sha1,
    /// The entry to be made.
    pub file: FileId,
    /// Where it will stand: as was said at the start, unless that folder is not in use any more; none is the top.
    pub folder: Option<FolderId>,
}
