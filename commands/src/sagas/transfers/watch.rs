use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cairn_domain::blob::{Blob, Health};
use cairn_domain::transfer::{Phase, Transfer};
use cairn_domain::{StreamName, Timestamp, TransferId};
use futures_util::{StreamExt, stream};

use super::carry::finish_carried;
use super::queue::queue;
use crate::{Drive, Trouble};

/// How long nothing need be heard of a transfer, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Before it is in the queue.
    pub requested_seconds: u64,
    /// In the queue, before one looks whether a worker that tells nobody has moved the content.
    pub look_seconds: u64,
    /// In the queue, before one takes the task for lost; twice as long after each time, as a queue that is long is not lost.
    pub queued_seconds: u64,
    /// In a worker's hands, before one takes the task for lost. A queue on a server gives it out again by itself when the worker dies.
    pub started_seconds: u64,
    /// Tasks of before are lost at any rate: the queue is in this process, and began empty then.
    pub lost_before: Option<Timestamp>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { requested_seconds: 5, look_seconds: 10, queued_seconds: 600, started_seconds: 6 * 3_600, lost_before: None }
    }
}

impl Patience {
    /// None at all.
    pub const NONE: Self = Self { requested_seconds: 0, look_seconds: 0, queued_seconds: 0, started_seconds: 0, lost_before: None };

    /// A transfer of which nothing was heard since then, after its task was pushed so often, has lost it.
    fn since(&self, phase: Phase, times_queued: u32, now: Timestamp) -> Timestamp {
        let seconds = match phase {
            Phase::Queued => self.queued_seconds << times_queued.saturating_sub(1).min(DOUBLINGS_MAX),
            Phase::Started => self.started_seconds,
            _ => self.requested_seconds,
        };
        before(now, seconds).max(self.lost_before.unwrap_or(Timestamp(i64::MIN)))
    }
}

fn before(now: Timestamp, seconds: u64) -> Timestamp {
    let micros = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_sub(micros))
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watched {
    /// Tasks put into the queue.
    pub queued: u64,
    /// Transfers that somebody had done without a word.
    pub found_done: u64,
}

/// Transfers that one look asks for.
const ROUND: u64 = 1_000;
/// The patience with the queue doubles so often: to half a day.
const DOUBLINGS_MAX: u32 = 6;
/// Stores that one round looks into; the next round goes on behind them.
const LOOKS: u64 = 100;
/// Looks that run at once.
const LOOKS_AT_ONCE: usize = 16;

/// What was found to be something else than the content is not read again for so long, in seconds.
const WRONG_SECONDS: u64 = 600;

/// Finds transfers of which nothing was heard for too long: those that are done, and those whose task is lost.
pub struct Watch {
    drive: Arc<Drive>,
    patience: Patience,
    memory: Mutex<Memory>,
}

/// What one round leaves for the next.
#[derive(Default)]
struct Memory {
    /// Where the next round goes on, for each phase and for the looks into stores, so that what is silent for good reasons hides nothing
    /// behind it.
    next: [Option<Timestamp>; WATCHED.len() + 1],
    /// Transfers at whose destination something else lies, and until when that is taken for granted.
    wrong: HashMap<TransferId, Timestamp>,
}

/// The phases in which a transfer may have lost its task.
const WATCHED: [Phase; 3] = [Phase::Requested, Phase::Queued, Phase::Started];
/// Where the memory keeps how far the looks into stores have come.
const LOOKED: usize = WATCHED.len();

impl Watch {
    /// Over the drive's log, stores and queue.
    pub fn new(drive: Arc<Drive>, patience: Patience) -> Self {
        Self { drive, patience, memory: Mutex::default() }
    }

    /// Looks once, at a bounded number of transfers; the next time it goes on behind them.
    pub async fn round(&self) -> Result<Watched, Trouble> {
        let found_done = self.look().await?;
        let mut queued = 0;
        for (index, phase) in WATCHED.into_iter().enumerate() {
            for id in self.silent(index, phase, self.patience.since(phase, 0, self.now()), ROUND).await? {
                match self.queue_again(id, phase).await {
                    Ok(pushed) => queued += u64::from(pushed),
                    Err(Trouble::Unavailable(error)) => {
                        // The next one would not get in either; they all come up again.
                        tracing::warn!(transfer = %id, error = &*error as &dyn std::error::Error, "a task can't be put into the queue; it is tried again");
                        self.memory().next[index] = None;
                        return Ok(Watched { queued, found_done });
                    }
                    Err(error) => tracing::error!(transfer = %id, error = ?error, "a transfer can't be put into the queue"),
                }
            }
        }
        Ok(Watched { queued, found_done })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some of those that are silent, in their order, round by round.
    async fn silent(&self, index: usize, phase: Phase, since: Timestamp, limit: u64) -> Result<Vec<TransferId>, Trouble> {
        let from = self.memory().next[index].unwrap_or(Timestamp(i64::MIN));
        let silent = self.drive.ports().views.silent_transfers(&[phase], from..=since, limit).await?;
        // Where one round ends the next begins: others may have been silent for as long.
        let last = silent.last().filter(|_| silent.len() as u64 == limit);
        self.memory().next[index] =
            last.map(|(heard, _)| if *heard > from { *heard } else { Timestamp(heard.0.saturating_add(1)) });
        Ok(silent.into_iter().map(|(_, id)| id).collect())
    }

    /// The read tables may be behind, and don't know how often it was in the queue.
    async fn queue_again(&self, id: TransferId, phase: Phase) -> Result<bool, Trouble> {
        let transfer = self.drive.journal().load::<Transfer>(&StreamName::transfer(id)).await?;
        if transfer.last_at > self.patience.since(phase, transfer.state.times_queued(), self.now()) {
            return Ok(false);
        }
        queue(&self.drive, id, phase).await
    }

    /// Workers of the design before take tasks, too, and tell nobody: what they have done shows in the store.
    async fn look(&self) -> Result<u64, Trouble> {
        let now = self.now();
        self.memory().wrong.retain(|_, until| *until > now);
        let silent = self.silent(LOOKED, Phase::Queued, before(now, self.patience.look_seconds), LOOKS).await?;
        let looks = silent.into_iter().map(|id| self.look_for(id));
        Ok(stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE).map(u64::from).fold(0, async |sum, found| sum + found).await)
    }

    /// Whether somebody had done it.
    async fn look_for(&self, id: TransferId) -> bool {
        if self.memory().wrong.contains_key(&id) {
            return false;
        }
        match is_there(&self.drive, id).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                tracing::debug!(transfer = %id, error = ?error, "a store can't be looked into");
                return false;
            }
        }
        match finish_carried(&self.drive, id).await {
            Ok(true) => true,
            Ok(false) => {
                self.memory().wrong.insert(id, self.now().plus_seconds(WRONG_SECONDS));
                false
            }
            Err(failure) => {
                tracing::warn!(transfer = %id, error = %failure, "a content that somebody has moved can't be taken over yet");
                false
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.drive.ports().clock.now()
    }
}

async fn is_there(drive: &Drive, id: TransferId) -> Result<bool, Trouble> {
    let transfer = drive.journal().load::<Transfer>(&StreamName::transfer(id)).await?.state;
    let Some(requested) = transfer.requested().filter(|_| transfer.phase() == Phase::Queued) else { return Ok(false) };
    let Some(to) = drive.ports().stores.get(&requested.to) else { return Ok(false) };
    let blob = drive.journal().load::<Blob>(&StreamName::blob(requested.sha256)).await?.state;
    if blob.health_in(to.name()) == Some(Health::Sound) {
        return Ok(true);
    }
    Ok(to.size(blob.key_in(to.name(), requested.sha256)).await? == Some(requested.size))
}
