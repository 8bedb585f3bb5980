//! Lists in pages: objects, open uploads, and parts of an upload.

mod page;

use std::sync::Arc;

use s3s::dto::{
    CommonPrefix, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput,
    ListPartsOutput, MultipartUpload, Object, Part,
};
use s3s::{S3Response, S3Result, s3_error};

use super::answer::{etag, timestamp};
use crate::store::{self, Store, Upload};

use page::{Entry, Query};

/// On a page.
const PAGE_MAX: i32 = 1000;

/// On a page of objects, if the client does not say. S3 has 1000.
const OBJECTS_DEFAULT: i32 = 100;

pub(super) fn objects(store: &Store, input: ListObjectsV2Input) -> S3Result<S3Response<ListObjectsV2Output>> {
    let max = page_size(input.max_keys.unwrap_or(OBJECTS_DEFAULT), "max-keys")?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let query = Query::new(&prefix, input.delimiter.as_deref(), input.continuation_token.as_deref(), input.start_after.as_deref())?;
    let (entries, next) = store.with(&input.bucket, |bucket| Ok(query.page(&bucket.objects, max)))?;
    let count = i32::try_from(entries.len()).ok();
    let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::Object(key, object) => contents.push(listed(key, &object)),
            Entry::Prefix(prefix) => prefixes.push(CommonPrefix { prefix: Some(prefix) }),
        }
    }
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(prefix),
        delimiter: input.delimiter,
        max_keys: i32::try_from(max).ok(),
        key_count: count,
        is_truncated: Some(next.is_some()),
        continuation_token: input.continuation_token,
        next_continuation_token: next,
        start_after: input.start_after,
        contents: Some(contents),
        common_prefixes: Some(prefixes),
        ..Default::default()
    }))
}

fn listed(key: String, object: &Arc<store::Object>) -> Object {
    Object {
        key: Some(key),
        size: i64::try_from(object.content.size).ok(),
        e_tag: Some(etag(&object.etag)),
        last_modified: Some(timestamp(object.modified)),
        ..Default::default()
    }
}

/// S3 cuts what is too much; OSS refuses it.
fn page_size(wanted: i32, name: &str) -> S3Result<usize> {
    match wanted {
        1..=PAGE_MAX => Ok(usize::try_from(wanted).unwrap_or_default()),
        _ => Err(s3_error!(InvalidArgument, "Argument {name} must be an integer between 1 and 1000: {wanted}")),
    }
}

pub(super) fn uploads(store: &Store, input: ListMultipartUploadsInput) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    if input.delimiter.is_some() {
        return Err(s3_error!(NotImplemented, "The stand-in lists uploads without delimiter only."));
    }
    let max = page_size(input.max_uploads.unwrap_or(PAGE_MAX), "max-uploads")?;
    let prefix = input.prefix.clone().unwrap_or_default();
    // Without an upload id, all uploads of the marked key are passed over.
    let is_after = |key: &str, upload_id: &str| match (&input.key_marker, &input.upload_id_marker) {
        (None, _) => true,
        (Some(marker), None) => key > marker.as_str(),
        (Some(marker), Some(upload_marker)) => (key, upload_id) > (marker.as_str(), upload_marker.as_str()),
    };
    let mut found: Vec<MultipartUpload> = store.with(&input.bucket, |bucket| {
        let wanted = bucket.uploads.iter().filter(|((key, id), _)| key.starts_with(&prefix) && is_after(key, id));
        Ok(wanted.take(max + 1).map(begun).collect())
    })?;
    let is_truncated = found.len() > max;
    found.truncate(max);
    let last = found.last().filter(|_| is_truncated);
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        max_uploads: i32::try_from(max).ok(),
        is_truncated: Some(is_truncated),
        next_key_marker: last.and_then(|upload| upload.key.clone()),
        next_upload_id_marker: last.and_then(|upload| upload.upload_id.clone()),
        uploads: Some(found),
        ..Default::default()
    }))
}

fn begun(((key, upload_id), upload): (&(String, String), &Upload)) -> MultipartUpload {
    MultipartUpload {
        key: Some(key.clone()),
        upload_id: Some(upload_id.clone()),
        initiated: Some(timestamp(upload.began)),
        ..Default::default()
    }
}

pub(super) fn parts(store: &Store, input: ListPartsInput) -> S3Result<S3Response<ListPartsOutput>> {
    let max = page_size(input.max_parts.unwrap_or(PAGE_MAX), "max-parts")?;
    let after = input.part_number_marker.unwrap_or_default();
    let mut found: Vec<Part> = store.with(&input.bucket, |bucket| {
        let upload = bucket.upload(&input.key, &input.upload_id)?;
        Ok(upload.parts.iter().filter(|(number, _)| **number > after).take(max + 1).map(received).collect())
    })?;
    let is_truncated = found.len() > max;
    found.truncate(max);
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: i32::try_from(max).ok(),
        part_number_marker: Some(after),
        is_truncated: Some(is_truncated),
        next_part_number_marker: found.last().and_then(|part| part.part_number),
        parts: Some(found),
        ..Default::default()
    }))
}

fn received((number, part): (&i32, &store::Part)) -> Part {
    Part {
        part_number: Some(*number),
        size: i64::try_from(part.content.size).ok(),
        e_tag: Some(etag(&part.content.etag())),
        last_modified: Some(timestamp(part.modified)),
        ..Default::default()
    }
}
