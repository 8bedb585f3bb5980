use super::event::{
    TransferAbandoned, TransferCompleted, TransferEvent, TransferQueued, TransferRequested, TransferRetried, TransferStalled,
    TransferStarted,
};
use super::{TransferCommand, TransferRejection};
use crate::Decider;

/// A transfer, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transfer {
    requested: Option<TransferRequested>,
    phase: Phase,
    failures: u32,
    times_queued: u32,
}

/// Where a transfer is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its time, or for a place in the queue.
    #[default]
    Requested,
    /// A task for it is in the queue.
    Queued,
    /// A worker has taken the task.
    Started,
    /// It has failed too often and rests.
    Stalled,
    /// It is done.
    Completed,
    /// It was given up.
    Abandoned,
}

type Decision = Result<Vec<TransferEvent>, TransferRejection>;

impl Transfer {
    /// What was asked for, if it was.
    pub fn requested(&self) -> Option<&TransferRequested> {
        self.requested.as_ref()
    }

    /// Where it is in its life.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// How often it has failed since somebody last looked at it.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How often a task for it was put into the queue.
    pub fn times_queued(&self) -> u32 {
        self.times_queued
    }

    fn request(&self, request: TransferRequested) -> Decision {
        match &self.requested {
            None => Ok(vec![TransferEvent::TransferRequested(request)]),
            Some(before) if same_transfer(before, &request) => Ok(Vec::new()),
            Some(_) => Err(TransferRejection::AlreadyRequested),
        }
    }

    /// The events, unless it has come to an end or rests.
    fn under_way(&self, events: impl FnOnce() -> Vec<TransferEvent>) -> Decision {
        self.requested.as_ref().ok_or(TransferRejection::Absent)?;
        match self.phase {
            Phase::Requested | Phase::Queued | Phase::Started => Ok(events()),
            Phase::Stalled => Err(TransferRejection::Stalled),
            Phase::Completed => Err(TransferRejection::Completed),
            Phase::Abandoned => Err(TransferRejection::Abandoned),
        }
    }

    fn queue(&self, if_so: bool) -> Decision {
        let queued = || TransferEvent::TransferQueued(TransferQueued { failures: self.failures, reason: None });
        self.under_way(|| if if_so { vec![queued()] } else { Vec::new() })
    }

    fn start(&self, worker: String) -> Decision {
        let started = || TransferEvent::TransferStarted(TransferStarted { worker });
        self.under_way(|| if self.phase == Phase::Started { Vec::new() } else { vec![started()] })
    }

    fn fail(&self, reason: String, failures_max: u32) -> Decision {
        let failures = self.failures.saturating_add(1);
        self.under_way(|| {
            // Whoever fails without having started it repeats what was recorded, or has lost the race against another worker.
            if self.phase != Phase::Started {
                Vec::new()
            } else if failures >= failures_max {
                vec![TransferEvent::TransferStalled(TransferStalled { failures, reason })]
            } else {
                vec![TransferEvent::TransferQueued(TransferQueued { failures, reason: Some(reason) })]
            }
        })
    }

    fn complete(&self) -> Decision {
        self.requested.as_ref().ok_or(TransferRejection::Absent)?;
        match self.phase {
            Phase::Completed => Ok(Vec::new()),
            Phase::Abandoned => Err(TransferRejection::Abandoned),
            // What is done is done, also when somebody has called it stalled meanwhile.
            Phase::Requested | Phase::Queued | Phase::Started | Phase::Stalled => {
                Ok(vec![TransferEvent::TransferCompleted(TransferCompleted {})])
            }
        }
    }

    fn retry(&self) -> Decision {
        match self.under_way(Vec::new) {
            Err(TransferRejection::Stalled) => Ok(vec![TransferEvent::TransferRetried(TransferRetried {})]),
            other => other,
        }
    }

    fn abandon(&self, reason: String) -> Decision {
        let abandoned = || vec![TransferEvent::TransferAbandoned(TransferAbandoned { reason })];
        match self.phase {
            Phase::Abandoned => Ok(Vec::new()),
            Phase::Stalled => Ok(abandoned()),
            _ => self.under_way(abandoned),
        }
    }
}

/// A repeated request differs at most in what the configuration now says.
fn same_transfer(a: &TransferRequested, b: &TransferRequested) -> bool {
    *a == TransferRequested { along_with: a.along_with.clone(), ..b.clone() }
}

impl Decider for Transfer {
    type Command = TransferCommand;
    type Event = TransferEvent;
    type Rejection = TransferRejection;

    fn decide(&self, command: TransferCommand) -> Decision {
        match command {
            TransferCommand::Request(request) => self.request(request),
            TransferCommand::Queue => self.queue(self.phase == Phase::Requested),
            TransferCommand::QueueAgain { times_queued } => self.queue(self.times_queued == times_queued),
            TransferCommand::Start { worker } => self.start(worker),
            TransferCommand::Fail { reason, failures_max } => self.fail(reason, failures_max),
            TransferCommand::Complete => self.complete(),
            TransferCommand::Retry => self.retry(),
            TransferCommand::Abandon { reason } => self.abandon(reason),
        }
    }

    /// Tolerant: what comes after the end, or before the request, changes nothing.
    fn evolve(mut self, event: &TransferEvent) -> Self {
        let ended = matches!(self.phase, Phase::Completed | Phase::Abandoned);
        match event {
            TransferEvent::TransferRequested(request) => {
                self.requested.get_or_insert_with(|| request.clone());
            }
            _ if ended || self.requested.is_none() => {}
            TransferEvent::TransferQueued(queued) => {
                self.phase = Phase::Queued;
                self.failures = queued.failures;
                self.times_queued = self.times_queued.saturating_add(1);
            }
            TransferEvent::TransferStarted(_) => self.phase = Phase::Started,
            TransferEvent::TransferCompleted(_) => self.phase = Phase::Completed,
            TransferEvent::TransferStalled(stalled) => {
                self.phase = Phase::Stalled;
                self.failures = stalled.failures;
            }
            TransferEvent::TransferRetried(_) => {
                self.phase = Phase::Requested;
                self.failures = 0;
            }
            TransferEvent::TransferAbandoned(_) => self.phase = Phase::Abandoned,
        }
        self
    }

    fn commutes(_: &TransferEvent) -> bool {
        false
    }
}
