//! Downloads: 200, 206, 304 and 416 for any content that can be read from any offset.

mod content;

#[cfg(test)]
mod tests;

use std::{io, ops::Range, pin::Pin};

use bytes::Bytes;
use futures_util::{Stream, future::BoxFuture};
use poem::{
    Body, Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use uuid::Uuid;

use super::{
    conditional, digest_fields, disposition,
    problem::{Explain, Problem, common},
    range::{self, ByteRanges, Requested},
};

/// Bytes from a source; pieces of 64 KiB and more keep it fast.
pub type SourceStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Where the bytes of one content come from.
pub trait Source: Send + Sync + 'static {
    /// Opens a half-open, non-empty range inside the content. The stream gives exactly these bytes, or an error.
    fn open(&self, range: Range<u64>) -> BoxFuture<'static, io::Result<SourceStream>>;
}

impl<F> Source for F
where
    F: Fn(Range<u64>) -> BoxFuture<'static, io::Result<SourceStream>> + Send + Sync + 'static,
{
    fn open(&self, range: Range<u64>) -> BoxFuture<'static, io::Result<SourceStream>> {
        self(range)
    }
}

/// One content under one name.
pub struct Download {
    /// What the client should call the file.
    pub name: String,
    /// The media type that its uploader declared; it is only shown, never trusted.
    pub content_type: String,
    /// Size in bytes.
    pub length: u64,
    /// The digest of the content, which is also its entity tag, in hex.
    pub sha256: [u8; 32],
    /// A random id that separates many ranges. The content's author must not be able to know it.
    pub boundary: Uuid,
}

/// What a client asks of a content.
#[derive(Debug, Clone)]
pub struct DownloadRequest {
    method: Method,
    headers: HeaderMap,
}

impl From<&Request> for DownloadRequest {
    fn from(request: &Request) -> Self {
        Self { method: request.method().clone(), headers: request.headers().clone() }
    }
}

impl DownloadRequest {
    /// The ranges asked for. They count for GET alone (RFC 9110 section 14.2) and only as long as `If-Range` holds.
    fn requested(&self, length: u64, tag: &str) -> Requested {
        let mut values = self.headers.get_all(header::RANGE).iter();
        let Some(value) = values.next() else { return Requested::Whole };
        if self.method != Method::GET || !conditional::range_applies(&self.headers, tag) {
            return Requested::Whole;
        }
        match value.to_str() {
            Ok(value) if values.next().is_none() => range::parse(value, length),
            _ => Requested::Unsatisfiable,
        }
    }
}

impl Download {
    /// Answers a GET or HEAD.
    ///
    /// # Errors
    /// The problem `range_not_satisfiable`; if the source cannot be opened the problem inside of its error, or else `unavailable`.
    pub async fn answer(self, request: &DownloadRequest, source: impl Source) -> Result<Response, Problem> {
        self.plan(request)?.send(source).await
    }

    /// Decides what is answered, before anything is opened.
    ///
    /// # Errors
    /// The problem `range_not_satisfiable`.
    pub fn plan(self, request: &DownloadRequest) -> Result<Answer, Problem> {
        let tag = hex::encode(self.sha256);
        if conditional::none_match_holds_current(&request.headers, &tag) {
            let response = self.head(StatusCode::NOT_MODIFIED, &tag).finish();
            return Ok(Answer { response, pieces: Vec::new(), sends: Sends::Nothing });
        }
        let (response, pieces, sends) = match request.requested(self.length, &tag) {
            Requested::Whole => self.whole(&tag),
            Requested::One(range) => self.one(range, &tag),
            Requested::Many(ranges) => self.many(ranges, &tag),
            Requested::Unsatisfiable => return Err(self.unsatisfiable(&tag)),
        };
        let sends = if request.method == Method::HEAD { Sends::Nothing } else { sends };
        Ok(Answer { response, pieces, sends })
    }

    fn whole(&self, tag: &str) -> (Response, Vec<Piece>, Sends) {
        let response = self.representation(StatusCode::OK, tag, &self.content_type, self.length).finish();
        let pieces = if self.length == 0 { Vec::new() } else { vec![Piece::Content(0..self.length)] };
        (response, pieces, Sends::Whole)
    }

    fn one(&self, range: Range<u64>, tag: &str) -> (Response, Vec<Piece>, Sends) {
        let length = range.end - range.start;
        let response = self
            .representation(StatusCode::PARTIAL_CONTENT, tag, &self.content_type, length)
            .header(header::CONTENT_RANGE, range::content_range(&range, self.length))
            .finish();
        // All of it is all of it, however it is asked for.
        let sends = if length == self.length { Sends::Whole } else { Sends::Part };
        (response, vec![Piece::Content(range)], sends)
    }

    fn many(&self, ranges: Vec<Range<u64>>, tag: &str) -> (Response, Vec<Piece>, Sends) {
        let parts = ByteRanges::new(ranges, self.length, &self.content_type, self.boundary);
        let response =
            self.representation(StatusCode::PARTIAL_CONTENT, tag, &parts.content_type(), parts.content_length()).finish();
        let contents = parts.parts().into_iter();
        let framed = contents.flat_map(|(opening, range)| [Piece::Frame(opening), Piece::Content(range)]);
        (response, framed.chain([Piece::Frame(parts.closing())]).collect(), Sends::Part)
    }

    fn unsatisfiable(&self, tag: &str) -> Problem {
        Problem::of(common::range_not_satisfiable)
            .header(header::CONTENT_RANGE, range::unsatisfied(self.length))
            .header(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"))
            .header(header::ETAG, conditional::entity_tag(tag))
    }

    /// The header fields of every answer that carries content, or would.
    ///
    /// Content comes from users, so a browser must neither show it in this origin nor guess its type.
    fn representation(&self, status: StatusCode, tag: &str, content_type: &str, length: u64) -> poem::ResponseBuilder {
        let content_type = HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
        self.head(status, tag)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_LENGTH, length)
            .header(header::CONTENT_DISPOSITION, disposition::attachment(&self.name))
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'")
    }

    /// The header fields that a 304 carries as well (section 15.4.5). Private files may be kept by a browser that asks again each
    /// time, and by nobody in between.
    fn head(&self, status: StatusCode, tag: &str) -> poem::ResponseBuilder {
        Response::builder()
            .status(status)
            .header(header::ETAG, conditional::entity_tag(tag))
            .header(header::ACCEPT_RANGES, "bytes")
            .header(header::CACHE_CONTROL, "private, no-cache")
            .header(digest_fields::REPR_DIGEST, digest_fields::field_value(&self.sha256))
    }
}

/// The problem that travels inside of the error of a source.
fn unreadable(error: io::Error) -> Problem {
    let unavailable = |error: io::Error| {
        Problem::of(common::unavailable).detail("The content cannot be read just now; try again.").because(error)
    };
    error.downcast::<Problem>().unwrap_or_else(unavailable)
}

/// How much of a content an answer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sends {
    /// Nothing: it tells about it, or that it has not changed.
    Nothing,
    /// Some ranges of it.
    Part,
    /// All of it, also when that was asked for as a range.
    Whole,
}

/// An answer that was decided on, and of which nothing is sent yet.
pub struct Answer {
    response: Response,
    pieces: Vec<Piece>,
    sends: Sends,
}

impl Answer {
    /// How much it sends.
    pub fn sends(&self) -> Sends {
        self.sends
    }

    /// Opens the source, if anything is to be sent.
    ///
    /// # Errors
    /// If the source cannot be opened the problem inside of its error, or else `unavailable`.
    pub async fn send(self, source: impl Source) -> Result<Response, Problem> {
        let Self { mut response, pieces, sends } = self;
        if sends != Sends::Nothing {
            let content = content::open(source, pieces).await.map_err(unreadable)?;
            response.set_body(Body::from_bytes_stream(content));
        }
        Ok(response)
    }
}

/// What a body consists of, in order.
enum Piece {
    Frame(Bytes),
    Content(Range<u64>),
}
