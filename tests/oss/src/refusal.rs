//! What OSS refuses by the head of a request alone, and the form of its errors.

use std::borrow::Cow;

use http::StatusCode;
use http::header::{CONTENT_ENCODING, HOST, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use percent_encoding::percent_decode_str;
use s3s::{HttpResponse, S3Error, S3ErrorCode, S3Result, s3_error};

use crate::operation::Operation;

/// Where the buckets are: `BUCKET.oss.localhost`.
pub(crate) const DOMAIN: &str = "oss.localhost";

const KEY_BYTES_MAX: usize = 1023;

/// What a request is for, by its host and its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The endpoint itself: only the list of buckets would be there.
    Service,
    /// A bucket in the path, or a host that is not below the endpoint's.
    NotVirtualHosted,
    Bucket,
    Object,
}

impl Target {
    pub(crate) fn of(request: &Parts) -> Self {
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = host.split(':').next().unwrap_or_default();
        let is_below = name.strip_suffix(DOMAIN).is_some_and(|bucket| bucket.len() > 1 && bucket.ends_with('.'));
        match (is_below, request.uri.path()) {
            (true, "" | "/") => Self::Bucket,
            (true, _) => Self::Object,
            (false, "" | "/") if name == DOMAIN => Self::Service,
            (false, _) => Self::NotVirtualHosted,
        }
    }
}

/// Refuses what OSS does not even begin to look at.
pub(crate) fn check(operation: Operation, target: Target, request: &Parts) -> S3Result<()> {
    if target == Target::NotVirtualHosted {
        return Err(error("SecondLevelDomainForbidden", StatusCode::FORBIDDEN, "Please use virtual hosted style to access."));
    }
    check_key(target, request)?;
    check_encoding(request)?;
    check_checksums(operation, request)?;
    check_conditions(operation, request)?;
    match operation {
        Operation::DeleteObjects if !request.headers.contains_key("content-md5") => {
            Err(error("MissingArgument", StatusCode::BAD_REQUEST, "Missing Some Required Arguments."))
        }
        Operation::Other => Err(s3_error!(NotImplemented, "Not an operation of the stand-in.")),
        _ => Ok(()),
    }
}

/// A key has 1 to 1023 bytes and begins neither with a slash nor with a backslash.
fn check_key(target: Target, request: &Parts) -> S3Result<()> {
    let path: Cow<'_, [u8]> = percent_decode_str(request.uri.path()).into();
    let key = path.strip_prefix(b"/").unwrap_or(&path);
    let is_name = key.len() <= KEY_BYTES_MAX && !key.starts_with(b"/") && !key.starts_with(b"\\");
    if target == Target::Object && !is_name {
        return Err(error("InvalidObjectName", StatusCode::BAD_REQUEST, "The specified object is not valid."));
    }
    Ok(())
}

/// OSS takes a body as it is: neither in signed nor in unsigned chunks.
fn check_encoding(request: &Parts) -> S3Result<()> {
    let streams = header(request, "x-amz-content-sha256").is_some_and(|value| value.starts_with("STREAMING-"));
    let encodings = header(request, CONTENT_ENCODING.as_str()).unwrap_or_default();
    if streams || encodings.split(',').any(|encoding| encoding.trim() == "aws-chunked") {
        let message = "aws-chunked encoding is not supported with the specified x-amz-content-sha256 value.";
        return Err(s3_error!(InvalidArgument, "{message}"));
    }
    Ok(())
}

/// `DeleteObjects` may name an algorithm: every SDK does there, whatever its configuration, and OSS asks for Content-MD5 all the
/// same.
fn check_checksums(operation: Operation, request: &Parts) -> S3Result<()> {
    let names_algorithm = request.headers.contains_key("x-amz-sdk-checksum-algorithm") && operation != Operation::DeleteObjects;
    if names_algorithm || request.headers.contains_key("x-amz-trailer") {
        return Err(s3_error!(InvalidArgument, "Checksums of S3 are not supported: neither as header nor as trailer."));
    }
    Ok(())
}

/// OSS knows conditions for reading only; to write a new object only, it has `x-oss-forbid-overwrite`.
fn check_conditions(operation: Operation, request: &Parts) -> S3Result<()> {
    let has_condition = [IF_MATCH, IF_NONE_MATCH].iter().any(|name| request.headers.contains_key(name));
    if operation.writes_object() && has_condition {
        return Err(s3_error!(NotImplemented, "A header you provided implies functionality that is not implemented."));
    }
    Ok(())
}

fn header<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    request.headers.get(name)?.to_str().ok()
}

/// An error with a code that S3 does not know, or knows with another status.
pub(crate) fn error(code: &'static str, status: StatusCode, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// The body did not come as its Content-MD5 says. S3 would call it `BadDigest`.
pub(crate) fn invalid_digest() -> S3Error {
    error("InvalidDigest", StatusCode::BAD_REQUEST, "The Content-MD5 you specified was invalid.")
}

/// A list in a body that is empty or too long.
pub(crate) fn malformed_list() -> S3Error {
    s3_error!(MalformedXML, "The XML you provided was not well-formed or did not validate against our published schema.")
}

/// The error as an answer; what cannot be written as XML is none of OSS's errors.
pub(crate) fn answer(error: S3Error) -> HttpResponse {
    let status = error.status_code().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error.to_http_response().unwrap_or_else(|_| {
        let mut bare = HttpResponse::default();
        *bare.status_mut() = status;
        bare
    })
}
