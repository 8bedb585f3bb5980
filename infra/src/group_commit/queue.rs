//! What waits for the writer, bounded in number and in bytes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Jobs that may wait; who comes later waits before the queue.
const JOBS_MAX: usize = 1_024;

/// Bytes that the waiting jobs may hold together: some appends of the largest size, or very many of the usual one.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    jobs: mpsc::Sender<Waiting<J>>,
    room: Arc<Semaphore>,
}

/// A job and the room that it takes until it is done.
#[derive(Debug)]
pub(crate) struct Waiting<J> {
    pub(super) job: J,
    pub(super) room: OwnedSemaphorePermit,
}

/// The writer has ended, or ended before it could answer.
#[derive(Debug, thiserror::Error)]
#[error("the event log is closed")]
pub(crate) struct Closed;

pub(crate) fn bounded<J>() -> (Queue<J>, mpsc::Receiver<Waiting<J>>) {
    let (jobs, waiting) = mpsc::channel(JOBS_MAX);
    (Queue { jobs, room: Arc::new(Semaphore::new(BYTES_MAX)) }, waiting)
}

impl<J> Queue<J> {
    /// Puts a job of about this many bytes in the queue and waits for its answer.
    pub(crate) async fn ask<T>(&self, bytes: usize, job: impl FnOnce(oneshot::Sender<T>) -> J) -> Result<T, Closed> {
        let bytes = u32::try_from(bytes.min(BYTES_MAX)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| Closed)?;
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Waiting { job: job(answer), room }).await.map_err(|_| Closed)?;
        answered.await.map_err(|_| Closed)
    }
}

impl<J> Clone for Queue<J> {
    fn clone(&self) -> Self {
        Self { jobs: self.jobs.clone(), room: Arc::clone(&self.room) }
    }
}
