//! How long a client may keep the server waiting.
//!
//! A deadline for a whole body would punish large files, and a deadline for each read would let a client send one byte a
//! minute for ever. So waiting is paid from a [`Credit`] that every byte fills up again.

#[cfg(test)]
mod tests;

use std::{
    error::Error,
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

/// A request body that ends with [`BodyTooSlow`] when its client stops sending.
///
/// Time in which nobody asks for the next frame is the server's own and costs the client nothing.
pub(crate) struct PatientBody {
    inner: Incoming,
    patience: Patience,
    unread: Arc<AtomicBool>,
    ended: bool,
}

/// The cause inside the [`io::Error`] of a body that came too slowly.
#[derive(Debug)]
pub(crate) struct BodyTooSlow;

impl PatientBody {
    /// `unread` becomes true when the body is dropped before its end.
    pub(crate) fn new(inner: Incoming, patience: Patience, unread: Arc<AtomicBool>) -> Self {
        Self { inner, patience, unread, ended: false }
    }
}

impl Body for PatientBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.patience.progress(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(io::Error::other(error)))),
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => self.patience.poll_lost(cx).map(|()| Some(Err(io::Error::new(io::ErrorKind::TimedOut, BodyTooSlow)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for PatientBody {
    fn drop(&mut self) {
        let read_to_its_end = self.ended || self.inner.is_end_stream();
        self.unread.store(!read_to_its_end, Ordering::Relaxed);
    }
}

impl fmt::Display for BodyTooSlow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the client sent its body too slowly")
    }
}

impl Error for BodyTooSlow {}

/// A [`Credit`] and the clock that spends it.
pub(crate) struct Patience {
    credit: Credit,
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(crate) fn new(credit: Credit) -> Self {
        Self { credit, waiting_since: None, alarm: None }
    }

    /// The peer moved; the wait, if there was one, is over.
    pub(crate) fn progress(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.credit.spend(since.elapsed());
        }
        self.credit.earn(bytes);
    }

    /// Call while the peer keeps us waiting. Ready as soon as patience is lost.
    pub(crate) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            let lost_at = now + self.credit.left;
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(lost_at),
                None => self.alarm = Some(Box::pin(sleep_until(lost_at))),
            }
        }
        match &mut self.alarm {
            Some(alarm) => alarm.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Time that a peer may still let pass. Waiting spends it, bytes earn it back, and it never exceeds its start.
///
/// So a peer that stops is given up after `max`, and one that trickles below the least rate not much later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credit {
    max: Duration,
    left: Duration,
    bytes_per_second_min: u32,
}

impl Credit {
    /// A full credit. A least rate of 0 counts as 1.
    pub(crate) fn new(max: Duration, bytes_per_second_min: u32) -> Self {
        Self { max, left: max, bytes_per_second_min: bytes_per_second_min.max(1) }
    }

    fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    fn earn(&mut self, bytes: usize) {
        let earned = Duration::from_secs(bytes as u64) / self.bytes_per_second_min;
        self.left = self.left.saturating_add(earned).min(self.max);
    }
}
