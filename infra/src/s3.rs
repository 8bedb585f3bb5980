//! Contents and uploads in an object store: Ceph, Aliyun OSS, or any other that speaks S3.
//!
//! | key | what |
//! |---|---|
//! | `blobs/<sha256>` | a whole content, never changed |
//!
//! An object is there as a whole or not at all, and a blob is copied within the store from bytes that this program has hashed.

mod blobs;
mod bucket;
mod connect;
mod crc;
mod download;
mod keys;
mod progress;
mod settings;
mod trouble;

pub use blobs::S3Blobs;
pub use connect::{OpenError, S3Store};
pub use settings::{Flavor, S3Settings};
