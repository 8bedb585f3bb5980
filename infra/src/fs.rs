//! The embedded store: contents and uploads as files below the data directory.
//!
//! | path | what |
//! |---|---|
//! | `blobs/ab/<sha256>` | a whole content, read-only, never changed; `<sha256>.<n>` when n copies before it were removed |
//! | `staging/ab/<upload>-<sha256>.whole` | a file that came in one piece, durable, not yet a blob |
//! | `staging/<upload>/data` | the bytes of an upload in parts, of its final size from the start |
//! | `staging/<upload>/prefix` | how far the whole-file hashes have got in `data` |
//! | `staging/<upload>/<offset>-<sha256>.part` | a version of a part that did not fit into `data`, since another one stood there |
//! | `staging/**/*.tmp` | something that is being written, also a copy from another store; worthless after a restart |
//!
//! A name stands for complete, durable bytes or does not stand at all; what is unfinished has a `.tmp` name or no acknowledged
//! bytes. Both halves must lie on one file system, because a rename makes the one from the other. One process at a time owns
//! the directory.

mod blobs;
mod durable;
mod places;
mod pour;
mod staging;

pub use blobs::FsBlobs;
pub use staging::FsStaging;

#[cfg(test)]
mod tests;
