//! One at a time for each thing, in one process: where two would only be in each other's way.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

type Locks = HashMap<Uuid, Arc<tokio::sync::Mutex<()>>>;

/// One lock for each thing that somebody works at.
#[derive(Debug, Default)]
pub struct Turns(Arc<Mutex<Locks>>);

/// The right to work at one thing. It does not depend on the caller's life, so that a thread can hold it.
#[derive(Debug)]
pub struct Turn {
    locks: Arc<Mutex<Locks>>,
    of: Uuid,
    _guard: OwnedMutexGuard<()>,
}

impl Turns {
    /// Waits for the turn.
    pub async fn turn(&self, of: Uuid) -> Turn {
        let lock = lock(&self.0).entry(of).or_default().clone();
        Turn { locks: Arc::clone(&self.0), of, _guard: lock.lock_owned().await }
    }

    /// True while somebody works at anything.
    pub fn are_taken(&self) -> bool {
        !lock(&self.0).is_empty()
    }

    /// Waits for the turn if somebody has it; otherwise there is nobody to wait for, and no turn is taken.
    pub async fn behind(&self, of: Uuid) -> Option<Turn> {
        if self.holds(of) { Some(self.turn(of).await) } else { None }
    }

    /// True while somebody works at it.
    pub fn holds(&self, of: Uuid) -> bool {
        lock(&self.0).contains_key(&of)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut locks = lock(&self.locks);
        // The map and this turn hold it; any more are waiting for it.
        if locks.get(&self.of).is_some_and(|lock| Arc::strong_count(lock) <= 2) {
            locks.remove(&self.of);
        }
    }
}

fn lock(locks: &Mutex<Locks>) -> MutexGuard<'_, Locks> {
    locks.lock().unwrap_or_else(PoisonError::into_inner)
}
