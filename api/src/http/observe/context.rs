//! What identifies a request across logs, events and other services.

use std::sync::Arc;

use poem::{
    http::{HeaderMap, Method},
    web::RemoteAddr,
};
use tracing::Span;
use uuid::Uuid;

use super::REQUEST_ID;

/// The id of a request and the trace that it belongs to.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// 1 to 128 visible ASCII characters, from the client or made here.
    pub id: Arc<str>,
    /// The caller's span, if it named one.
    pub trace: Option<TraceParent>,
}

/// A W3C `traceparent` (Trace Context, level 1, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent {
    /// 32 lower-case hex digits, not all zero.
    pub trace_id: String,
    /// 16 lower-case hex digits, not all zero.
    pub parent_id: String,
    /// Whether the caller records this trace.
    pub sampled: bool,
}

impl RequestContext {
    pub(super) fn read(headers: &HeaderMap, new_id: &dyn Fn() -> Uuid) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_request_id(id));
        let id = given.map_or_else(|| Arc::from(new_id().to_string()), Arc::from);
        let trace = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(TraceParent::parse);
        Self { id, trace }
    }

    pub(super) fn span(&self, method: &Method, path: &str, peer: &RemoteAddr) -> Span {
        let peer = peer.as_socket_addr().map(tracing::field::display);
        let span = tracing::info_span!(
            "request",
            %method,
            path,
            peer,
            request_id = %self.id,
            trace_id = tracing::field::Empty,
            parent_id = tracing::field::Empty,
        );
        if let Some(trace) = &self.trace {
            span.record("trace_id", &trace.trace_id);
            span.record("parent_id", &trace.parent_id);
        }
        span
    }
}

impl TraceParent {
    /// Reads `00-<trace id>-<parent id>-<flags>`; a later version may append more. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.trim().split('-');
        let (version, trace_id, parent_id, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let is_whole = is_hex(version, 2) && is_hex(trace_id, 32) && is_hex(parent_id, 16) && is_hex(flags, 2);
        let is_of_known_shape = version != "ff" && (version != "00" || fields.next().is_none());
        let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
        if !is_whole || !is_of_known_shape || is_zero(trace_id) || is_zero(parent_id) {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned(), sampled: flags & 1 == 1 })
    }
}

fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
