use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use s3s::{S3Result, s3_error};

use super::content::Content;

#[derive(Default)]
pub(crate) struct Bucket {
    pub(crate) objects: BTreeMap<String, Arc<Object>>,
    /// By key and upload id; ids ascend with time.
    pub(crate) uploads: BTreeMap<(String, String), Upload>,
    uploads_so_far: u64,
}

impl Bucket {
    pub(crate) fn object(&self, key: &str) -> S3Result<Arc<Object>> {
        self.objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    /// Begins an upload and gives its id.
    pub(crate) fn begin(&mut self, key: &str, upload: Upload) -> String {
        self.uploads_so_far += 1;
        let upload_id = format!("{:032X}", self.uploads_so_far);
        self.uploads.insert((key.to_owned(), upload_id.clone()), upload);
        upload_id
    }

    pub(crate) fn upload(&mut self, key: &str, upload_id: &str) -> S3Result<&mut Upload> {
        self.uploads.get_mut(&(key.to_owned(), upload_id.to_owned())).ok_or_else(no_such_upload)
    }

    pub(crate) fn end(&mut self, key: &str, upload_id: &str) -> S3Result<Upload> {
        self.uploads.remove(&(key.to_owned(), upload_id.to_owned())).ok_or_else(no_such_upload)
    }
}

fn no_such_upload() -> s3s::S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
}

pub(crate) struct Object {
    pub(crate) content: Content,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
    pub(crate) description: Description,
}

/// What is said about an object and given back with it.
#[derive(Clone, Default)]
pub(crate) struct Description {
    pub(crate) content_type: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) metadata: Option<HashMap<String, String>>,
}

impl Description {
    /// What the head of a request says. Metadata are taken apart from their headers already.
    pub(crate) fn of(headers: &HeaderMap, metadata: Option<HashMap<String, String>>) -> Self {
        let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
        Self {
            content_type: text(CONTENT_TYPE),
            content_disposition: text(CONTENT_DISPOSITION),
            content_encoding: text(CONTENT_ENCODING),
            content_language: text(CONTENT_LANGUAGE),
            cache_control: text(CACHE_CONTROL),
            metadata,
        }
    }
}

pub(crate) struct Upload {
    pub(crate) began: SystemTime,
    pub(crate) description: Description,
    pub(crate) parts: BTreeMap<i32, Part>,
}

#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) content: Arc<Content>,
    pub(crate) modified: SystemTime,
}
