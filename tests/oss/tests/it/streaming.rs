//! Bodies that are larger than what anybody may hold in memory.

use std::convert::Infallible;
use std::fs;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;

use crate::client::{BUCKET, started};
use crate::support::content;

const CHUNK: usize = 1024 * 1024;
const CHUNKS: usize = 200;

/// By so much the process may grow, client, stand-in and whatever other tests run beside it: far less than the body.
const GROWTH_MAX: usize = 64 * 1024 * 1024;

/// The most memory that this process has had so far, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A chunk so many times, which the SDK cannot hold in its hand before it sends it.
pub(crate) fn body(chunk: &Bytes, times: usize) -> ByteStream {
    let chunk = chunk.clone();
    let frames = (0..times).map(move |_| Ok::<_, Infallible>(Frame::data(chunk.clone())));
    ByteStream::new(SdkBody::from_body_1_x(StreamBody::new(stream::iter(frames))))
}

#[tokio::test]
async fn two_hundred_mebibytes_pass_both_ways_in_little_memory() {
    let (double, client) = started();
    let chunk = content(CHUNK, 1);
    let length = i64::try_from(CHUNK * CHUNKS).unwrap();
    client.head_bucket().bucket(BUCKET).send().await.unwrap();
    let before = peak();

    client.put_object().bucket(BUCKET).key("large").content_length(length).body(body(&chunk, CHUNKS)).send().await.unwrap();
    let mut sent = Digest::new(CrcAlgorithm::Crc64Xz);
    (0..CHUNKS).for_each(|_| sent.update(&chunk));
    let stored = double.objects(BUCKET).remove(0);
    assert_eq!((stored.size, stored.crc64), (length.cast_unsigned(), sent.finalize()));

    client.copy_object().bucket(BUCKET).key("copy").copy_source("bucket/large").send().await.unwrap();
    let mut got = client.get_object().bucket(BUCKET).key("copy").send().await.unwrap();
    let (mut received, mut size) = (Digest::new(CrcAlgorithm::Crc64Xz), 0);
    while let Some(bytes) = got.body.try_next().await.unwrap() {
        received.update(&bytes);
        size += bytes.len();
    }
    assert_eq!((size, received.finalize()), (CHUNK * CHUNKS, sent.finalize()));

    let growth = peak().saturating_sub(before);
    assert!(growth < GROWTH_MAX, "grew by {growth} bytes");
}
