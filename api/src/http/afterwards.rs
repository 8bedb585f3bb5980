//! What becomes of a connection after an answer: the only thing that tells whether the answer has come. Bytes that the system has taken may
//! stand in its buffers, or in those of the client's, and never be read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Shared by the socket of a connection and by its requests, among whose extensions it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Afterwards(Arc<Mutex<Vec<oneshot::Sender<bool>>>>);

/// A client that keeps its connection open and says nothing for so long is believed to have its answer.
const SILENCE_MAX: Duration = Duration::from_secs(2);

impl Afterwards {
    /// Whether the client has the answer to the request that is being served: false when the connection breaks, which it does as well when the
    /// client closes it without having read everything. To be awaited when all of the answer was handed over.
    pub(crate) fn receipt(&self) -> BoxFuture<'static, bool> {
        let (tell, told) = oneshot::channel();
        self.waiting().push(tell);
        async move { !matches!(timeout(SILENCE_MAX, told).await, Ok(Ok(false))) }.boxed()
    }

    /// Whether anybody waits for what becomes of the connection.
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting().iter().any(|waiting| !waiting.is_closed())
    }

    /// The client has sent another request or closed in good order; or the connection has broken.
    pub(crate) fn tell(&self, has_come: bool) {
        for waiting in self.waiting().drain(..) {
            let _ = waiting.send(has_come);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<oneshot::Sender<bool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
