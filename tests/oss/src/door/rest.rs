//! The body of a request, in two hands: whoever serves the request reads it, and what is left can be read away afterwards.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

#[derive(Clone)]
pub(super) struct Rest(Arc<Mutex<Incoming>>);

impl Rest {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    fn inner(&self) -> MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads away what is left; if the client breaks off, nothing is left.
    pub(super) async fn drain(&self) {
        self.skip(u64::MAX).await;
    }

    pub(super) async fn skip_half(&self) {
        let length = self.inner().size_hint().exact().unwrap_or_default();
        self.skip(length / 2).await;
    }

    async fn skip(&self, bytes: u64) {
        let mut body = self.clone();
        let mut skipped = 0;
        while skipped < bytes {
            let Some(Ok(frame)) = body.frame().await else { return };
            skipped += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    }
}

impl Body for Rest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.inner()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner().size_hint()
    }
}
