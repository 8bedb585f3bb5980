use super::event::{
    OfflineCancelled, OfflineCompleted, OfflineEvent, OfflineFailed, OfflineFound, OfflineProgressed, OfflineRequested,
    OfflineStarted,
};
use super::{OfflineCommand, OfflineRejection};
use crate::{Decider, FileId, Timestamp};

/// An offline download, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offline {
    requested: Option<OfflineRequested>,
    phase: Phase,
    times_started: u32,
    /// Starts since it last came further.
    attempt: u32,
    deadline: Option<Timestamp>,
    found: Option<OfflineFound>,
    times_found: u32,
    received_bytes: u64,
    /// The furthest that it ever came.
    received_bytes_max: u64,
    heard_at: Option<Timestamp>,
}

/// Where an offline download is in its life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    /// It waits for a worker.
    #[default]
    Queued,
    /// A worker is at it.
    Running,
    /// The file is in the drive.
    Completed(OfflineCompleted),
    /// It can't be had.
    Failed(OfflineFailed),
    /// Its owner does not want it any more.
    Cancelled,
}

type Decision = Result<Vec<OfflineEvent>, OfflineRejection>;

impl Offline {
    /// What was asked for, if it was.
    pub fn requested(&self) -> Option<&OfflineRequested> {
        self.requested.as_ref()
    }

    /// Where it is in its life.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// True while it waits or runs.
    pub fn is_open(&self) -> bool {
        self.requested.is_some() && matches!(self.phase, Phase::Queued | Phase::Running)
    }

    /// How often a worker took it.
    pub fn times_started(&self) -> u32 {
        self.times_started
    }

    /// How often it was started since it last came further.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When it fails if it is not there by then; none before it is started.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// What the source last said, if it answered.
    pub fn found(&self) -> Option<&OfflineFound> {
        self.found.as_ref()
    }

    /// How often the source said something new.
    pub fn times_found(&self) -> u32 {
        self.times_found
    }

    /// How much had come when something was last heard of it, in bytes.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    fn request(&self, request: OfflineRequested) -> Decision {
        match &self.requested {
            None => Ok(vec![OfflineEvent::OfflineRequested(request)]),
            Some(before) if *before == request => Ok(Vec::new()),
            Some(_) => Err(OfflineRejection::AlreadyRequested),
        }
    }

    fn open(&self) -> Result<(), OfflineRejection> {
        self.requested.as_ref().ok_or(OfflineRejection::Absent)?;
        if self.is_open() { Ok(()) } else { Err(OfflineRejection::Ended) }
    }

    /// It runs, by that start.
    fn run_by(&self, start: u32) -> Result<(), OfflineRejection> {
        self.open()?;
        if self.phase == Phase::Running && self.times_started == start { Ok(()) } else { Err(OfflineRejection::Taken) }
    }

    fn start(&self, worker: String, times_started: u32, deadline: Timestamp) -> Decision {
        self.open()?;
        if self.times_started != times_started {
            return Err(OfflineRejection::Taken);
        }
        let (attempt, deadline) = (self.attempt.saturating_add(1), self.deadline.unwrap_or(deadline));
        Ok(vec![OfflineEvent::OfflineStarted(OfflineStarted { worker, attempt, deadline })])
    }

    fn find(&self, start: u32, found: OfflineFound) -> Decision {
        self.run_by(start)?;
        let known = self.found.as_ref() == Some(&found);
        Ok(if known { Vec::new() } else { vec![OfflineEvent::OfflineFound(found)] })
    }

    fn progress(&self, start: u32, received_bytes: u64, at: Timestamp) -> Decision {
        self.run_by(start)?;
        let known = self.heard_at.is_some_and(|heard_at| heard_at >= at);
        let progressed = || OfflineEvent::OfflineProgressed(OfflineProgressed { received_bytes, at });
        Ok(if known { Vec::new() } else { vec![progressed()] })
    }

    /// The entry is there, whoever thought meanwhile that it would not come.
    fn complete(&self, file: FileId, size: u64) -> Decision {
        self.requested.as_ref().ok_or(OfflineRejection::Absent)?;
        let completed = || OfflineEvent::OfflineCompleted(OfflineCompleted { file, size });
        Ok(if matches!(self.phase, Phase::Completed(_)) { Vec::new() } else { vec![completed()] })
    }

    fn cancel(&self) -> Decision {
        match self.open() {
            Ok(()) => Ok(vec![OfflineEvent::OfflineCancelled(OfflineCancelled {})]),
            Err(OfflineRejection::Ended) => Ok(Vec::new()),
            Err(rejection) => Err(rejection),
        }
    }

    fn receive(&mut self, progressed: &OfflineProgressed) {
        self.received_bytes = progressed.received_bytes;
        self.heard_at = self.heard_at.max(Some(progressed.at));
        if progressed.received_bytes > self.received_bytes_max {
            self.received_bytes_max = progressed.received_bytes;
            self.attempt = 1;
        }
    }
}

impl Decider for Offline {
    type Command = OfflineCommand;
    type Event = OfflineEvent;
    type Rejection = OfflineRejection;

    fn decide(&self, command: OfflineCommand) -> Decision {
        match command {
            OfflineCommand::Request(request) => self.request(request),
            OfflineCommand::Start { worker, times_started, deadline } => self.start(worker, times_started, deadline),
            OfflineCommand::Find { start, found } => self.find(start, found),
            OfflineCommand::Progress { start, received_bytes, at } => self.progress(start, received_bytes, at),
            OfflineCommand::Complete { file, size } => self.complete(file, size),
            OfflineCommand::Fail { start, reason, detail } => {
                self.run_by(start)?;
                Ok(vec![OfflineEvent::OfflineFailed(OfflineFailed { reason, detail })])
            }
            OfflineCommand::Cancel => self.cancel(),
        }
    }

    /// Tolerant: what comes before the request, or after the end, changes nothing; only a file that is there counts whenever it comes.
    fn evolve(mut self, event: &OfflineEvent) -> Self {
        match event {
            OfflineEvent::OfflineRequested(request) => {
                self.requested.get_or_insert_with(|| request.clone());
            }
            _ if self.requested.is_none() => {}
            OfflineEvent::OfflineCompleted(completed) if !matches!(self.phase, Phase::Completed(_)) => {
                self.received_bytes = completed.size;
                self.phase = Phase::Completed(completed.clone());
            }
            _ if !self.is_open() => {}
            OfflineEvent::OfflineStarted(started) => {
                self.phase = Phase::Running;
                self.times_started = self.times_started.saturating_add(1);
                self.attempt = started.attempt;
                self.deadline.get_or_insert(started.deadline);
            }
            OfflineEvent::OfflineFound(found) => {
                self.found = Some(found.clone());
                self.times_found = self.times_found.saturating_add(1);
                self.received_bytes = 0;
            }
            OfflineEvent::OfflineProgressed(progressed) => self.receive(progressed),
            OfflineEvent::OfflineFailed(failed) => self.phase = Phase::Failed(failed.clone()),
            OfflineEvent::OfflineCancelled(_) => self.phase = Phase::Cancelled,
            OfflineEvent::OfflineCompleted(_) => {}
        }
        self
    }

    fn commutes(_: &OfflineEvent) -> bool {
        false
    }
}
