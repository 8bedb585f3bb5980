//! Objects as a whole: put, get, head and delete.

use std::io::SeekFrom;
use std::ops::Range;

use http::HeaderMap;
use s3s::dto::{
    Delete, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, GetObjectInput,
    GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectIdentifier, PutObjectInput, PutObjectOutput, StreamingBlob,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, dto};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::answer::{etag, place, receive, timestamp, with_crc};
use super::conditions::Conditions;
use crate::refusal::malformed_list;
use crate::store::{Description, Object, Store, now};

/// Read at once, in bytes.
const BUFFER: usize = 256 * 1024;

/// In one `DeleteObjects`.
const KEYS_MAX: usize = 1000;

pub(super) async fn put(store: &Store, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
    let input = request.input;
    store.require_bucket(&input.bucket)?;
    let content = receive(store, input.body, input.content_md5.as_deref()).await?;
    let description = Description::of(&request.headers, input.metadata);
    let object = Object { etag: content.etag(), content, modified: now(), description };
    let object = place(store, &input.bucket, &input.key, object, &request.headers)?;
    let output = PutObjectOutput { e_tag: Some(etag(&object.etag)), ..Default::default() };
    Ok(with_crc(output, object.content.crc64))
}

pub(super) async fn get(store: &Store, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
    let input = request.input;
    let object = store.object(&input.bucket, &input.key)?;
    Conditions::of_reading(&request.headers).check_for_reading(&object)?;
    let size = object.content.size;
    let range = wanted(input.range, &request.headers, size)?;
    let content_range = range.as_ref().map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1));
    let range = range.unwrap_or(0..size);
    let output = GetObjectOutput {
        content_length: length(&range).into(),
        body: Some(read(&object, range).await?),
        content_range,
        ..described(&object)
    };
    Ok(with_crc(output, object.content.crc64))
}

/// What to send of an object of this size. OSS ignores a range that reaches beyond the end, and sends the whole object with 200,
/// unless it is told to follow the standard.
fn wanted(range: Option<dto::Range>, headers: &HeaderMap, size: u64) -> S3Result<Option<Range<u64>>> {
    let Some(range) = range else { return Ok(None) };
    let follows_standard = headers.get("x-oss-range-behavior").is_some_and(|value| value == "standard");
    let is_beyond = match range {
        dto::Range::Int { first, last } => last.unwrap_or(first) >= size,
        dto::Range::Suffix { length } => length > size,
    };
    if is_beyond && !follows_standard {
        return Ok(None);
    }
    Ok(Some(range.check(size)?))
}

fn described(object: &Object) -> GetObjectOutput {
    let description = object.description.clone();
    GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        e_tag: Some(etag(&object.etag)),
        last_modified: Some(timestamp(object.modified)),
        content_type: description.content_type,
        content_disposition: description.content_disposition,
        content_encoding: description.content_encoding,
        content_language: description.content_language,
        cache_control: description.cache_control,
        metadata: description.metadata,
        ..Default::default()
    }
}

async fn read(object: &Object, range: Range<u64>) -> S3Result<StreamingBlob> {
    let mut file = File::open(&object.content.path).await.map_err(S3Error::internal_error)?;
    file.seek(SeekFrom::Start(range.start)).await.map_err(S3Error::internal_error)?;
    let wanted = file.take(range.end - range.start);
    Ok(StreamingBlob::wrap(ReaderStream::with_capacity(wanted, BUFFER)))
}

/// A file is never longer than this.
fn length(range: &Range<u64>) -> i64 {
    i64::try_from(range.end - range.start).unwrap_or(i64::MAX)
}

pub(super) fn head(store: &Store, request: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = request.input;
    let object = store.object(&input.bucket, &input.key)?;
    Conditions::of_reading(&request.headers).check_for_reading(&object)?;
    let described = described(&object);
    let output = HeadObjectOutput {
        content_length: length(&(0..object.content.size)).into(),
        accept_ranges: described.accept_ranges,
        e_tag: described.e_tag,
        last_modified: described.last_modified,
        content_type: described.content_type,
        content_disposition: described.content_disposition,
        content_encoding: described.content_encoding,
        content_language: described.content_language,
        cache_control: described.cache_control,
        metadata: described.metadata,
        ..Default::default()
    };
    Ok(with_crc(output, object.content.crc64))
}

/// Deleting what is not there is no error.
pub(super) fn delete(store: &Store, input: &DeleteObjectInput) -> S3Result<S3Response<DeleteObjectOutput>> {
    store.with(&input.bucket, |bucket| Ok(bucket.objects.remove(&input.key)))?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}

pub(super) fn delete_many(store: &Store, input: DeleteObjectsInput) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let Delete { objects, quiet } = input.delete;
    if objects.is_empty() || objects.len() > KEYS_MAX {
        return Err(malformed_list());
    }
    store.with(&input.bucket, |bucket| {
        for object in &objects {
            bucket.objects.remove(&object.key);
        }
        Ok(())
    })?;
    let deleted = |object: ObjectIdentifier| DeletedObject { key: Some(object.key), ..Default::default() };
    let named = (quiet != Some(true)).then(|| objects.into_iter().map(deleted).collect());
    Ok(S3Response::new(DeleteObjectsOutput { deleted: named, ..Default::default() }))
}
