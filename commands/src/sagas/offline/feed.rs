use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::Mutex;

use crate::ports::ByteStream;

/// A body that is read portion by portion, one after the other.
#[derive(Clone)]
pub(super) struct Feed(Arc<Mutex<Reading>>);

struct Reading {
    body: ByteStream,
    rest: Bytes,
    /// Counts every byte that comes.
    received: Arc<AtomicU64>,
}

impl Feed {
    pub(super) fn new(body: ByteStream, received: Arc<AtomicU64>) -> Self {
        Self(Arc::new(Mutex::new(Reading { body, rest: Bytes::new(), received })))
    }

    /// The next so many bytes, or as many as there are.
    pub(super) fn portion(&self, bytes: u64) -> ByteStream {
        let next = |(feed, left): (Self, u64)| async move {
            let piece = if left == 0 { None } else { feed.next(left).await? };
            Ok(piece.map(|piece| (piece.clone(), (feed, left - piece.len() as u64))))
        };
        stream::try_unfold((self.clone(), bytes), next).boxed()
    }

    async fn next(&self, bytes_max: u64) -> io::Result<Option<Bytes>> {
        let reading = &mut *self.0.lock().await;
        if reading.rest.is_empty() {
            let Some(piece) = reading.body.next().await else { return Ok(None) };
            reading.rest = piece?;
            reading.received.fetch_add(reading.rest.len() as u64, Ordering::Relaxed);
        }
        let length = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(reading.rest.len());
        Ok(Some(reading.rest.split_to(length)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn portions_follow_each_other_whatever_the_pieces_are() {
        let pieces = ["ab", "", "cdef", "g"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        let received = Arc::<AtomicU64>::default();
        let feed = Feed::new(stream::iter(pieces).boxed(), received.clone());
        let portion = async |bytes| {
            let pieces: Vec<Bytes> = feed.portion(bytes).try_collect().await.expect("bytes");
            String::from_utf8(pieces.concat()).expect("text")
        };
        assert_eq!(portion(3).await, "abc");
        assert_eq!(received.load(Ordering::Relaxed), 6);
        assert_eq!(portion(0).await, "");
        assert_eq!(portion(3).await, "def");
        assert_eq!(portion(9).await, "g");
        assert_eq!(portion(1).await, "");
        assert_eq!(received.load(Ordering::Relaxed), 7);
    }
}
