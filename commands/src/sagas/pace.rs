use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::Instant;

use crate::ports::ByteStream;

/// Lets bytes pass at a bounded rate, over all streams that share it.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    bytes_per_second: u64,
    free_at: Arc<Mutex<Instant>>,
}

impl Pace {
    /// None for no bound.
    pub(crate) fn of(bytes_per_second: Option<u64>) -> Option<Self> {
        let bytes_per_second = bytes_per_second.filter(|rate| *rate > 0)?;
        Some(Self { bytes_per_second, free_at: Arc::new(Mutex::new(Instant::now())) })
    }

    /// Waits until the bytes may pass.
    pub(crate) async fn pass(&self, bytes: usize) {
        let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(self.bytes_per_second);
        let cost = Duration::from_nanos(nanoseconds as u64);
        let begin = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = (*free_at).max(Instant::now());
            *free_at = begin + cost;
            begin
        };
        tokio::time::sleep_until(begin).await;
    }

    /// The stream, not faster than that.
    pub(crate) fn slow(pace: Option<&Self>, stream: ByteStream) -> ByteStream {
        let Some(pace) = pace.cloned() else { return stream };
        let slowed = stream.then(move |piece| {
            let pace = pace.clone();
            async move {
                pace.pass(piece.as_ref().map_or(0, bytes::Bytes::len)).await;
                piece
            }
        });
        slowed.boxed()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test]
    async fn all_streams_together_keep_to_the_rate() {
        let pace = Pace::of(Some(10_000)).expect("a pace");
        let slow = || {
            let pieces = (0..5).map(|_| Ok(Bytes::from_static(&[0; 100])));
            Pace::slow(Some(&pace), futures_util::stream::iter(pieces).boxed()).collect::<Vec<_>>()
        };
        let started = Instant::now();
        futures_util::future::join(slow(), slow()).await;
        // The first piece passes at once, each of the other nine costs a hundredth of a second.
        assert!(started.elapsed() >= Duration::from_millis(90), "{:?}", started.elapsed());
        assert!(Pace::of(None).is_none() && Pace::of(Some(0)).is_none());
    }
}
