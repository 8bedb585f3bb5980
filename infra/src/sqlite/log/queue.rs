//! What waits for the writer, bounded in number and in bytes.

use std::sync::Arc;

use cairn_commands::ports::event_store::{Append, Appended, StoreError, check_size};
use cairn_commands::ports::ledger::{Begun, LedgerError, StoredAnswer};
use cairn_domain::{EventId, Expected, NewEvent, StreamName, Timestamp, codec};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// Jobs that may wait; who comes later waits before the queue.
const JOBS_MAX: usize = 1_024;

/// Bytes that the waiting jobs may hold together: some appends of the largest size, or very many of the usual one.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The way to the writer.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    jobs: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

/// A job and the room that it takes until it is done.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) job: Job,
    pub(super) room: OwnedSemaphorePermit,
}

/// What the writer does.
#[derive(Debug)]
pub(crate) enum Job {
    Append(AppendJob),
    Begin(BeginJob),
    Finish(FinishJob),
    Forget { before: Timestamp, answer: oneshot::Sender<Result<u64, LedgerError>> },
}

/// Appends of which each is only made if those before it are.
#[derive(Debug)]
pub(crate) struct AppendJob {
    pub(super) appends: Vec<EncodedAppend>,
    pub(super) answer: oneshot::Sender<Result<Vec<Appended>, StoreError>>,
}

#[derive(Debug)]
pub(crate) struct EncodedAppend {
    pub(super) stream: StreamName,
    pub(super) expected: Expected,
    pub(super) events: Vec<Encoded>,
}

#[derive(Debug)]
pub(crate) struct BeginJob {
    pub(crate) key: String,
    pub(crate) fingerprint: String,
    pub(crate) now: Timestamp,
    pub(crate) answer: oneshot::Sender<Result<Begun, LedgerError>>,
}

#[derive(Debug)]
pub(crate) struct FinishJob {
    pub(crate) key: String,
    pub(crate) stored: StoredAnswer,
    pub(crate) answer: oneshot::Sender<Result<(), LedgerError>>,
}

/// An event as it is stored, but for its place.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(super) id: EventId,
    pub(super) time: Timestamp,
    pub(super) name: &'static str,
    pub(super) schema: u16,
    pub(super) metadata: String,
    pub(super) data: String,
}

/// The writer has ended, or ended before it could answer.
#[derive(Debug, thiserror::Error)]
#[error("the event log is closed")]
pub(crate) struct Closed;

pub(super) fn bounded() -> (Queue, mpsc::Receiver<Waiting>) {
    let (jobs, waiting) = mpsc::channel(JOBS_MAX);
    (Queue { jobs, room: Arc::new(Semaphore::new(BYTES_MAX)) }, waiting)
}

impl Queue {
    /// Events are encoded here, by whoever appends them: the writer has better things to do.
    pub(super) async fn append(&self, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        let appends: Vec<_> = appends.into_iter().map(EncodedAppend::new).collect::<Result<_, _>>()?;
        let bytes = appends.iter().flat_map(|append| &append.events).map(Encoded::size).sum();
        let job = |answer| Job::Append(AppendJob { appends, answer });
        self.ask(bytes, job).await.map_err(|error| StoreError::Unavailable(error.into()))?
    }

    /// Puts a job of about this many bytes in the queue and waits for its answer.
    pub(crate) async fn ask<T>(&self, bytes: usize, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Closed> {
        let bytes = u32::try_from(bytes.min(BYTES_MAX)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| Closed)?;
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Waiting { job: job(answer), room }).await.map_err(|_| Closed)?;
        answered.await.map_err(|_| Closed)
    }
}

impl EncodedAppend {
    fn new(append: Append) -> Result<Self, StoreError> {
        let events = append.events.iter().map(encode).collect::<Result<Vec<_>, _>>();
        let events = events.map_err(|error| StoreError::Unavailable(error.into()))?;
        check_size(events.iter().map(Encoded::size))?;
        Ok(Self { stream: append.stream, expected: append.expected, events })
    }
}

impl Encoded {
    fn size(&self) -> usize {
        self.name.len() + self.metadata.len() + self.data.len()
    }
}

fn encode(new: &NewEvent) -> serde_json::Result<Encoded> {
    Ok(Encoded {
        id: new.id,
        time: new.time,
        name: new.event.name(),
        schema: new.event.schema(),
        metadata: serde_json::to_string(&new.metadata)?,
        data: codec::encode(&new.event),
    })
}
