//! From a body on the network to a thread that may block, in batches.
//!
//! While one batch is hashed and written, the next one fills. A slow sender holds no thread, only a buffer that has
//! grown as large as what has come. At most two batches per body are in memory.

use std::sync::Arc;

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::StagingError;
use futures_util::StreamExt;
use futures_util::future::join;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// Handed over as soon as the worker is idle, in bytes: below it, the hand-over costs more than it brings.
const BATCH_BYTES: usize = 256 * 1024;
/// While the worker is busy a batch may grow up to this, in bytes.
const BATCH_BYTES_MAX: usize = 320 * 1024;

/// Takes the bytes of a body. Dropping it half-way undoes what it did; it is dropped on a thread that may block.
pub(super) trait Sink: Send + 'static {
    type Output: Send + 'static;
    /// Takes the same bytes on a second thread.
    type Beside: Beside;

    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<(), StagingError>;

    /// The body has ended well.
    fn finish(self, beside: Self::Beside) -> Result<Self::Output, StagingError>;
}

/// What is computed from the bytes while they are written.
pub(super) trait Beside: Send + 'static {
    fn update(&mut self, bytes: &[u8]);
}

impl Beside for cairn_digest::Hasher {
    fn update(&mut self, bytes: &[u8]) {
        Self::update(self, bytes);
    }
}

/// Pours the body into the sink and what stands beside it. More than `bytes_max` bytes are refused.
///
/// A body below [`BATCH_BYTES`] costs one hand-over in all.
pub(super) async fn pour<S: Sink>(
    mut body: ByteStream,
    bytes_max: u64,
    sink: S,
    beside: S::Beside,
) -> Result<S::Output, StagingError> {
    let mut worker = Worker::new(sink, beside);
    match fill(&mut body, bytes_max, &mut worker).await {
        Ok(()) => worker.finish().await,
        Err(error) => {
            worker.abandon().await;
            Err(error)
        }
    }
}

async fn fill<S: Sink>(body: &mut ByteStream, bytes_max: u64, worker: &mut Worker<S>) -> Result<(), StagingError> {
    let mut bytes = 0;
    while let Some(frame) = body.next().await {
        let mut frame: Bytes = frame.map_err(StagingError::Body)?;
        bytes += frame.len() as u64;
        if bytes > bytes_max {
            return Err(StagingError::TooLong { limit: bytes_max });
        }
        while !frame.is_empty() {
            let piece = frame.split_to(frame.len().min(BATCH_BYTES_MAX - worker.batch.len()));
            worker.batch.extend_from_slice(&piece);
            worker.hand_over_if_due().await?;
        }
    }
    Ok(())
}

struct Worker<S: Sink> {
    batch: Vec<u8>,
    state: State<S>,
}

enum State<S: Sink> {
    Idle(Idle<S>),
    Busy {
        writing: JoinHandle<Result<S, StagingError>>,
        hashing: JoinHandle<S::Beside>,
        batch: Arc<Vec<u8>>,
    },
    /// The sink has failed and is gone.
    Failed,
}

struct Idle<S: Sink> {
    sink: S,
    beside: S::Beside,
    /// Emptied, to be filled again.
    spare: Vec<u8>,
}

impl<S: Sink> Worker<S> {
    fn new(sink: S, beside: S::Beside) -> Self {
        Self { batch: Vec::new(), state: State::Idle(Idle { sink, beside, spare: Vec::new() }) }
    }

    async fn hand_over_if_due(&mut self) -> Result<(), StagingError> {
        let full = self.batch.len() >= BATCH_BYTES_MAX;
        let busy = matches!(&self.state, State::Busy { writing, hashing, .. } if !writing.is_finished() || !hashing.is_finished());
        if !full && (busy || self.batch.len() < BATCH_BYTES) {
            return Ok(());
        }
        let Idle { mut sink, mut beside, spare } = self.idle().await?;
        let batch = Arc::new(std::mem::replace(&mut self.batch, spare));
        let (to_write, to_hash) = (batch.clone(), batch.clone());
        self.state = State::Busy {
            writing: spawn_blocking(move || sink.take(&to_write).map(|()| sink)),
            hashing: spawn_blocking(move || {
                beside.update(&to_hash);
                beside
            }),
            batch,
        };
        Ok(())
    }

    async fn finish(mut self) -> Result<S::Output, StagingError> {
        let Idle { mut sink, mut beside, .. } = self.idle().await?;
        let batch = std::mem::take(&mut self.batch);
        on_blocking_thread(move || {
            if !batch.is_empty() {
                sink.take(&batch)?;
                beside.update(&batch);
            }
            drop(batch);
            sink.finish(beside)
        })
        .await
    }

    /// Waits until the sink has undone what it did.
    async fn abandon(mut self) {
        if let Ok(Idle { sink, .. }) = self.idle().await {
            on_blocking_thread(move || {
                drop(sink);
                Ok(())
            })
            .await
            .ok();
        }
    }

    async fn idle(&mut self) -> Result<Idle<S>, StagingError> {
        if let State::Busy { writing, hashing, .. } = &mut self.state {
            // Both are waited for before anything else happens: a failed sink is gone by then.
            let (sink, beside) = join(writing, hashing).await;
            let State::Busy { batch, .. } = std::mem::replace(&mut self.state, State::Failed) else { return Err(failed_before()) };
            let mut spare = Arc::into_inner(batch).unwrap_or_default();
            spare.clear();
            return Ok(Idle { sink: sink.map_err(panicked)??, beside: beside.map_err(panicked)?, spare });
        }
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(idle) => Ok(idle),
            State::Busy { .. } | State::Failed => Err(failed_before()),
        }
    }
}

fn failed_before() -> StagingError {
    StagingError::Unavailable("the upload has failed before".into())
}

fn panicked(error: JoinError) -> StagingError {
    StagingError::Unavailable(error.into())
}

/// A caller that goes away drops this on a thread of the runtime, where removing a large file would block the others.
impl<S: Sink> Drop for Worker<S> {
    fn drop(&mut self) {
        if let State::Idle(idle) = std::mem::replace(&mut self.state, State::Failed)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(idle));
        }
    }
}

/// Runs what may block where it may.
pub(super) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StagingError> + Send + 'static,
) -> Result<T, StagingError> {
    spawn_blocking(work).await.map_err(panicked)?
}
