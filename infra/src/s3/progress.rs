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
use super::pieces::Pieces;
use super::trouble::Trouble;

/// Handed to the connection at once, in bytes.
const FRAME_BYTES: usize = 256 * 1024;

/// What the store is given beyond [`ANSWER_MAX`] to write down a body that it has, by the MiB.
const WRITING_MAX: Duration = Duration::from_millis(250);

/// How often one looks whether something has moved.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many bytes were asked for, in all attempts.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU64>);

/// A body in memory, which can be sent again. The SDK does not see its bytes: their hash has to be signed for it.
pub(super) fn measured(bytes: &Pieces, progress: &Progress) -> ByteStream {
    let (bytes, progress) = (bytes.clone(), progress.clone());
    ByteStream::new(SdkBody::retryable(move || SdkBody::from_body_1_x(Frames::new(&bytes, &progress))))
}

impl Progress {
    /// Waits for the answer as long as the body moves, and a little longer.
    pub(super) async fn watch<T, E: Into<Trouble>>(
        &self,
        length: usize,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Trouble> {
        let writing = WRITING_MAX * u32::try_from(length >> 20).unwrap_or(u32::MAX);
        let mut call = Box::pin(call);
        let (mut seen, mut moved_at) = (0, Instant::now());
        loop {
            if let Ok(answer) = tokio::time::timeout(LOOK_EVERY, &mut call).await {
                return answer.map_err(Into::into);
            }
            let moved = self.0.load(Ordering::Relaxed);
            let limit = if moved >= length as u64 { ANSWER_MAX + writing } else { ANSWER_MAX };
            if moved != seen {
                (seen, moved_at) = (moved, Instant::now());
            } else if moved_at.elapsed() > limit {
                return Err(Trouble::late(limit));
            }
        }
    }
}

struct Frames {
    bytes: Pieces,
    /// The piece that is begun, and which one comes after it.
    begun: Bytes,
    next: usize,
    left: usize,
    progress: Progress,
}

impl Frames {
    fn new(bytes: &Pieces, progress: &Progress) -> Self {
        Self { bytes: bytes.clone(), begun: Bytes::new(), next: 0, left: bytes.len(), progress: progress.clone() }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        while self.begun.is_empty() {
            let Some(piece) = self.bytes.iter().nth(self.next).cloned() else { return Poll::Ready(None) };
            (self.begun, self.next) = (piece, self.next + 1);
        }
        let length = self.begun.len().min(FRAME_BYTES);
        self.left -= length;
        self.progress.0.fetch_add(length as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(self.begun.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}
