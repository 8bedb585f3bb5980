//! How the server says no: a status with an `exception` trailer, an answer of its own, or the status of one batch.

use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::{Code, Status};

use crate::proto::{BadRequest, Detail, Empty, MaximumAppendSizeExceeded, RpcStatus, StreamDeleted, WrongPosition, WrongVersion};
use crate::store::{Expected, InvalidPosition, Refusal};

/// The limit of all events of one append together, in bytes, up to server version 25.0.
pub(crate) const APPEND_BYTES_MAX: usize = 1 << 20;

pub(crate) fn not_leader(host: &str, port: u16) -> Status {
    let trailers = [("leader-endpoint-host", host), ("leader-endpoint-port", &port.to_string())];
    exception(Code::NotFound, "Leader info available", "not-leader", &trailers)
}

pub(crate) fn stream_deleted(stream: &str) -> Status {
    let text = format!("Event stream '{stream}' is deleted.");
    exception(Code::FailedPrecondition, &text, "stream-deleted", &[("stream-name", stream)])
}

/// The conflict of a delete or, with the same words, of a tombstone; clients take the numbers out of this very text.
pub(crate) fn deletion(stream: &str, expected: Expected, refusal: Refusal) -> Status {
    let Refusal::WrongVersion { current } = refusal else {
        return stream_deleted(stream);
    };
    let expected = expected.number().to_string();
    let actual = current.map_or("-1".to_owned(), |revision| revision.to_string());
    let text = format!(
        "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, Actual version: {actual}"
    );
    let trailers = [("stream-name", stream), ("expected-version", &expected), ("actual-version", &actual)];
    exception(Code::FailedPrecondition, &text, "wrong-expected-version", &trailers)
}

/// The caller is known, or nobody in particular, and may not do this.
pub(crate) fn access_denied() -> Status {
    exception(Code::PermissionDenied, "Access Denied", "access-denied", &[])
}

/// The caller is not who he says.
pub(crate) fn not_authenticated() -> Status {
    Status::unauthenticated("Not Authenticated")
}

pub(crate) fn invalid_position(InvalidPosition: InvalidPosition) -> Status {
    Status::invalid_argument("Trying to read from an invalid position.")
}

pub(crate) fn append_too_big() -> Status {
    let text = format!("Maximum Append Size of {APPEND_BYTES_MAX} Exceeded.");
    let trailers = [("maximum-append-size", &*APPEND_BYTES_MAX.to_string())];
    exception(Code::InvalidArgument, &text, "maximum-append-size-exceeded", &trailers)
}

pub(crate) fn metadata_missing(property: &str) -> Status {
    let text = format!("Required Metadata Property '{property}' is missing");
    let trailers = [("required-metadata-properties", "type,content-type")];
    exception(Code::InvalidArgument, &text, "missing-required-metadata-property", &trailers)
}

/// A conflict of `Append` is part of a successful answer.
pub(crate) fn append_conflict(expected: Expected, current: Option<u64>) -> WrongVersion {
    WrongVersion {
        current_revision: current,
        current_no_stream: empty_if(current.is_none()),
        expected_revision: exact(expected),
        expected_any: empty_if(expected == Expected::Any),
        expected_stream_exists: empty_if(expected == Expected::StreamExists),
        expected_no_stream: empty_if(expected == Expected::NoStream),
    }
}

pub(crate) fn batch(stream: &str, expected: Expected, refusal: Refusal) -> RpcStatus {
    match refusal {
        Refusal::WrongVersion { current } => detailed(Code::AlreadyExists, &batch_conflict(expected, current)),
        Refusal::Deleted => detailed(Code::NotFound, &StreamDeleted { stream: Some(stream.into()) }),
    }
}

pub(crate) fn batch_too_big() -> RpcStatus {
    detailed(Code::InvalidArgument, &MaximumAppendSizeExceeded { maximum: APPEND_BYTES_MAX as u32 })
}

pub(crate) fn bad_batch(status: &Status) -> RpcStatus {
    let message = status.message().to_owned();
    detailed(Code::InvalidArgument, &BadRequest { message })
}

fn batch_conflict(expected: Expected, current: Option<u64>) -> WrongPosition {
    WrongPosition {
        current_revision: current,
        current_no_stream: empty_if(current.is_none()),
        expected_revision: exact(expected),
        expected_any: empty_if(expected == Expected::Any),
        expected_stream_exists: empty_if(expected == Expected::StreamExists),
        expected_no_stream: empty_if(expected == Expected::NoStream),
    }
}

fn exact(expected: Expected) -> Option<u64> {
    match expected {
        Expected::Exact(revision) => Some(revision),
        Expected::Any | Expected::NoStream | Expected::StreamExists => None,
    }
}

fn empty_if(condition: bool) -> Option<Empty> {
    condition.then_some(Empty {})
}

/// The text of such a status is the name of its details.
fn detailed<D: Detail>(code: Code, detail: &D) -> RpcStatus {
    RpcStatus { code: code as i32, message: D::NAME.to_owned(), details: Some(detail.pack()) }
}

fn exception(code: Code, text: &str, name: &str, more: &[(&'static str, &str)]) -> Status {
    let mut trailers = MetadataMap::new();
    for (key, value) in [("exception", name)].iter().chain(more) {
        // A stream name that is not ASCII can't be a trailer: it is left out.
        if let Ok(value) = MetadataValue::try_from(*value) {
            trailers.insert(MetadataKey::from_static(key), value);
        }
    }
    Status::with_metadata(code, text, trailers)
}
