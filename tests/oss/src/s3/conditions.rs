//! Conditions of reading (RFC 9110, section 13.2.2).

use http::HeaderMap;
use s3s::dto::{ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Result, s3_error};

use super::answer::{etag, timestamp};
use crate::store::Object;

pub(super) struct Conditions {
    matches: Option<ETagCondition>,
    none_match: Option<ETagCondition>,
    modified_since: Option<Timestamp>,
    unmodified_since: Option<Timestamp>,
}

impl Conditions {
    pub(super) fn of_reading(headers: &HeaderMap) -> Self {
        Self::of(headers, "")
    }

    pub(super) fn of_copying(headers: &HeaderMap) -> Self {
        Self::of(headers, "x-amz-copy-source-")
    }

    /// `s3s` has refused already what cannot be read.
    fn of(headers: &HeaderMap, prefix: &str) -> Self {
        let text = |name: &str| headers.get(format!("{prefix}{name}"))?.to_str().ok();
        let etag = |name| ETagCondition::parse_http_header(text(name)?.as_bytes()).ok();
        let time = |name| Timestamp::parse(TimestampFormat::HttpDate, text(name)?).ok();
        Self {
            matches: etag("if-match"),
            none_match: etag("if-none-match"),
            modified_since: time("if-modified-since"),
            unmodified_since: time("if-unmodified-since"),
        }
    }

    /// Should the object be given to a reader? If the reader already has it, the answer is 304.
    pub(super) fn check_for_reading(&self, object: &Object) -> S3Result<()> {
        self.check_required(object)?;
        if self.is_unchanged(object) {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }

    /// Should the object be copied? There is nobody who already has it: both kinds of conditions answer 412.
    pub(super) fn check_for_copying(&self, object: &Object) -> S3Result<()> {
        self.check_required(object)?;
        if self.is_unchanged(object) {
            return Err(precondition_failed());
        }
        Ok(())
    }

    fn check_required(&self, object: &Object) -> S3Result<()> {
        let holds = match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) => is_of(condition, object),
            (None, Some(since)) => timestamp(object.modified) <= *since,
            (None, None) => true,
        };
        if holds { Ok(()) } else { Err(precondition_failed()) }
    }

    fn is_unchanged(&self, object: &Object) -> bool {
        match (&self.none_match, &self.modified_since) {
            (Some(condition), _) => is_of(condition, object),
            (None, Some(since)) => timestamp(object.modified) <= *since,
            (None, None) => false,
        }
    }
}

fn is_of(condition: &ETagCondition, object: &Object) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(wanted) => wanted.weak_cmp(&etag(&object.etag)),
    }
}

fn precondition_failed() -> s3s::S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold.")
}
