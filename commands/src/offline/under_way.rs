use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cairn_domain::OfflineId;
use tokio_util::sync::CancellationToken;

/// Which offline downloads run in this process, and how far each has come.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<HashMap<OfflineId, Running>>);

#[derive(Debug, Clone, Default)]
struct Running {
    received_bytes: Arc<AtomicU64>,
    stop: CancellationToken,
}

/// One that runs, as long as this is there.
pub(crate) struct Turn<'a> {
    under_way: &'a UnderWay,
    id: OfflineId,
    running: Running,
}

impl UnderWay {
    /// None when it runs in this process already.
    pub(crate) fn begin(&self, id: OfflineId) -> Option<Turn<'_>> {
        let mut all = self.all();
        if all.contains_key(&id) {
            return None;
        }
        let running = Running::default();
        all.insert(id, running.clone());
        Some(Turn { under_way: self, id, running })
    }

    pub(crate) fn holds(&self, id: OfflineId) -> bool {
        self.all().contains_key(&id)
    }

    /// None when it does not run here.
    pub(crate) fn received_bytes(&self, id: OfflineId) -> Option<u64> {
        self.all().get(&id).map(|running| running.received_bytes.load(Ordering::Relaxed))
    }

    /// Has it stop at once, if it runs here.
    pub(crate) fn stop(&self, id: OfflineId) {
        if let Some(running) = self.all().get(&id) {
            running.stop.cancel();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<OfflineId, Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// What counts the bytes that have come.
    pub(crate) fn received(&self) -> Arc<AtomicU64> {
        self.running.received_bytes.clone()
    }

    /// Told when it is not wanted any more.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.running.stop.clone()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.under_way.all().remove(&self.id);
    }
}
