use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use cairn_domain::transfer::{Phase, Transfer, TransferCommand, TransferRejection};
use cairn_domain::{Decider, Sha256, StreamName, TransferId};
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::adopt::transfer_of;
use super::carry::{carry, finish_carried, tidy};
use super::request::{request_for, requested_event};
use crate::journal::{Executed, Start};
use crate::ports::tasks::{Delivery, QueueError, Task};
use crate::sagas::backoff::Backoff;
use crate::sagas::pace::Pace;
use crate::{Drive, Loaded, Trouble};

/// Takes tasks from the queue and carries contents from store to store.
pub struct Mover {
    drive: Arc<Drive>,
    settings: MoverSettings,
    pace: Option<Pace>,
}

/// How a mover works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoverSettings {
    /// What the log calls this process.
    pub name: String,
    /// Contents that are carried at once.
    pub at_once: usize,
    /// After so many failures a transfer rests until somebody has looked at it.
    pub failures_max: u32,
    /// Bytes that are carried in a second, all together; none for no limit.
    pub bytes_per_second_max: Option<u64>,
}

/// The longest wait is with its jitter the three minutes for which a server has a queue.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(144) };
/// While a store is away the wait grows no longer than after so many failures, some seconds: within 30 s of its return everything goes on.
const OUTAGE_ATTEMPTS_MAX: u32 = 4;
/// A task about nothing that is known may be ahead of the read tables so often.
const UNKNOWN_MAX: u32 = 3;

/// What is to become of a task.
enum Outcome {
    Done,
    Again(Duration),
    Failed(String),
}

impl Mover {
    /// A mover over the drive's stores and queue.
    pub fn new(drive: Arc<Drive>, settings: MoverSettings) -> Self {
        let pace = Pace::of(settings.bytes_per_second_max);
        Self { drive, settings, pace }
    }

    /// Works until it is told to stop; then what it has begun is given back to the queue.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (room, works) = (Arc::new(Semaphore::new(self.settings.at_once.max(1))), TaskTracker::new());
        let tasks = self.drive.ports().tasks.clone();
        let next = async || {
            let place = room.clone().acquire_owned().await.ok()?;
            Some((place, tasks.take().await))
        };
        while let Some(Some((place, delivery))) = stop.run_until_cancelled(next()).await {
            let (mover, stop) = (self.clone(), stop.clone());
            works.spawn(async move {
                // Dropped in the middle, the delivery goes back, and what was half written is swept.
                stop.run_until_cancelled(mover.serve(delivery)).await;
                drop(place);
            });
        }
        works.close();
        works.wait().await;
    }

    /// Does what the task says, and tells the queue what became of it.
    pub async fn serve(&self, delivery: Delivery) {
        // A panic that dropped the delivery would give the task back at once, for the next panic.
        let outcome = AssertUnwindSafe(self.outcome(&delivery.task)).catch_unwind().await;
        let told = match outcome.unwrap_or_else(|panic| Outcome::Failed(words_of(&*panic))) {
            Outcome::Done => delivery.done().await,
            Outcome::Again(after) => delivery.again(after).await,
            Outcome::Failed(reason) => {
                tracing::error!(reason, "a task can't be done and is put aside");
                delivery.failed(&reason).await
            }
        };
        if let Err(error @ (QueueError::Unavailable(_) | QueueError::Refused(_))) = told {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the queue was not told what became of a task; it comes again"
            );
        }
    }

    async fn outcome(&self, task: &Task) -> Outcome {
        match self.attempt(task).await {
            Ok(outcome) => outcome,
            Err(trouble) => {
                tracing::warn!(error = &trouble as &dyn std::error::Error, "a task can't be judged just now; it comes again");
                self.again(task.attempt.saturating_add(1))
            }
        }
    }

    async fn attempt(&self, task: &Task) -> Result<Outcome, Trouble> {
        let Some(id) = transfer_of(&self.drive, task).await? else { return Ok(self.unknown(task)) };
        match self.begin(id).await? {
            Ok(()) => {}
            Err(TransferRejection::Absent) => return Ok(self.unknown(task)),
            Err(_) => return Ok(self.ended(id).await),
        }
        // A panic counts as a failure: what panics each time stalls like what fails each time.
        let failure = match AssertUnwindSafe(carry(&self.drive, id, self.pace.as_ref())).catch_unwind().await {
            Ok(Ok(())) => return Ok(Outcome::Done),
            Ok(Err(failure)) => failure,
            Err(panic) => return self.fail(id, words_of(&*panic)).await,
        };
        if failure.is_outage(&self.drive).await {
            tracing::warn!(transfer = %id, error = %failure, "a store is away: the transfer waits for it, and that is no failure");
            return Ok(self.again(task.attempt.saturating_add(1).min(OUTAGE_ATTEMPTS_MAX)));
        }
        // Whoever reports an error may have done it all the same, and after the last failure nobody would look again.
        if matches!(finish_carried(&self.drive, id).await, Ok(true)) {
            return Ok(Outcome::Done);
        }
        self.fail(id, failure.to_string()).await
    }

    /// The task comes again although the transfer has ended: whoever had it may have died in the middle of writing.
    async fn ended(&self, id: TransferId) -> Outcome {
        if let Err(failure) = tidy(&self.drive, id).await {
            tracing::debug!(transfer = %id, error = %failure, "what an ended transfer has left can't be looked for just now");
        }
        Outcome::Done
    }

    fn unknown(&self, task: &Task) -> Outcome {
        if task.attempt < UNKNOWN_MAX {
            return self.again(task.attempt.saturating_add(1));
        }
        Outcome::Failed(format!("nothing is known of {:?}, or no store is of kind {:?}", task.file_hash, task.destination_kind))
    }

    async fn begin(&self, id: TransferId) -> Result<Result<(), TransferRejection>, Trouble> {
        let started = self.change(id, TransferCommand::Start { worker: self.settings.name.clone() }).await?;
        Ok(started.map(|done| {
            if done.event.is_some() {
                let (sha256, worker) = (content_of(&done.loaded.state), &self.settings.name);
                tracing::info!(transfer = %id, sha256, causation = %requested_event(id), worker, "a transfer is started");
            }
        }))
    }

    async fn fail(&self, id: TransferId, reason: String) -> Result<Outcome, Trouble> {
        let fail = TransferCommand::Fail { reason: reason.clone(), failures_max: self.settings.failures_max };
        let Ok(done) = self.change(id, fail).await? else { return Ok(Outcome::Done) };
        let transfer = done.loaded.state;
        let (sha256, causation, failures) = (content_of(&transfer), requested_event(id), transfer.failures());
        tracing::warn!(transfer = %id, sha256, %causation, failures, reason, "a transfer has failed");
        if transfer.phase() == Phase::Stalled {
            tracing::warn!(transfer = %id, sha256, %causation, failures, reason, "a transfer has stalled: somebody has to look at it");
            return Ok(Outcome::Done);
        }
        Ok(self.again(failures))
    }

    async fn change(
        &self,
        id: TransferId,
        command: TransferCommand,
    ) -> Result<Result<Executed<Transfer>, TransferRejection>, Trouble> {
        enum No {
            Rejected(TransferRejection),
            Trouble(Trouble),
        }
        impl From<Trouble> for No {
            fn from(trouble: Trouble) -> Self {
                Self::Trouble(trouble)
            }
        }
        let request = request_for(&self.drive, id).await?;
        let decide = |transfer: &Loaded<Transfer>| transfer.state.decide(command.clone()).map_err(No::Rejected);
        match self.drive.journal().execute_and_tell::<Transfer, No>(&StreamName::transfer(id), Start::Load, &request, decide).await
        {
            Ok(done) => Ok(Ok(done)),
            Err(No::Rejected(rejection)) => Ok(Err(rejection)),
            Err(No::Trouble(trouble)) => Err(trouble),
        }
    }

    fn again(&self, failures: u32) -> Outcome {
        Outcome::Again(BACKOFF.after(failures, &*self.drive.ports().ids))
    }
}

/// As a field of a log line.
fn content_of(transfer: &Transfer) -> Option<tracing::field::DisplayValue<Sha256>> {
    transfer.requested().map(|requested| tracing::field::display(requested.sha256))
}

/// What a panic has said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the worker panicked: {}", words.unwrap_or("it did not say why"))
}
