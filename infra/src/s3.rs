//! Contents and uploads in an object store: Ceph, Aliyun OSS, or any other that speaks S3.
//!
//! | key | what |
//! |---|---|
//! | `blobs/<sha256>` | a whole content, never changed; `<sha256>.<n>` when n copies before it were removed |
//! | `staging/<upload>/whole/<sha256>` | a file that came in one piece, not yet a blob |
//! | `staging/<upload>/plan` | an upload in parts: its size, and the multipart upload of the store to which its parts go |
//! | `staging/<upload>/slots/<n>` | the numbers among those parts that belong to one process |
//! | `staging/<upload>/parts/<offset>-<sha256>` | a version of a part that could not go there |
//! | `staging/<upload>/closed`, `layout`, `data` | sealing has begun; what lies where in what was joined (`layout-<n>` if more came); what was joined |
//! | `staging/<upload>/sealed` | where the whole is, and its digests |
//! | `staging/<upload>/bytes/<nonce>` | bytes whose hash was not known when they began to come; `<name>.<nonce>` is their name |
//!
//! An object is there as a whole or not at all, and a blob is made of bytes that this program has hashed.

mod blobs;
mod bucket;
mod connect;
mod crc;
mod download;
mod etag;
mod keys;
mod local_names;
mod multipart;
mod pieces;
mod pour;
mod progress;
mod prompt;
mod settings;
mod signing;
mod staging;
mod sweep;
mod trouble;
mod unjoined;

pub use blobs::S3Blobs;
pub use connect::{OpenError, S3Store};
pub use settings::{Flavor, S3Settings};
pub use staging::S3Staging;
