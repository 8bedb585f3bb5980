//! Trouble on demand: what a server, a cluster or a network does to a call, planned by a test beforehand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tonic::Status;

use crate::refusal;

/// What a client can call. One message of a batch append counts as one call, since a client keeps that stream open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `ServerFeatures/GetSupportedMethods`: what official clients call first on every connection.
    ServerFeatures,
    /// `Gossip/Read`.
    Gossip,
    /// `Streams/Read` of a page.
    Read,
    /// `Streams/Read` as a subscription.
    Subscribe,
    /// `Streams/Append`.
    Append,
    /// One batch within `Streams/BatchAppend`.
    BatchAppend,
    /// `Streams/Delete`.
    Delete,
    /// `Streams/Tombstone`.
    Tombstone,
}

/// Which calls a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Whatever is called next.
    All,
    /// Only this method.
    Only(Method),
}

impl From<Method> for Scope {
    fn from(method: Method) -> Self {
        Self::Only(method)
    }
}

/// What happens to a call. In a batch append a refusal ends the client's whole stream of batches, as it does on a real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done: status `UNAVAILABLE`, as of a server that starts or is too busy.
    Unavailable,
    /// Nothing is done: the client is told to ask that leader instead.
    NotLeader {
        /// A name or an address.
        host: String,
        /// The port of the leader.
        port: u16,
    },
    /// Nothing is done: status `DEADLINE_EXCEEDED`.
    DeadlineExceeded,
    /// Nothing is done: status `ABORTED`, as of a write that too few nodes confirmed in time.
    OperationTimedOut,
    /// The call waits until the test calls [`Double::release`](crate::Double::release), and only then is it carried out.
    Hang,
    /// The call is carried out, then the connection is cut instead of an answer.
    CutAfterwards,
    /// The call is carried out, then the answer waits.
    Slow(Duration),
}

impl Fault {
    /// The status of a fault that refuses; the others have none.
    fn refusal(&self) -> Option<Status> {
        match self {
            Self::Unavailable => Some(Status::unavailable("Server Is Not Ready")),
            Self::NotLeader { host, port } => Some(refusal::not_leader(host, *port)),
            Self::DeadlineExceeded => Some(Status::deadline_exceeded("Deadline Exceeded")),
            Self::OperationTimedOut => Some(Status::aborted("Operation timed out: too few nodes confirmed it")),
            Self::Hang | Self::CutAfterwards | Self::Slow(_) => None,
        }
    }
}

struct Planned {
    scope: Scope,
    calls_left: usize,
    fault: Fault,
}

/// The faults that were planned and the calls that hang.
pub(crate) struct Faults {
    planned: Mutex<Vec<Planned>>,
    releases: watch::Sender<u64>,
    hanging: AtomicUsize,
}

impl Default for Faults {
    fn default() -> Self {
        Self { planned: Mutex::default(), releases: watch::Sender::new(0), hanging: AtomicUsize::new(0) }
    }
}

impl Faults {
    pub(crate) fn plan(&self, calls: usize, scope: Scope, fault: Fault) {
        self.lock().push(Planned { scope, calls_left: calls, fault });
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn release(&self) {
        self.releases.send_modify(|releases| *releases += 1);
    }

    pub(crate) fn hanging(&self) -> usize {
        self.hanging.load(Ordering::Acquire)
    }

    /// Carries out `work` as the fault that is next for this method wants it. `cut` ends the connection and never returns.
    pub(crate) async fn around<T>(
        &self,
        method: Method,
        work: impl Future<Output = Result<T, Status>>,
        cut: impl AsyncFnOnce() -> Result<T, Status>,
    ) -> Result<T, Status> {
        let Some(fault) = self.take(method) else {
            return work.await;
        };
        if let Some(status) = fault.refusal() {
            return Err(status);
        }
        if fault == Fault::Hang {
            self.wait_for_release().await;
        }
        let answer = work.await;
        match fault {
            Fault::CutAfterwards => cut().await,
            Fault::Slow(delay) => {
                tokio::time::sleep(delay).await;
                answer
            }
            _ => answer,
        }
    }

    async fn wait_for_release(&self) {
        let mut releases = self.releases.subscribe();
        let _hanging = Counted::new(&self.hanging);
        // It fails only if the sender is gone, and that is `self`.
        let _ = releases.changed().await;
    }

    fn take(&self, method: Method) -> Option<Fault> {
        let mut planned = self.lock();
        planned.retain(|plan| plan.calls_left > 0);
        let next = planned.iter_mut().find(|plan| plan.scope == Scope::All || plan.scope == Scope::Only(method))?;
        next.calls_left -= 1;
        Some(next.fault.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts itself for as long as it lives, so that a dropped call does not count for ever.
pub(crate) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    pub(crate) fn new(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::AcqRel);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
