//! From a body on the network to a thread that may block, in batches.
//!
//! While one batch is hashed and written, the next one fills. A slow sender holds no thread, only a buffer that has
//! grown as large as what has come. At most two batches per body are in memory.

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::StagingError;
use futures_util::StreamExt;
use tokio::task::JoinHandle;

/// Handed over as soon as the worker is idle, in bytes: below it, the hand-over costs more than it brings.
const BATCH_BYTES: usize = 256 * 1024;
/// While the worker is busy a batch may grow up to this, in bytes.
const BATCH_BYTES_MAX: usize = 512 * 1024;

/// Takes the bytes of a body. Dropping it half-way undoes what it did; it is dropped on a thread that may block.
pub(super) trait Sink: Send + 'static {
    type Output: Send + 'static;

    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<(), StagingError>;

    /// The body has ended well.
    fn finish(self) -> Result<Self::Output, StagingError>;
}

/// Pours the body into the sink. More than `bytes_max` bytes are refused.
///
/// A body below [`BATCH_BYTES`] costs one hand-over in all.
pub(super) async fn pour<S: Sink>(mut body: ByteStream, bytes_max: u64, sink: S) -> Result<S::Output, StagingError> {
    let mut worker = Worker::new(sink);
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

enum State<S> {
    Idle(S, Vec<u8>),
    Busy(JoinHandle<Result<(S, Vec<u8>), StagingError>>),
    /// The sink has failed and is gone.
    Failed,
}

impl<S: Sink> Worker<S> {
    fn new(sink: S) -> Self {
        Self { batch: Vec::new(), state: State::Idle(sink, Vec::new()) }
    }

    async fn hand_over_if_due(&mut self) -> Result<(), StagingError> {
        let full = self.batch.len() >= BATCH_BYTES_MAX;
        let busy = matches!(&self.state, State::Busy(work) if !work.is_finished());
        if !full && (busy || self.batch.len() < BATCH_BYTES) {
            return Ok(());
        }
        let (mut sink, mut emptied) = self.idle().await?;
        emptied.clear();
        let batch = std::mem::replace(&mut self.batch, emptied);
        self.state = State::Busy(tokio::task::spawn_blocking(move || {
            sink.take(&batch)?;
            Ok((sink, batch))
        }));
        Ok(())
    }

    async fn finish(mut self) -> Result<S::Output, StagingError> {
        let (mut sink, _) = self.idle().await?;
        let batch = std::mem::take(&mut self.batch);
        on_blocking_thread(move || {
            if !batch.is_empty() {
                sink.take(&batch)?;
            }
            drop(batch);
            sink.finish()
        })
        .await
    }

    /// Waits until the sink has undone what it did.
    async fn abandon(mut self) {
        if let Ok((sink, _)) = self.idle().await {
            on_blocking_thread(move || {
                drop(sink);
                Ok(())
            })
            .await
            .ok();
        }
    }

    async fn idle(&mut self) -> Result<(S, Vec<u8>), StagingError> {
        if let State::Busy(work) = &mut self.state {
            let done = work.await;
            self.state = State::Failed;
            return done.map_err(|error| StagingError::Unavailable(error.into()))?;
        }
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Idle(sink, emptied) => Ok((sink, emptied)),
            State::Busy(_) | State::Failed => Err(StagingError::Unavailable("the upload has failed before".into())),
        }
    }
}

/// A caller that goes away drops this on a thread of the runtime, where removing a large file would block the others.
impl<S: Sink> Drop for Worker<S> {
    fn drop(&mut self) {
        if let State::Idle(sink, _) = std::mem::replace(&mut self.state, State::Failed)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(sink));
        }
    }
}

/// Runs what may block where it may.
pub(super) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StagingError> + Send + 'static,
) -> Result<T, StagingError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StagingError::Unavailable(error.into()))?
}
