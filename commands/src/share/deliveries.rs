use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cairn_domain::share::GOES_ON_SECONDS;
use cairn_domain::{DownloadId, ShareId};
use moka::sync::Cache;

use super::coverage::Coverage;

/// Shares whose downloads are known. What is forgotten can still be gone on with in parts.
const SHARES_MAX: u64 = 10_000;

/// Downloads of one share that are known.
const DOWNLOADS_MAX: usize = 1_000;

/// Answers of one download at once.
const SENDERS_MAX: usize = 16;

/// How far the downloads are that this process has served, share by share.
pub(crate) struct Deliveries(Cache<ShareId, Arc<Mutex<Downloads>>>);

type Downloads = HashMap<DownloadId, Progress>;

#[derive(Default)]
struct Progress {
    sent: Coverage,
    /// Answers that are being sent.
    senders: usize,
    /// Everything was handed over; whether it has come is not known yet.
    handed_over: bool,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(SHARES_MAX).time_to_idle(Duration::from_secs(GOES_ON_SECONDS)).build())
    }
}

impl Deliveries {
    /// Downloads through the share that have broken off here: begun, not whole, and nobody sends anything of them just now.
    pub(super) fn broken(&self, share: ShareId) -> Vec<DownloadId> {
        self.those(share, |progress| progress.senders == 0 && !progress.handed_over)
    }

    /// Downloads through the share of which everything was handed over here, and of which one does not know yet whether it has come.
    pub(super) fn handed_over(&self, share: ShareId) -> Vec<DownloadId> {
        self.those(share, |progress| progress.handed_over)
    }

    fn those(&self, share: ShareId, wanted: impl Fn(&Progress) -> bool) -> Vec<DownloadId> {
        let Some(downloads) = self.0.get(&share) else { return Vec::new() };
        let downloads = lock(&downloads);
        downloads.iter().filter(|(_, progress)| wanted(progress)).map(|(id, _)| *id).collect()
    }

    /// One more answer of the download is being sent; unless there are as many as one client has use for.
    pub(super) fn begin(&self, share: ShareId, download: DownloadId) -> bool {
        let downloads = self.0.get_with(share, Arc::default);
        let mut downloads = lock(&downloads);
        if downloads.len() >= DOWNLOADS_MAX {
            // Those can be gone on with in parts.
            downloads.retain(|_, progress| progress.senders > 0 || progress.handed_over);
        }
        let progress = downloads.entry(download).or_default();
        let room = progress.senders < SENDERS_MAX;
        progress.senders += usize::from(room);
        room
    }

    /// An answer has ended, well or not, after these bytes. True when with it the whole was handed over; then it must be [settled](Self::settle).
    pub(super) fn end(&self, share: ShareId, download: DownloadId, sent: &Coverage, size: u64) -> bool {
        let Some(downloads) = self.0.get(&share) else { return sent.is_whole(size) };
        let mut downloads = lock(&downloads);
        let Some(progress) = downloads.get_mut(&download) else { return sent.is_whole(size) };
        progress.sent.add_all(sent);
        progress.senders = progress.senders.saturating_sub(1);
        let whole = progress.sent.is_whole(size) && !progress.handed_over;
        progress.handed_over |= whole;
        whole
    }

    /// What was handed over has come, and nobody goes on with it; or it has not, and the download has broken off.
    pub(super) fn settle(&self, share: ShareId, download: DownloadId, has_come: bool) {
        let Some(downloads) = self.0.get(&share) else { return };
        let mut downloads = lock(&downloads);
        if has_come {
            downloads.remove(&download);
        } else if let Some(progress) = downloads.get_mut(&download) {
            (progress.sent, progress.handed_over) = (Coverage::default(), false);
        }
    }
}

fn lock(downloads: &Mutex<Downloads>) -> MutexGuard<'_, Downloads> {
    downloads.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use uuid::Uuid;

    use super::*;

    const SHARE: ShareId = ShareId(Uuid::from_u128(1));
    const DOWNLOAD: DownloadId = DownloadId(Uuid::from_u128(2));

    /// An answer of ten bytes that ends after these.
    fn end(deliveries: &Deliveries, range: Range<u64>) -> bool {
        let mut sent = Coverage::default();
        sent.add(range);
        deliveries.end(SHARE, DOWNLOAD, &sent, 10)
    }

    #[test]
    fn what_was_not_sent_whole_has_broken_off() {
        let deliveries = Deliveries::default();
        assert!(deliveries.begin(SHARE, DOWNLOAD));
        assert!(deliveries.broken(SHARE).is_empty());
        assert!(!end(&deliveries, 0..3));
        assert_eq!(deliveries.broken(SHARE), [DOWNLOAD]);
        assert!(deliveries.broken(ShareId(Uuid::from_u128(9))).is_empty());
        assert!(deliveries.begin(SHARE, DOWNLOAD));
        assert!(deliveries.broken(SHARE).is_empty());
        assert!(end(&deliveries, 3..10));
        assert!(deliveries.broken(SHARE).is_empty());
        assert_eq!(deliveries.handed_over(SHARE), [DOWNLOAD]);
        deliveries.settle(SHARE, DOWNLOAD, true);
        assert!(deliveries.handed_over(SHARE).is_empty() && deliveries.broken(SHARE).is_empty());
    }

    #[test]
    fn what_was_handed_over_and_has_not_come_has_broken_off() {
        let deliveries = Deliveries::default();
        assert!(deliveries.begin(SHARE, DOWNLOAD));
        assert!(end(&deliveries, 0..10));
        deliveries.settle(SHARE, DOWNLOAD, false);
        assert_eq!(deliveries.broken(SHARE), [DOWNLOAD]);
        assert!(deliveries.begin(SHARE, DOWNLOAD));
        assert!(!end(&deliveries, 5..10));
    }

    #[test]
    fn the_same_bytes_again_are_no_more_than_before() {
        let deliveries = Deliveries::default();
        for range in [0..9, 0..9, 2..4] {
            assert!(deliveries.begin(SHARE, DOWNLOAD));
            assert!(!end(&deliveries, range));
        }
        assert_eq!(deliveries.broken(SHARE), [DOWNLOAD]);
    }

    #[test]
    fn one_download_is_sent_so_many_times_at_once_and_no_more() {
        let deliveries = Deliveries::default();
        assert!((0..SENDERS_MAX).all(|_| deliveries.begin(SHARE, DOWNLOAD)));
        assert!(!deliveries.begin(SHARE, DOWNLOAD));
        end(&deliveries, 0..1);
        assert!(deliveries.begin(SHARE, DOWNLOAD));
    }

    #[test]
    fn of_very_many_downloads_those_under_way_are_remembered() {
        let deliveries = Deliveries::default();
        assert!(deliveries.begin(SHARE, DOWNLOAD));
        for number in 0..2 * DOWNLOADS_MAX as u128 {
            let other = DownloadId(Uuid::from_u128(10 + number));
            assert!(deliveries.begin(SHARE, other));
            deliveries.end(SHARE, other, &Coverage::default(), 10);
        }
        assert!(deliveries.broken(SHARE).len() <= DOWNLOADS_MAX);
        assert!(end(&deliveries, 0..10));
    }
}
