//! multipart/form-data (RFC 7578), streamed.
//!
//! multer parses, with two guards around it: it would read as far ahead as the client can send, and keep any amount of bytes
//! between two parts in memory.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::unfold};
use multer::{Constraints, Field, Multipart, SizeLimit};
use poem::Body;

use super::{BodyError, ByteStream, UploadPart, until_error};
use crate::http::disposition;

/// Bytes that may stand before, between and behind the parts, headers included.
const BETWEEN_BYTES_MAX: u64 = 64 * 1024;

/// A UUID has 36 characters; anything near is read in order to be refused with its field's name.
const ID_BYTES_MAX: u64 = 256;

/// The boundary, if this is the media type of a form; an error if the form has none.
pub(super) fn boundary(content_type: &str) -> Option<Result<String, BodyError>> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    Some(multer::parse_boundary(content_type).map_err(body_error))
}

/// Reads the form up to its file.
pub(super) async fn open(body: Body, boundary: String, limit: u64) -> Result<UploadPart, BodyError> {
    let ahead = ReadAhead::default();
    let feed = Feed { inner: super::stream(body, limit.saturating_add(2 * BETWEEN_BYTES_MAX)), ahead: ahead.clone(), fed: false };
    let sizes = SizeLimit::new().per_field(limit).for_field("folder_id", ID_BYTES_MAX).for_field("replace_id", ID_BYTES_MAX);
    let mut form = Multipart::with_constraints(feed, boundary, Constraints::new().size_limit(sizes));
    let mut before = Before::default();
    loop {
        let Some(part) = form.next_field().await.map_err(body_error)? else {
            return Err(invalid("file", "is required"));
        };
        match part.name() {
            Some("file") => return Ok(file(form, part, before, ahead, limit)),
            Some("folder_id") => read_id(part, "folder_id", &mut before.folder_id).await?,
            Some("replace_id") => read_id(part, "replace_id", &mut before.replace_id).await?,
            other => return Err(invalid(other.unwrap_or_default(), "is not a part of this form")),
        }
        ahead.restrict();
    }
}

/// What stands before the file.
#[derive(Default)]
struct Before {
    folder_id: Option<String>,
    replace_id: Option<String>,
}

async fn read_id(part: Field<'static>, name: &str, id: &mut Option<String>) -> Result<(), BodyError> {
    if id.is_some() {
        return Err(invalid(name, "stands there twice"));
    }
    let bytes = part.bytes().await.map_err(body_error)?;
    *id = Some(String::from_utf8(bytes.into()).map_err(|_| invalid(name, "is not UTF-8"))?);
    Ok(())
}

fn file(form: Multipart<'static>, part: Field<'static>, before: Before, ahead: ReadAhead, limit: u64) -> UploadPart {
    ahead.free();
    let file_name = part
        .headers()
        .get("content-disposition")
        .and_then(|value| disposition::extended_file_name(value.as_bytes()))
        .or_else(|| part.file_name().map(undo_browser_escapes));
    let content_type = part.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let content = unfold(Some((form, part)), move |state| step(state, ahead.clone(), limit));
    let Before { folder_id, replace_id } = before;
    UploadPart { folder_id, replace_id, file_name, content_type, length: None, content: Box::pin(until_error(content)) }
}

type FileState = Option<(Multipart<'static>, Field<'static>)>;

/// The next bytes of the file, and behind its last ones a look at whether the form ends as it should.
async fn step(state: FileState, ahead: ReadAhead, limit: u64) -> Option<(Result<Bytes, BodyError>, FileState)> {
    let (mut form, mut part) = state?;
    loop {
        match part.next().await {
            Some(Ok(bytes)) if bytes.is_empty() => {}
            Some(Ok(bytes)) => return Some((Ok(bytes), Some((form, part)))),
            Some(Err(multer::Error::FieldSizeExceeded { .. })) => {
                return Some((Err(BodyError::TooLarge { limit }), None));
            }
            Some(Err(error)) => return Some((Err(body_error(error)), None)),
            None => break,
        }
    }
    drop(part);
    ahead.restrict();
    match form.next_field().await {
        Ok(None) => None,
        Ok(Some(behind)) => {
            Some((Err(invalid(behind.name().unwrap_or_default(), "stands behind the file, which must be last")), None))
        }
        Err(error) => Some((Err(body_error(error)), None)),
    }
}

/// What multer may still read before it must have found the next part.
#[derive(Clone)]
struct ReadAhead(Arc<AtomicU64>);

impl Default for ReadAhead {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(BETWEEN_BYTES_MAX)))
    }
}

impl ReadAhead {
    fn restrict(&self) {
        self.0.store(BETWEEN_BYTES_MAX, Ordering::Relaxed);
    }

    fn free(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    /// Whether one more frame may be read; it is counted afterwards, so a frame is never cut.
    fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn count(&self, bytes: usize) {
        let left = self.0.load(Ordering::Relaxed);
        if left != u64::MAX {
            self.0.store(left.saturating_sub(bytes as u64), Ordering::Relaxed);
        }
    }
}

/// Hands multer one frame each time it looks, because it takes as many as there are.
struct Feed {
    inner: ByteStream,
    ahead: ReadAhead,
    fed: bool,
}

impl Stream for Feed {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.fed) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.ahead.is_used_up() {
            let detail = format!("more than {BETWEEN_BYTES_MAX} bytes stand outside of its parts");
            return Poll::Ready(Some(Err(BodyError::MalformedForm(detail, None))));
        }
        let frame = ready!(self.inner.poll_next_unpin(cx));
        if let Some(Ok(bytes)) = &frame {
            self.ahead.count(bytes.len());
            self.fed = true;
        }
        Poll::Ready(frame)
    }
}

fn body_error(error: multer::Error) -> BodyError {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<BodyError>() {
            Ok(error) => *error,
            Err(cause) => BodyError::MalformedForm("it cannot be read".to_owned(), Some(cause)),
        },
        multer::Error::FieldSizeExceeded { field_name, .. } => invalid(&field_name.unwrap_or_default(), "is too long"),
        error => BodyError::MalformedForm(error.to_string(), Some(Box::new(error))),
    }
}

fn invalid(field: &str, message: &str) -> BodyError {
    BodyError::InvalidForm { field: field.to_owned(), message: message.to_owned() }
}

/// Browsers write a quote and line ends in a file name as %22, %0D and %0A, and nothing else (WHATWG, multipart/form-data
/// encoding algorithm).
fn undo_browser_escapes(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}
