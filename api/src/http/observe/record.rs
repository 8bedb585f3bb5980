//! The one log line and the metrics of a request, written when its answer is sent or its client is gone.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::combinators::BoxBody;
use metrics::{counter, histogram};
use poem::{
    Body, PathPattern,
    http::{HeaderValue, Method, StatusCode},
};
use tokio::time::Instant;
use tracing::Span;

use crate::http::problem::Problem;

/// What is known of a request so far. Dropping it writes it down, so no way out of a request is unrecorded.
pub(super) struct Record {
    span: Span,
    started: Instant,
    method: &'static str,
    route: Option<Arc<str>>,
    status: Option<StatusCode>,
    code: Option<&'static str>,
    cause: Option<String>,
    sent_bytes: u64,
    complete: bool,
}

impl Record {
    pub(super) fn start(method: &Method, span: Span) -> Self {
        Self {
            span,
            started: Instant::now(),
            method: label(method),
            route: None,
            status: None,
            code: None,
            cause: None,
            sent_bytes: 0,
            complete: false,
        }
    }

    pub(super) fn problem(&mut self, problem: &Problem) {
        self.code = Some(problem.kind().code);
        self.cause = problem.cause().map(chain);
    }

    pub(super) fn answered(&mut self, status: StatusCode, route: Option<&PathPattern>) {
        self.status = Some(status);
        // An API that does not know the path leaves the pattern of its own root, which is empty.
        self.route = route.map(|route| Arc::clone(&route.0)).filter(|pattern| !pattern.is_empty());
    }

    /// Goes along with the body of the answer and is written when that was sent.
    pub(super) fn watch(self, content_length: Option<&HeaderValue>, body: Body) -> Body {
        let expected = content_length.and_then(|value| value.to_str().ok()?.parse().ok());
        Body::from(BoxBody::new(RecordedBody { inner: body.into(), expected, record: self }))
    }

    fn write(&self) {
        let _entered = self.span.enter();
        let (code, cause) = (self.code, self.cause.as_deref());
        let milliseconds = self.started.elapsed().as_secs_f64() * 1000.0;
        let bytes = self.sent_bytes;
        match self.status {
            None => tracing::info!(milliseconds, "the client left before the answer"),
            Some(status) if status.is_server_error() => {
                tracing::error!(status = status.as_u16(), code, cause, bytes, milliseconds, "answered");
            }
            Some(status) if self.complete => {
                tracing::info!(status = status.as_u16(), code, cause, bytes, milliseconds, "answered");
            }
            Some(status) => {
                let status = status.as_u16();
                tracing::warn!(status, code, cause, bytes, milliseconds, "the answer was cut off");
            }
        }
    }

    fn count(&self) {
        // 499 is the customary status for a client that closed first.
        let status = self.status.map_or(499, |status| status.as_u16()).to_string();
        let route = self.route.as_deref().unwrap_or("none").to_owned();
        counter!("cairn_http_requests_total", "method" => self.method, "route" => route.clone(), "status" => status).increment(1);
        histogram!("cairn_http_request_duration_seconds", "method" => self.method, "route" => route)
            .record(self.started.elapsed().as_secs_f64());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write();
        self.count();
    }
}

struct RecordedBody {
    inner: BoxBody<Bytes, io::Error>,
    /// The announced length, at which nobody asks for an end any more.
    expected: Option<u64>,
    record: Record,
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.record.sent_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            Poll::Ready(Some(Err(error))) => self.record.cause = Some(chain(error)),
            Poll::Ready(None) => self.record.complete = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let has_no_body = self.record.method == "HEAD";
        let all_sent = self.expected == Some(self.record.sent_bytes);
        self.record.complete |= has_no_body || all_sent || self.inner.is_end_stream();
    }
}

/// An error with all its sources, for the log; a wrapper that only repeats its source is left out.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        texts.push(error.to_string());
        source = error.source();
    }
    texts.dedup();
    texts.join(": ")
}

/// Methods are free text; only the known ones may become labels.
fn label(method: &Method) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}
