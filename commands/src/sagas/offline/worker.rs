use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cairn_domain::offline::{FailureReason, Offline, OfflineCommand, Phase};
use cairn_domain::{AccountId, OfflineId, Timestamp};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::job::{Ending, Job, tell_trouble};
use super::places::{NoPlace, Places};
use crate::offline::{Turn, change, load, tidy};
use crate::{Drive, Loaded, Trouble};

/// Finds downloads that wait, or were given up by others, and fetches them.
pub struct Fetcher {
    drive: Arc<Drive>,
    settings: FetcherSettings,
}

/// How a fetcher works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetcherSettings {
    /// What the log calls this process.
    pub name: String,
    /// Downloads that run at once.
    pub at_once: usize,
    /// A download of which nothing was heard for so long is taken over, in seconds; whoever is at one says so three times as often.
    pub silent_seconds: u64,
    /// How long it waits after a first failure; twice as long after each further one, and a minute at most.
    pub first_wait: Duration,
    /// What ran before is nobody's any more: this is the only process at the log, and began then.
    pub alone_since: Option<Timestamp>,
}

/// Downloads that one look asks for.
const ROUND: u64 = 100;
/// How long it waits for a hint of the log before it looks without one.
const POLL: Duration = Duration::from_secs(1);
/// It lets events gather for so long between two looks.
const GATHER: Duration = Duration::from_millis(100);
/// How often whoever is at a download looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Fetcher {
    /// A fetcher for this drive.
    pub fn new(drive: Arc<Drive>, settings: FetcherSettings) -> Self {
        Self { drive, settings }
    }

    /// Works until it is told to stop. What it has begun then goes on in another process, or in the next one.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (places, works) = (Places::new(self.settings.at_once), TaskTracker::new());
        let mut growth = self.drive.ports.log.growth();
        let follow = async {
            loop {
                for (id, owner) in self.open().await {
                    let place = match places.take(owner) {
                        Ok(place) => place,
                        Err(NoPlace::ForThisAccount) => continue,
                        Err(NoPlace::AtAll) => break,
                    };
                    let (fetcher, stop) = (self.clone(), stop.clone());
                    works.spawn(async move {
                        stop.run_until_cancelled(Box::pin(fetcher.serve(id))).await;
                        drop(place);
                    });
                }
                // What seems free now may be another's, or have ended, when there is a place for it.
                places.free().await;
                // The hint may be missed when another process appends, so it is not waited for alone.
                let _ = timeout(POLL, growth.changed()).await;
                sleep(GATHER).await;
            }
        };
        stop.run_until_cancelled(follow).await;
        works.close();
        works.wait().await;
    }

    /// Fetches one, if it is free.
    pub async fn serve(&self, id: OfflineId) {
        if let Err(trouble) = self.try_serve(id).await {
            tell_trouble(id, &trouble);
        }
    }

    /// Downloads that seem to be free and are not in this process's hands, the oldest first.
    async fn open(&self) -> Vec<(OfflineId, AccountId)> {
        match self.seem_free().await {
            Ok(mut ids) => {
                ids.retain(|(id, _)| !self.drive.under_way.holds(*id));
                ids
            }
            Err(trouble) => {
                tracing::warn!(error = &trouble as &dyn std::error::Error, "downloads can't be looked for just now");
                Vec::new()
            }
        }
    }

    async fn seem_free(&self) -> Result<Vec<(OfflineId, AccountId)>, Trouble> {
        let views = &self.drive.ports.views;
        let mut ids = views.silent_offline(self.silent_since(), ROUND).await?;
        ids.extend(views.waiting_offline(ROUND).await?);
        Ok(ids)
    }

    /// Whatever was not heard of since then is free.
    fn silent_since(&self) -> Timestamp {
        let micros = i64::try_from(self.settings.silent_seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        let patient = Timestamp(self.drive.ports.clock.now().0.saturating_sub(micros));
        patient.max(self.settings.alone_since.unwrap_or(patient))
    }

    async fn try_serve(&self, id: OfflineId) -> Result<(), Trouble> {
        let Some(turn) = self.drive.under_way.begin(id) else { return Ok(()) };
        let Some(job) = self.claim(id, &turn).await? else { return Ok(()) };
        tracing::info!(offline = %id, start = job.start, "a download begins");
        let ending = self.work(&job, &turn).await?;
        self.end(&job, ending).await
    }

    /// Makes the download this worker's; none when it is another's, or has ended. The read tables may be behind.
    async fn claim(&self, id: OfflineId, turn: &Turn<'_>) -> Result<Option<Job>, Trouble> {
        let offline = load(&self.drive, id).await?;
        let (state, now) = (&offline.state, self.drive.ports.clock.now());
        let is_free = *state.phase() == Phase::Queued || offline.last_at <= self.silent_since();
        let Some(requested) = state.requested().filter(|_| state.is_open() && is_free).cloned() else { return Ok(None) };
        if state.attempt() >= self.drive.limits.offline.attempts_max {
            self.give_up(id, &offline).await?;
            return Ok(None);
        }
        let (worker, times_started) = (self.settings.name.clone(), state.times_started());
        let deadline = now.plus_seconds(self.drive.limits.offline.seconds_max);
        let start = OfflineCommand::Start { worker, times_started, deadline };
        let Ok(started) = change(&self.drive, id, start).await? else { return Ok(None) };
        Ok(Some(Job {
            drive: self.drive.clone(),
            id,
            start: started.state.times_started(),
            requested,
            deadline: started.state.deadline().unwrap_or(deadline),
            first_wait: self.settings.first_wait,
            received: turn.received(),
        }))
    }

    /// Whoever took it died again and again without a byte more: perhaps of it.
    async fn give_up(&self, id: OfflineId, offline: &Loaded<Offline>) -> Result<(), Trouble> {
        tracing::error!(offline = %id, "a download was begun too often and is given up");
        let detail = Some("It was begun again and again and never came further.".to_owned());
        let reason = FailureReason::SourceUnavailable;
        let fail = OfflineCommand::Fail { start: offline.state.times_started(), reason, detail };
        if let Ok(failed) = change(&self.drive, id, fail).await? {
            tidy(&self.drive, id, failed).await?;
        }
        Ok(())
    }

    /// Fetches as long as it is wanted, and no longer than it may take.
    async fn work(&self, job: &Job, turn: &Turn<'_>) -> Result<Ending, Trouble> {
        let micros = job.deadline.0.saturating_sub(self.drive.ports.clock.now().0);
        let time_left = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let stopped = turn.stopped();
        tokio::select! {
            ending = job.run() => ending,
            () = stopped.cancelled() => Ok(Ending::Gone),
            () = self.watch(job) => Ok(Ending::Gone),
            () = sleep(time_left) => Ok(Ending::failed(FailureReason::TimedOut, None)),
        }
    }

    /// Says from time to time that it is at it, and ends when it is not wanted any more.
    async fn watch(&self, job: &Job) {
        let say_every = Duration::from_secs(self.settings.silent_seconds) / 3;
        let mut said = Instant::now();
        loop {
            sleep(LOOK_EVERY.min(say_every)).await;
            let looked = if said.elapsed() >= say_every {
                said = Instant::now();
                self.say(job).await
            } else {
                job.is_ours().await
            };
            match looked {
                Ok(true) => {}
                Ok(false) => return,
                // Whatever keeps the log away keeps the work from its end, too.
                Err(trouble) => {
                    tracing::debug!(offline = %job.id, error = &trouble as &dyn std::error::Error, "nothing can be said of a download");
                }
            }
        }
    }

    async fn say(&self, job: &Job) -> Result<bool, Trouble> {
        let received_bytes = job.received.load(Ordering::Relaxed);
        let progress = OfflineCommand::Progress { start: job.start, received_bytes, at: self.drive.ports.clock.now() };
        Ok(change(&self.drive, job.id, progress).await?.is_ok())
    }

    async fn end(&self, job: &Job, ending: Ending) -> Result<(), Trouble> {
        let command = match ending {
            Ending::Done(completed) => OfflineCommand::Complete { file: completed.file, size: completed.size },
            Ending::Failed(failed) => {
                tracing::info!(offline = %job.id, reason = failed.reason.code(), "a download has failed");
                OfflineCommand::Fail { start: job.start, reason: failed.reason, detail: failed.detail }
            }
            Ending::Gone => {
                let offline = load(&self.drive, job.id).await?;
                return tidy(&self.drive, job.id, offline).await.map(|_| ());
            }
        };
        match change(&self.drive, job.id, command).await? {
            Ok(ended) => tidy(&self.drive, job.id, ended).await.map(|_| ()),
            // Somebody else has ended it, or goes on with it.
            Err(_) => Ok(()),
        }
    }
}
