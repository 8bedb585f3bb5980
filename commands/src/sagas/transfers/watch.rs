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
/// Stores that one round looks into: the oldest tasks come first, and are the first to be done.
const LOOKS: u64 = 100;
/// Looks that run at once.
const LOOKS_AT_ONCE: usize = 16;

/// Finds transfers of which nothing was heard for too long: those that are done, and those whose task is lost.
pub async fn watch_transfers(drive: &Drive, patience: Patience) -> Result<Watched, Trouble> {
    let found_done = look(drive, patience).await?;
    let mut queued = 0;
    for phase in [Phase::Requested, Phase::Queued, Phase::Started] {
        let since = patience.since(phase, 0, drive.ports().clock.now());
        for id in drive.ports().views.silent_transfers(&[phase], since, ROUND).await? {
            match queue_again(drive, id, phase, patience).await {
                Ok(pushed) => queued += u64::from(pushed),
                Err(Trouble::Unavailable(error)) => {
                    // The next one would not get in either; they all come up again.
                    tracing::warn!(transfer = %id, error = &*error as &dyn std::error::Error, "a task can't be put into the queue; it is tried again");
                    return Ok(Watched { queued, found_done });
                }
                Err(error) => tracing::error!(transfer = %id, error = ?error, "a transfer can't be put into the queue"),
            }
        }
    }
    Ok(Watched { queued, found_done })
}

/// The read tables may be behind, and don't know how often it was in the queue.
async fn queue_again(drive: &Drive, id: TransferId, phase: Phase, patience: Patience) -> Result<bool, Trouble> {
    let transfer = drive.journal().load::<Transfer>(&StreamName::transfer(id)).await?;
    let since = patience.since(phase, transfer.state.times_queued(), drive.ports().clock.now());
    if transfer.last_at > since {
        return Ok(false);
    }
    queue(drive, id, phase).await
}

/// Workers of the design before take tasks, too, and tell nobody: what they have done shows in the store.
async fn look(drive: &Drive, patience: Patience) -> Result<u64, Trouble> {
    let since = before(drive.ports().clock.now(), patience.look_seconds);
    let silent = drive.ports().views.silent_transfers(&[Phase::Queued], since, LOOKS).await?;
    let looks = silent.into_iter().map(|id| look_for(drive, id));
    Ok(stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE).map(u64::from).fold(0, async |sum, found| sum + found).await)
}

/// Whether somebody had done it.
async fn look_for(drive: &Drive, id: TransferId) -> bool {
    match is_there(drive, id).await {
        Ok(true) => {}
        Ok(false) => return false,
        Err(error) => {
            tracing::debug!(transfer = %id, error = ?error, "a store can't be looked into");
            return false;
        }
    }
    match finish_carried(drive, id).await {
        Ok(finished) => finished,
        Err(failure) => {
            tracing::warn!(transfer = %id, error = %failure, "a content that somebody has moved can't be taken over yet");
            false
        }
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
