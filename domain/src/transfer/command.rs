use super::event::TransferRequested;

/// What may be asked of a transfer.
#[derive(Debug, Clone)]
pub enum TransferCommand {
    /// Move this.
    Request(TransferRequested),
    /// A task for it is in the queue.
    Queue,
    /// One more task for it is in the queue: nothing was heard of the one before for too long.
    QueueAgain {
        /// How often that had been when whoever asks looked.
        times_queued: u32,
    },
    /// A worker has taken the task.
    Start {
        /// Which process.
        worker: String,
    },
    /// It did not work this time.
    Fail {
        /// What went wrong.
        reason: String,
        /// After so many failures it rests until somebody has looked at it.
        failures_max: u32,
    },
    /// The content is there, and verified, and the log knows.
    Complete,
    /// Somebody has looked: try it again.
    Retry,
    /// It is not wanted any more.
    Abandon {
        /// Why.
        reason: String,
    },
}
