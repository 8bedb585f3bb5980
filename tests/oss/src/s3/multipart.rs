//! Uploads in parts, from their start to the join.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use md5::{Digest as _, Md5};
use s3s::dto::{
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::answer::{blocking, etag, forbid_overwrite, receive, with_crc};
use crate::refusal::{error, malformed_list};
use crate::store::{Content, Description, Object, Part, Store, Upload, now};

/// Of every part but the last, in bytes. S3 wants 5 MiB.
const PART_BYTES_MIN: u64 = 100 * 1024;

const PART_NUMBER_MAX: i32 = 10_000;

pub(super) fn create(
    store: &Store,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let input = request.input;
    let description = Description::of(&request.headers, input.metadata);
    let upload = Upload { began: now(), description, parts: BTreeMap::new() };
    let upload_id = store.with(&input.bucket, |bucket| Ok(bucket.begin(&input.key, upload)))?;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload_id),
        ..Default::default()
    }))
}

pub(super) async fn upload_part(store: &Store, input: UploadPartInput) -> S3Result<S3Response<UploadPartOutput>> {
    check_number(input.part_number)?;
    store.with(&input.bucket, |bucket| bucket.upload(&input.key, &input.upload_id).map(drop))?;
    let content = receive(store, input.body, input.content_md5.as_deref()).await?;
    let part = keep_part(store, &input.bucket, (&input.key, &input.upload_id), input.part_number, content)?;
    let output = UploadPartOutput { e_tag: Some(etag(&part.content.etag())), ..Default::default() };
    Ok(with_crc(output, part.content.crc64))
}

pub(super) fn check_number(number: i32) -> S3Result<()> {
    if (1..=PART_NUMBER_MAX).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive."))
}

/// Keeps a part for its upload; one with the same number goes.
pub(super) fn keep_part(store: &Store, bucket: &str, upload: (&str, &str), number: i32, content: Content) -> S3Result<Part> {
    let part = Part { content: Arc::new(content), modified: now() };
    store.with(bucket, |bucket| {
        bucket.upload(upload.0, upload.1)?.parts.insert(number, part.clone());
        Ok(())
    })?;
    Ok(part)
}

pub(super) async fn complete(
    store: &Store,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let input = request.input;
    let wanted = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
    let (parts, description) = store.with(&input.bucket, |bucket| {
        let upload = bucket.upload(&input.key, &input.upload_id)?;
        Ok((chosen(&wanted, &upload.parts)?, upload.description.clone()))
    })?;
    let etag_of_all = etag_of(&parts);
    let directory = store.directory().to_owned();
    let content = blocking(move || Content::join(&directory, parts.iter().map(|part| part.content.whole()).collect())).await?;
    let object = Arc::new(Object { content, etag: etag_of_all, modified: now(), description });
    store.with(&input.bucket, |bucket| {
        forbid_overwrite(&request.headers, bucket.objects.contains_key(&input.key))?;
        bucket.end(&input.key, &input.upload_id)?;
        bucket.objects.insert(input.key.clone(), Arc::clone(&object));
        Ok(())
    })?;
    let output = CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag(&object.etag)),
        ..Default::default()
    };
    Ok(with_crc(output, object.content.crc64))
}

/// The parts of the list, if it is one that OSS joins.
fn chosen(wanted: &[CompletedPart], there: &BTreeMap<i32, Part>) -> S3Result<Vec<Part>> {
    if wanted.is_empty() {
        return Err(malformed_list());
    }
    if !wanted.is_sorted_by(|earlier, later| earlier.part_number < later.part_number) {
        return Err(error("InvalidPartOrder", StatusCode::BAD_REQUEST, "The list of parts was not in ascending order."));
    }
    let parts = wanted.iter().map(|wanted| find(wanted, there)).collect::<S3Result<Vec<_>>>()?;
    let all_but_last = &parts[..parts.len() - 1];
    if all_but_last.iter().any(|part| part.content.size < PART_BYTES_MIN) {
        let message = "Your proposed upload is smaller than the minimum allowed size.";
        return Err(error("EntityTooSmall", StatusCode::BAD_REQUEST, message));
    }
    Ok(parts)
}

fn find(wanted: &CompletedPart, there: &BTreeMap<i32, Part>) -> S3Result<Part> {
    let part = wanted.part_number.and_then(|number| there.get(&number));
    let claimed = wanted.e_tag.as_ref().map(ETag::value);
    part.filter(|part| claimed == Some(&part.content.etag())).cloned().ok_or_else(|| {
        let message = "One or more of the specified parts could not be found, or the specified entity tag might not have matched.";
        error("InvalidPart", StatusCode::BAD_REQUEST, message)
    })
}

/// OSS says only that it is no MD5 of the content. This is none of S3 either, so that nobody can compute it.
fn etag_of(parts: &[Part]) -> String {
    let mut etags = Md5::new();
    for part in parts {
        etags.update(part.content.etag());
    }
    format!("{}-{}", hex::encode_upper(etags.finalize()), parts.len())
}
