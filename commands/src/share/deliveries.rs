use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cairn_domain::share::GOES_ON_SECONDS;
use cairn_domain::{DownloadId, ShareId};
use moka::sync::Cache;

/// Downloads of which this process knows how far they are. What is forgotten can still be gone on with in parts.
const KNOWN_MAX: u64 = 100_000;

/// Answers of one download at once.
const SENDERS_MAX: usize = 16;

/// How far the downloads are that this process has served.
pub(crate) struct Deliveries(Cache<DownloadId, Arc<Mutex<Progress>>>);

pub(super) struct Progress {
    share: ShareId,
    /// Bytes that were sent, in whatever order.
    sent: u64,
    /// Answers that are being sent.
    senders: usize,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KNOWN_MAX).time_to_live(Duration::from_secs(GOES_ON_SECONDS)).build())
    }
}

impl Deliveries {
    /// Downloads through the share that have broken off here: begun, not whole, and nobody sends anything of them just now.
    pub(super) fn broken(&self, share: ShareId) -> Vec<DownloadId> {
        let broken = |progress: &Mutex<Progress>| {
            let progress = lock(progress);
            progress.share == share && progress.senders == 0
        };
        self.0.iter().filter(|(_, progress)| broken(progress)).map(|(id, _)| *id).collect()
    }

    /// One more answer of the download is being sent; unless there are as many as one client has use for.
    pub(super) fn begin(&self, share: ShareId, download: DownloadId) -> bool {
        let progress = self.0.get_with(download, || Arc::new(Mutex::new(Progress { share, sent: 0, senders: 0 })));
        let mut progress = lock(&progress);
        let room = progress.senders < SENDERS_MAX;
        progress.senders += usize::from(room);
        room
    }

    /// An answer has ended, well or not, after so many bytes. True when with it the whole was sent.
    pub(super) fn end(&self, download: DownloadId, sent: u64, size: u64) -> bool {
        let Some(progress) = self.0.get(&download) else { return sent >= size };
        let whole = {
            let mut progress = lock(&progress);
            progress.sent = progress.sent.saturating_add(sent);
            progress.senders = progress.senders.saturating_sub(1);
            progress.sent >= size
        };
        if whole {
            self.0.invalidate(&download);
        }
        whole
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_not_sent_whole_has_broken_off() {
        let (deliveries, share) = (Deliveries::default(), ShareId(Uuid::from_u128(1)));
        let id = DownloadId(Uuid::from_u128(2));
        assert!(deliveries.begin(share, id));
        assert!(deliveries.broken(share).is_empty());
        assert!(!deliveries.end(id, 3, 10));
        assert_eq!(deliveries.broken(share), [id]);
        assert!(deliveries.broken(ShareId(Uuid::from_u128(9))).is_empty());
        assert!(deliveries.begin(share, id));
        assert!(deliveries.broken(share).is_empty());
        assert!(deliveries.end(id, 7, 10));
        assert!(deliveries.broken(share).is_empty());
    }

    #[test]
    fn one_download_is_sent_so_many_times_at_once_and_no_more() {
        let (deliveries, share) = (Deliveries::default(), ShareId(Uuid::from_u128(1)));
        let id = DownloadId(Uuid::from_u128(2));
        assert!((0..SENDERS_MAX).all(|_| deliveries.begin(share, id)));
        assert!(!deliveries.begin(share, id));
        deliveries.end(id, 1, 10);
        assert!(deliveries.begin(share, id));
    }
}
