//! Which operation of S3 a request is, told before anything is checked, so that it can be counted and broken.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use http::Method;
use http::request::Parts;

use crate::refusal::Target;

/// An operation of the interface. A presigned GET is a [`Operation::GetObject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    HeadBucket,
    ListObjectsV2,
    ListMultipartUploads,
    DeleteObjects,
    PutObject,
    CopyObject,
    GetObject,
    HeadObject,
    DeleteObject,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    /// Whatever else arrives; none of it is served.
    Other,
}

impl Operation {
    pub(crate) fn of(request: &Parts, target: Target) -> Self {
        let query = request.uri.query().unwrap_or_default();
        match target {
            Target::Bucket => Self::on_bucket(&request.method, query),
            Target::Object => Self::on_object(request, query),
            Target::NotVirtualHosted | Target::Service => Self::Other,
        }
    }

    fn on_bucket(method: &Method, query: &str) -> Self {
        match method.as_str() {
            "HEAD" => Self::HeadBucket,
            "GET" if has(query, "uploads") => Self::ListMultipartUploads,
            "GET" if has(query, "list-type") => Self::ListObjectsV2,
            "POST" if has(query, "delete") => Self::DeleteObjects,
            _ => Self::Other,
        }
    }

    fn on_object(request: &Parts, query: &str) -> Self {
        let is_copy = request.headers.contains_key("x-amz-copy-source");
        let of_upload = has(query, "uploadId");
        match (request.method.as_str(), of_upload) {
            ("HEAD", _) => Self::HeadObject,
            ("GET", true) => Self::ListParts,
            ("GET", false) => Self::GetObject,
            ("PUT", true) if is_copy => Self::UploadPartCopy,
            ("PUT", true) => Self::UploadPart,
            ("PUT", false) if is_copy => Self::CopyObject,
            ("PUT", false) => Self::PutObject,
            ("DELETE", true) => Self::AbortMultipartUpload,
            ("DELETE", false) => Self::DeleteObject,
            ("POST", true) => Self::CompleteMultipartUpload,
            ("POST", false) if has(query, "uploads") => Self::CreateMultipartUpload,
            _ => Self::Other,
        }
    }

    /// Does it store a body, so that the conditions of reading do not apply to it?
    pub(crate) fn writes_object(self) -> bool {
        matches!(self, Self::PutObject | Self::CompleteMultipartUpload)
    }
}

fn has(query: &str, name: &str) -> bool {
    query.split('&').any(|pair| pair.split('=').next() == Some(name))
}

/// How many requests arrived of each operation, with those that were refused or broken.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<Operation, usize>>);

impl Counts {
    pub(crate) fn add(&self, operation: Operation) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(operation).or_default() += 1;
    }

    pub(crate) fn of(&self, operation: Operation) -> usize {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&operation).copied().unwrap_or_default()
    }
}
