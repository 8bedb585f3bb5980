//! What the tests look at and wait for.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};

/// The smallest part that OSS joins, in bytes.
pub(crate) const PART: usize = 100 * 1024;

const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until it is so.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "waited {PATIENCE:?} for this: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Bytes that look like no others of another seed.
pub(crate) fn content(length: usize, seed: u8) -> Bytes {
    let mut state = u32::from(seed) + 1;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(byte).collect()
}

pub(crate) fn crc64(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Xz, bytes)
}

/// The ETag that OSS gives an object that came at once, with its quotes.
pub(crate) fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode_upper(Md5::digest(bytes)))
}

pub(crate) fn content_md5(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Md5::digest(bytes))
}
