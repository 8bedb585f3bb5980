//! What several operations need for their answers.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::dto::{ETag, StreamingBlob, Timestamp};
use s3s::{Body, S3Error, S3Response, S3Result, s3_error};

use crate::refusal::{self, error};
use crate::store::{Content, Object, Store};

const CRC_HEADER: &str = "x-oss-hash-crc64ecma";

/// An answer with the CRC of the content, in decimal, as OSS gives it beside S3's headers.
pub(super) fn with_crc<T>(output: T, crc64: u64) -> S3Response<T> {
    S3Response::with_headers(output, HeaderMap::from_iter([(http::HeaderName::from_static(CRC_HEADER), HeaderValue::from(crc64))]))
}

pub(super) fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    time.into()
}

/// Takes a body and holds it against its Content-MD5.
pub(super) async fn receive(store: &Store, body: Option<StreamingBlob>, content_md5: Option<&str>) -> S3Result<Content> {
    let body = body.unwrap_or_else(|| Body::empty().into());
    let content = Content::pour(store.directory(), body).await.map_err(not_received)?;
    match content_md5 {
        Some(promised) if promised != BASE64_STANDARD.encode(content.md5) => Err(refusal::invalid_digest()),
        _ => Ok(content),
    }
}

/// A full disk looks the same here, but a client that breaks off is what happens.
fn not_received(error: io::Error) -> S3Error {
    s3_error!(error, IncompleteBody, "The request body terminated unexpectedly.")
}

/// Puts a finished object in its place, unless the client does not want to overwrite one.
pub(super) fn place(store: &Store, bucket: &str, key: &str, object: Object, headers: &HeaderMap) -> S3Result<Arc<Object>> {
    let object = Arc::new(object);
    store.with(bucket, |bucket| {
        forbid_overwrite(headers, bucket.objects.contains_key(key))?;
        bucket.objects.insert(key.to_owned(), Arc::clone(&object));
        Ok(())
    })?;
    Ok(object)
}

/// OSS has this header where S3 has `If-None-Match: *`.
pub(super) fn forbid_overwrite(headers: &HeaderMap, is_there: bool) -> S3Result<()> {
    let forbids = headers.get("x-oss-forbid-overwrite").is_some_and(|value| value == "true");
    if forbids && is_there {
        let message = "The object you specified already exists and can not be overwritten.";
        return Err(error("FileAlreadyExists", StatusCode::CONFLICT, message));
    }
    Ok(())
}

/// Runs work that blocks.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> S3Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(S3Error::internal_error)?;
    done.map_err(S3Error::internal_error)
}
