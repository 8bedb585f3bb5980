use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cairn_domain::UploadId;
use tokio::sync::OwnedMutexGuard;

/// Which uploads are being put together right now, in this process: one at a time each, since both would read it all.
#[derive(Debug, Default)]
pub(crate) struct Merging(Mutex<HashMap<UploadId, Arc<tokio::sync::Mutex<()>>>>);

/// The right to put one upload together.
pub(crate) struct Turn<'a> {
    merging: &'a Merging,
    upload: UploadId,
    _guard: OwnedMutexGuard<()>,
}

impl Merging {
    pub(crate) fn holds(&self, upload: UploadId) -> bool {
        self.locks().contains_key(&upload)
    }

    /// Waits for the upload's turn.
    pub(crate) async fn turn(&self, upload: UploadId) -> Turn<'_> {
        let lock = self.locks().entry(upload).or_default().clone();
        Turn { merging: self, upload, _guard: lock.lock_owned().await }
    }

    fn locks(&self) -> std::sync::MutexGuard<'_, HashMap<UploadId, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut locks = self.merging.locks();
        // The map and this turn hold the lock; more holders are waiting for it.
        if locks.get(&self.upload).is_some_and(|lock| Arc::strong_count(lock) <= 2) {
            locks.remove(&self.upload);
        }
    }
}
