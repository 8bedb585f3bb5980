//! Answers that break off.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::{Body as _, Frame, SizeHint};
use s3s::{Body, HttpResponse, StdError};

/// Ends a connection: mostly because a test wants it, and otherwise because there is nothing that could be answered.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("broken on purpose")
    }
}

impl std::error::Error for Broken {}

/// The answer with the half of its body only, or none if there is nothing to halve.
pub(crate) fn cut(answer: HttpResponse) -> Result<HttpResponse, Broken> {
    let (head, body) = answer.into_parts();
    let declared = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let length: u64 = declared.or(body.size_hint().exact()).unwrap_or_default();
    // The answer to a HEAD has the length of a body and no body.
    if length < 2 || body.is_end_stream() {
        return Err(Broken);
    }
    let half = Half { whole: body, length, left: length / 2, is_flushed: false };
    Ok(HttpResponse::from_parts(head, Body::http_body_unsync(half)))
}

struct Half {
    whole: Body,
    length: u64,
    left: u64,
    is_flushed: bool,
}

impl Half {
    fn keep(&mut self, mut bytes: Bytes) -> Frame<Bytes> {
        let kept = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        self.left -= kept as u64;
        Frame::data(bytes.split_to(kept))
    }
}

impl http_body::Body for Half {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        if self.left > 0 {
            let frame = ready!(Pin::new(&mut self.whole).poll_frame(context));
            let data = frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()));
            return Poll::Ready(data.map(|data| data.map(|bytes| self.keep(bytes))));
        }
        if self.is_flushed {
            return Poll::Ready(Some(Err(Broken.into())));
        }
        // hyper sends what it has whenever a body has to wait, and the client shall see the half.
        self.is_flushed = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
