//! Errors as a client sees them: problem details (RFC 9457).
//!
//! A [`Kind`] is what an endpoint declares and the OpenAPI document shows; a [`Problem`] is one occurrence of it. The
//! client reads a stable `code` and a sentence that helps; the cause goes to the operator's log and nowhere else.

mod declare;
mod translate;

#[cfg(test)]
mod tests;

use std::{error::Error, fmt, sync::Arc, time::Duration};

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::Object;
use serde::Serialize;

pub use declare::{Explain, meta, problems, register};
pub use translate::answer;
pub(crate) use translate::{kind_of_body_error, plain_error};

/// The media type of every error (RFC 9457 section 3).
pub const CONTENT_TYPE: &str = "application/problem+json";

/// One thing that can go wrong, as endpoints declare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The HTTP status.
    pub status: u16,
    /// The stable slug on which clients decide.
    pub code: &'static str,
    /// What happened and what the client can do, in one sentence.
    pub sentence: &'static str,
    /// How long a client should wait before the next try, in seconds, where that helps.
    pub retry_after_seconds: Option<u32>,
}

impl Kind {
    /// A kind whose repetition does not help.
    pub const fn new(status: u16, code: &'static str, sentence: &'static str) -> Self {
        Self { status, code, sentence, retry_after_seconds: None }
    }

    /// The same kind with an advice when to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The code as people write it: `username_taken` is "Username taken".
    fn title(&self) -> String {
        let mut title = self.code.replace('_', " ");
        title[..1].make_ascii_uppercase();
        title
    }
}

/// One occurrence of a [`Kind`].
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    particulars: Option<Box<Particulars>>,
}

#[derive(Debug, Clone, Default)]
struct Particulars {
    detail: Option<String>,
    errors: Vec<FieldError>,
    missing: Option<Vec<[u64; 2]>>,
    retry_after_seconds: Option<u32>,
    headers: Vec<(header::HeaderName, HeaderValue)>,
    request_id: Option<String>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// One field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Object)]
pub struct FieldError {
    /// The field, as a path: `name`, `parts[2].size`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// What is sent: RFC 9457's members and Cairn's own.
#[derive(Debug, Serialize, Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
struct Document {
    /// A URI reference that names the kind of problem.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem, for people.
    title: String,
    /// The HTTP status, repeated.
    status: u16,
    /// What happened and what can be done.
    detail: String,
    /// The kind of problem, for programs; it never changes.
    code: String,
    /// Which fields are wrong, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FieldError>>,
    /// Which parts are missing, as ranges of part numbers, both ends included.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<[u64; 2]>>,
    /// The id under which the server logged this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl Problem {
    /// A problem without particulars.
    pub const fn of(kind: Kind) -> Self {
        Self { kind, particulars: None }
    }

    /// A problem of one field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(common::invalid).field(field, message)
    }

    /// What was declared.
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        self.particulars.as_deref().map_or(&[], |particulars| &particulars.errors)
    }

    /// What the operator has to know and the client has not.
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        let cause = self.particulars.as_deref()?.cause.as_deref()?;
        Some(cause)
    }

    /// Names the request, so that a user can tell an operator which one it was.
    #[must_use]
    pub fn for_request(mut self, id: &str) -> Self {
        self.particulars().request_id = Some(id.to_owned());
        self
    }

    fn particulars(&mut self) -> &mut Particulars {
        self.particulars.get_or_insert_default()
    }

    fn document(&self) -> Document {
        let particulars = self.particulars.as_deref().cloned().unwrap_or_default();
        Document {
            kind: format!("/problems/{}", self.kind.code),
            title: self.kind.title(),
            status: self.kind.status,
            detail: particulars.detail.unwrap_or_else(|| self.kind.sentence.to_owned()),
            code: self.kind.code.to_owned(),
            errors: (!particulars.errors.is_empty()).then_some(particulars.errors),
            missing: particulars.missing,
            request_id: particulars.request_id,
        }
    }

    fn response(&self) -> Response {
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = Response::builder().status(self.status()).content_type(CONTENT_TYPE).body(body);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self.status() {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // The rest of the body would be taken for the next request.
            StatusCode::REQUEST_TIMEOUT => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        let particulars = self.particulars.as_deref();
        let wait = particulars.and_then(|particulars| particulars.retry_after_seconds).or(self.kind.retry_after_seconds);
        if let Some(seconds) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        for (name, value) in particulars.map_or(&[][..], |particulars| &particulars.headers) {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

impl Explain for Problem {
    fn detail(mut self, sentence: impl Into<String>) -> Self {
        self.particulars().detail = Some(sentence.into());
        self
    }

    fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.particulars().cause = Some(Arc::from(cause.into()));
        self
    }

    fn field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.particulars().errors.push(FieldError { field: field.into(), message: message.into() });
        self
    }

    fn missing(mut self, ranges: impl IntoIterator<Item = [u64; 2]>) -> Self {
        self.particulars().missing = Some(ranges.into_iter().collect());
        self
    }

    fn retry_after(mut self, wait: Duration) -> Self {
        let rounded_up = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.particulars().retry_after_seconds = Some(u32::try_from(rounded_up).unwrap_or(u32::MAX).max(1));
        self
    }

    fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.particulars().headers.push((name, value));
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.particulars.as_deref().and_then(|particulars| particulars.detail.as_deref());
        write!(formatter, "{}: {}", self.kind.code, detail.unwrap_or(self.kind.sentence))
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause()
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn as_response(&self) -> Response {
        self.clone().into_response()
    }
}

impl IntoResponse for Problem {
    /// The problem itself travels along as response data, so that it can be logged and given its request id.
    fn into_response(self) -> Response {
        let mut response = self.response();
        response.set_data(self);
        response
    }
}

/// The kinds that many endpoints share; the names are the words of [`problems!`].
#[expect(non_upper_case_globals, reason = "a kind is written as its code")]
pub mod common {
    use super::Kind;

    /// The request cannot be read at all.
    pub const malformed: Kind = Kind::new(400, "malformed", "The request cannot be read.");
    /// The body is not JSON.
    pub const malformed_json: Kind = Kind::new(400, "malformed_json", "The body is not valid JSON.");
    /// The body is not multipart/form-data.
    pub const malformed_multipart: Kind = Kind::new(400, "malformed_multipart", "The body is not valid multipart/form-data.");
    /// A digest header field is not as RFC 9530 wants it.
    pub const malformed_digest: Kind =
        Kind::new(400, "malformed_digest", "Write a digest as sha-256=:<base64 of 32 bytes>: (RFC 9530).");
    /// The body ended before its announced end.
    pub const incomplete_body: Kind = Kind::new(400, "incomplete_body", "The body ended early; send the request again.");
    /// No valid token.
    pub const unauthorized: Kind = Kind::new(401, "unauthorized", "Sign in and send the token as Authorization: Bearer <token>.");
    /// Absent, or not the caller's.
    pub const not_found: Kind = Kind::new(404, "not_found", "There is nothing of yours here.");
    /// The path exists, the method does not.
    pub const method_not_allowed: Kind =
        Kind::new(405, "method_not_allowed", "This path does not take this method; Allow says which it takes.");
    /// The client stopped sending.
    pub const request_timeout: Kind = Kind::new(408, "request_timeout", "The body came too slowly; send the request again.");
    /// The account is over its limit.
    pub const quota_exceeded: Kind = Kind::new(413, "quota_exceeded", "You would hold more than you may; purge something first.");
    /// The body is over the limit.
    pub const too_large: Kind = Kind::new(413, "too_large", "The body is larger than this call takes.");
    /// Not a media type of this call.
    pub const unsupported_media_type: Kind = Kind::new(415, "unsupported_media_type", "This call takes application/json.");
    /// No requested range lies inside the content.
    pub const range_not_satisfiable: Kind =
        Kind::new(416, "range_not_satisfiable", "Content-Range says how long the content is; ask for a range inside it.");
    /// Readable, but not acceptable.
    pub const invalid: Kind = Kind::new(422, "invalid", "Some fields are not acceptable; errors says which and why.");
    /// The same key stands for another request.
    pub const idempotency_key_reused: Kind =
        Kind::new(422, "idempotency_key_reused", "This Idempotency-Key belongs to another request; use a new one.");
    /// The bytes are not those of the digest.
    pub const digest_mismatch: Kind =
        Kind::new(422, "digest_mismatch", "The bytes that arrived do not have the digest that was given; send them again.");
    /// Slow down.
    pub const too_many_requests: Kind =
        Kind::new(429, "too_many_requests", "Too many requests; wait as long as Retry-After says.").retry_after(10);
    /// A process that leaves this to others.
    pub const misdirected: Kind = Kind::new(
        421,
        "misdirected",
        "This process of the drive does not answer such requests; ask the drive under its public address.",
    );
    /// A fault of the server.
    pub const internal: Kind = Kind::new(500, "internal", "The server made a mistake; tell its operator the request id.");
    /// A dependency is down.
    pub const unavailable: Kind =
        Kind::new(503, "unavailable", "A part of the drive is not reachable just now; try again.").retry_after(5);
    /// The disk is full.
    pub const storage_full: Kind = Kind::new(507, "storage_full", "The drive has no space left; nothing was stored.");

    /// What [`JsonBody`](crate::http::json::JsonBody) answers by itself.
    pub const JSON_BODY: &[Kind] = &[malformed_json, incomplete_body, request_timeout, too_large, unsupported_media_type, invalid];
    /// What [`UploadBody`](crate::http::body::UploadBody) and the digest fields answer by themselves.
    pub const UPLOAD_BODY: &[Kind] = &[
        malformed_multipart,
        malformed_digest,
        incomplete_body,
        request_timeout,
        too_large,
        invalid,
        digest_mismatch,
        storage_full,
    ];
    /// What every command answers by itself.
    pub const COMMAND: &[Kind] = &[idempotency_key_reused, invalid, storage_full];
    /// What every call that needs a token answers by itself.
    pub const SIGNED_IN: &[Kind] = &[malformed, unauthorized, too_many_requests, internal, unavailable];
    /// What every call without a token answers by itself.
    pub const OPEN: &[Kind] = &[malformed, too_many_requests, internal, unavailable];
}
