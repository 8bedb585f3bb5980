use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cairn_domain::UploadId;
use tokio::sync::OwnedMutexGuard;

type Locks = HashMap<UploadId, Arc<tokio::sync::Mutex<()>>>;

/// One lock for each upload that somebody changes as a whole.
#[derive(Default)]
pub(super) struct Turns(Arc<Mutex<Locks>>);

/// The right to change one upload as a whole. It does not depend on the caller's life, so that a thread can hold it.
pub(super) struct Turn {
    locks: Arc<Mutex<Locks>>,
    upload: UploadId,
    _guard: OwnedMutexGuard<()>,
}

impl Turns {
    pub(super) async fn turn(&self, upload: UploadId) -> Turn {
        let lock = lock(&self.0).entry(upload).or_default().clone();
        Turn { locks: self.0.clone(), upload, _guard: lock.lock_owned().await }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut locks = lock(&self.locks);
        // The map and this turn hold it; any more are waiting for it.
        if locks.get(&self.upload).is_some_and(|lock| Arc::strong_count(lock) <= 2) {
            locks.remove(&self.upload);
        }
    }
}

fn lock(locks: &Mutex<Locks>) -> MutexGuard<'_, Locks> {
    locks.lock().unwrap_or_else(PoisonError::into_inner)
}
