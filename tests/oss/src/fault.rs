//! Faults that tests ask for: which requests they fall on, and those that hang.

mod cut;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::operation::Operation;

pub(crate) use cut::{Broken, cut};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the answer is 500 `InternalError`.
    InternalError,
    /// Nothing is done, and the answer is 503 `SlowDown`.
    SlowDown,
    /// Nothing is read, done or answered before [`crate::OssDouble::release`]. After that all goes its way, and what the client
    /// gave up meanwhile may still be done.
    Hang,
    /// The connection breaks when half of the request's body has arrived, and nothing is done.
    CutRequest,
    /// It is done, and the connection breaks when half of the answer's body is sent; before the head of an answer without body.
    CutAnswer,
    /// It is done, and the connection breaks without an answer.
    LoseAnswer,
}

pub(crate) struct Faults {
    waiting: Mutex<BTreeMap<Operation, VecDeque<Fault>>>,
    struck: AtomicUsize,
    hanging: AtomicUsize,
    releases: watch::Sender<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            struck: AtomicUsize::new(0),
            hanging: AtomicUsize::new(0),
            releases: watch::Sender::new(0),
        }
    }
}

impl Faults {
    pub(crate) fn add(&self, operation: Operation, fault: Fault, times: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(operation).or_default().extend(std::iter::repeat_n(fault, times));
    }

    /// The fault that falls on the request of this operation that has just arrived.
    pub(crate) fn next(&self, operation: Operation) -> Option<Fault> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = waiting.get_mut(&operation)?.pop_front();
        self.struck.fetch_add(usize::from(fault.is_some()), Ordering::Relaxed);
        fault
    }

    pub(crate) fn struck(&self) -> usize {
        self.struck.load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) async fn hang(&self) {
        let mut releases = self.releases.subscribe();
        let _counted_until_it_ends = Hanging::new(&self.hanging);
        // An error would mean that the stand-in is gone, and this request with it.
        let _released = releases.changed().await;
    }

    pub(crate) fn hanging(&self) -> usize {
        self.hanging.load(Ordering::Acquire)
    }

    pub(crate) fn release(&self) {
        self.releases.send_modify(|releases| *releases += 1);
    }
}

/// Counts a request as hanging, even if its client gives up.
struct Hanging<'a>(&'a AtomicUsize);

impl<'a> Hanging<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
