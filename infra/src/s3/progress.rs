//! Bodies on their way to the store, of which one can see whether they move.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::connect::ANSWER_MAX;
use super::trouble::Trouble;

/// Handed to the connection at once, in bytes.
const FRAME_BYTES: usize = 256 * 1024;

/// What the store is given beyond [`ANSWER_MAX`] to write down a body that it has, by the MiB.
const WRITING_MAX: Duration = Duration::from_millis(250);

/// How often one looks whether something has moved.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often frames were asked for.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

/// A body in memory. Its bytes stay visible, so that the signature covers them, and it can be sent again.
pub(super) fn measured(bytes: &Bytes, progress: &Progress) -> ByteStream {
    let (whole, progress) = (bytes.clone(), progress.clone());
    let body = SdkBody::from(bytes.clone());
    ByteStream::new(
        body.map_preserve_contents(move |_| SdkBody::from_body_1_x(Frames { left: whole.clone(), progress: progress.clone() })),
    )
}

impl Progress {
    /// Waits for the answer as long as the body moves, and a little longer.
    pub(super) async fn watch<T, E: Into<Trouble>>(
        &self,
        length: usize,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Trouble> {
        let writing = WRITING_MAX * u32::try_from(length >> 20).unwrap_or(u32::MAX);
        let frames = length.div_ceil(FRAME_BYTES) as u64;
        let mut call = Box::pin(call);
        let (mut seen, mut moved_at) = (0, Instant::now());
        loop {
            if let Ok(answer) = tokio::time::timeout(LOOK_EVERY, &mut call).await {
                return answer.map_err(Into::into);
            }
            let moved = self.0.load(Ordering::Relaxed);
            let limit = if moved >= frames { ANSWER_MAX + writing } else { ANSWER_MAX };
            if moved != seen {
                (seen, moved_at) = (moved, Instant::now());
            } else if moved_at.elapsed() > limit {
                return Err(Trouble::late(limit));
            }
        }
    }
}

struct Frames {
    left: Bytes,
    progress: Progress,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        self.progress.0.fetch_add(1, Ordering::Relaxed);
        let length = self.left.len().min(FRAME_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
