//! Copies within the store: of objects, and of ranges of objects as parts.

use std::sync::Arc;

use http::StatusCode;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, MetadataDirective, Range, UploadPartCopyInput,
    UploadPartCopyOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::answer::{blocking, etag, place, timestamp, with_crc};
use super::conditions::Conditions;
use super::multipart::{check_number, keep_part};
use crate::refusal::error;
use crate::store::{Content, Description, Object, Piece, Store, now};

/// OSS copies no more at once, in bytes; larger objects go by `UploadPartCopy`. S3 copies 5 GiB. The code of the error is a guess.
const COPY_MAX: u64 = 1024 * 1024 * 1024;

pub(super) async fn copy(store: &Store, request: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
    let input = request.input;
    store.require_bucket(&input.bucket)?;
    let source = source(store, &input.copy_source)?;
    Conditions::of_copying(&request.headers).check_for_copying(&source)?;
    if source.content.size > COPY_MAX {
        return Err(error("EntityTooLarge", StatusCode::BAD_REQUEST, "The object is too large to be copied at once."));
    }
    let replaces = input.metadata_directive.is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
    let description = if replaces { Description::of(&request.headers, input.metadata) } else { source.description.clone() };
    let content = joined(store, source.content.whole()).await?;
    let object = Object { etag: content.etag(), content, modified: now(), description };
    let object = place(store, &input.bucket, &input.key, object, &request.headers)?;
    let result =
        CopyObjectResult { e_tag: Some(etag(&object.etag)), last_modified: Some(timestamp(object.modified)), ..Default::default() };
    let output = CopyObjectOutput { copy_object_result: Some(result), ..Default::default() };
    Ok(with_crc(output, object.content.crc64))
}

pub(super) async fn copy_part(
    store: &Store,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = request.input;
    check_number(input.part_number)?;
    store.with(&input.bucket, |bucket| bucket.upload(&input.key, &input.upload_id).map(drop))?;
    let source = source(store, &input.copy_source)?;
    Conditions::of_copying(&request.headers).check_for_copying(&source)?;
    let piece = piece(&source, input.copy_source_range.as_deref())?;
    let content = joined(store, piece).await?;
    let part = keep_part(store, &input.bucket, (&input.key, &input.upload_id), input.part_number, content)?;
    let result = CopyPartResult {
        e_tag: Some(etag(&part.content.etag())),
        last_modified: Some(timestamp(part.modified)),
        ..Default::default()
    };
    let output = UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() };
    Ok(with_crc(output, part.content.crc64))
}

fn source(store: &Store, source: &CopySource) -> S3Result<Arc<Object>> {
    match source {
        CopySource::Bucket { bucket, key, version_id: None } => store.object(bucket, key),
        _ => Err(s3_error!(NotImplemented, "Only an object of a bucket can be copied, and no version of it.")),
    }
}

/// Of S3's ranges, a copy takes `bytes=FIRST-LAST` only.
fn piece(source: &Object, range: Option<&str>) -> S3Result<Piece> {
    let Some(range) = range else { return Ok(source.content.whole()) };
    let range = Range::parse(range).map_err(|error| s3_error!(error, InvalidArgument, "Not a range to copy: {range}"))?;
    Ok(Piece { range: range.check(source.content.size)?, ..source.content.whole() })
}

async fn joined(store: &Store, piece: Piece) -> S3Result<Content> {
    let directory = store.directory().to_owned();
    blocking(move || Content::join(&directory, vec![piece])).await
}
