//! Publishes every event on the bus, in the order of the log, each once.
//!
//! The bus itself says how far it is: its last event bears its position in the log. So a crash anywhere leaves no hole and repeats
//! nothing, whatever was lost: the relay's own progress, the end of the bus, or all of the bus. The checkpoint is only for a bus that has
//! forgotten its last event because it was told to keep none so long.
//!
//! Any number of relays may run. Each publishes behind the end that it has seen; whoever comes second is told that the bus has moved,
//! and looks again.

use std::sync::Arc;
use std::time::Duration;

use cairn_domain::{EventId, Position, StoredEvent};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ports::bus::{Bus, BusError, Reached, Tip};
use crate::ports::checkpoints::{CheckpointError, Checkpoints};
use crate::ports::event_store::{EventStore, StoreError};

#[cfg(test)]
mod tests;

/// Name of the relay's checkpoint.
const NAME: &str = "relay";
/// Name of the number of the bus's last message, as far as that checkpoint vouches for it.
const TIP: &str = "relay_tip";
/// Events that are read and published at once.
const PAGE: usize = 256;
/// How long to wait for a hint of the log before looking without one.
const POLL: Duration = Duration::from_secs(1);
/// After so many quiet polls the bus is asked again how far it is: it may have lost something since.
const POLLS_TRUSTED: u32 = 5;
/// The checkpoint is saved after so many pages, and whenever all is quiet.
const PAGES_UNSAVED_MAX: u32 = 64;
/// When the bus has moved so often in a row, the relay lets the others go on alone for a moment.
const MOVED_MAX: u32 = 8;
/// The first wait after a failure; it doubles with each further one.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Publishes what is on the log.
pub struct Relay {
    log: Arc<dyn EventStore>,
    checkpoints: Arc<dyn Checkpoints>,
    bus: Arc<dyn Bus>,
    status: watch::Sender<RelayStatus>,
}

/// How the relay is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RelayStatus {
    /// The last event that is known to be on the bus.
    pub position: Position,
    /// Whether the last attempt at anything went well.
    pub up: bool,
}

/// The bus and the log do not belong together. Publishing on would tell those who follow the bus something that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum RelayRefused {
    /// The log is shorter than what was published: it was restored from an older backup, or is another one.
    #[error(
        "{published} was published, but the log ends at {head}: was it restored from a backup? Remove the bus's stream to publish anew"
    )]
    AheadOfLog {
        /// The last published position.
        published: Position,
        /// Where the log ends.
        head: Position,
    },
    /// The log has another event in this place.
    #[error("{published} was published as event {event}, which the log does not have there: is it the stream of another drive?")]
    OtherLog {
        /// The last published position.
        published: Position,
        /// What was published.
        event: EventId,
    },
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Refused(#[from] RelayRefused),
}

/// Where the relay stands: the bus has everything up to the position, and ends at the tip.
#[derive(Debug, Clone, Copy)]
struct Place {
    position: Position,
    tip: Tip,
}

/// What a relay remembers from one step to the next. All of it can be found out again.
#[derive(Debug, Default)]
struct Memory {
    place: Option<Place>,
    saved: Option<Position>,
    pages_unsaved: u32,
    quiet_polls: u32,
    /// How often in a row somebody else was faster.
    moved: u32,
    /// Whether the trouble of now was told.
    told: bool,
    /// Whether it was told that the checkpoint can't be saved.
    save_told: bool,
}

enum Step {
    Published,
    Idle,
}

impl Relay {
    /// A relay that does nothing yet.
    pub fn new(log: Arc<dyn EventStore>, checkpoints: Arc<dyn Checkpoints>, bus: Arc<dyn Bus>) -> Self {
        Self { log, checkpoints, bus, status: watch::Sender::default() }
    }

    /// How it is doing.
    pub fn status(&self) -> watch::Receiver<RelayStatus> {
        self.status.subscribe()
    }

    /// Publishes events as they come, until it is told to stop. What fails is tried again for ever: no request waits for it.
    pub async fn run(&self, stop: CancellationToken) {
        let mut memory = Memory::default();
        stop.run_until_cancelled(self.go_on(&mut memory)).await;
        if let Err(failure) = self.save(&mut memory).await {
            tracing::debug!(error = &failure as &dyn std::error::Error, "the relay's checkpoint was not saved");
        }
    }

    async fn go_on(&self, memory: &mut Memory) {
        let mut growth = self.log.growth();
        let mut wait = WAIT_MIN;
        loop {
            growth.borrow_and_update();
            match self.step(memory).await {
                Ok(step) => {
                    wait = WAIT_MIN;
                    self.report_well(memory);
                    if matches!(step, Step::Idle) {
                        self.idle(memory, &mut growth).await;
                    }
                }
                Err(failure) => {
                    memory.place = None;
                    self.report(memory, &failure);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(WAIT_MAX);
                }
            }
        }
    }

    /// Publishes one page.
    async fn step(&self, memory: &mut Memory) -> Result<Step, Failure> {
        let place = match memory.place {
            Some(place) => place,
            None => self.find_place().await?,
        };
        memory.place = Some(place);
        let events = self.log.read_all(place.position, PAGE).await?;
        let Some(last) = events.last() else { return Ok(Step::Idle) };
        memory.place = None;
        match self.bus.publish(place.tip, &events).await {
            Ok(tip) => memory.place = Some(Place { position: last.position, tip }),
            // Somebody else publishes, too, or the bus has lost something: where it ends is found out in the next step.
            Err(BusError::Moved) if memory.moved < MOVED_MAX => {
                memory.moved += 1;
                return Ok(Step::Published);
            }
            Err(error) => return Err(error.into()),
        }
        memory.moved = 0;
        memory.quiet_polls = 0;
        memory.pages_unsaved += 1;
        if memory.pages_unsaved >= PAGES_UNSAVED_MAX {
            self.save(memory).await?;
        }
        Ok(Step::Published)
    }

    /// Asks the bus how far it is, and holds its answer against the log.
    async fn find_place(&self) -> Result<Place, Failure> {
        match self.bus.reached().await? {
            Reached::Empty(tip) => Ok(Place { position: Position::START, tip }),
            Reached::At { position, event, tip } => {
                self.check_event(position, event).await?;
                Ok(Place { position, tip })
            }
            Reached::Forgotten(tip) => {
                // A bus that ends before what it had acknowledged has lost it: rather all again than a hole.
                if self.checkpoints.load(TIP).await?.0 > tip.0 {
                    return Ok(Place { position: Position::START, tip });
                }
                let position = self.checkpoints.load(NAME).await?;
                self.check_head(position).await?;
                Ok(Place { position, tip })
            }
        }
    }

    async fn check_event(&self, position: Position, event: EventId) -> Result<(), Failure> {
        let before = Position(position.0.saturating_sub(1));
        let stands = self.log.read_all(before, 1).await?;
        let is_it = |stored: &StoredEvent| stored.position == position && stored.id == event;
        if stands.first().is_some_and(is_it) {
            return Ok(());
        }
        self.check_head(position).await?;
        Err(RelayRefused::OtherLog { published: position, event }.into())
    }

    async fn check_head(&self, published: Position) -> Result<(), Failure> {
        let head = self.log.head().await?;
        if published > head { Err(RelayRefused::AheadOfLog { published, head }.into()) } else { Ok(()) }
    }

    /// Waits for a hint or the next look. The bus is not trusted for ever.
    async fn idle(&self, memory: &mut Memory, growth: &mut watch::Receiver<Position>) {
        let hint = async {
            if growth.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        if tokio::time::timeout(POLL, hint).await.is_ok() {
            return;
        }
        if let Err(failure) = self.save(memory).await {
            // Events are published all the same: the checkpoint only spares a search.
            let error = &failure as &dyn std::error::Error;
            if std::mem::replace(&mut memory.save_told, true) {
                tracing::debug!(error, "the relay's checkpoint is still not saved");
            } else {
                tracing::warn!(error, "the relay's checkpoint is not saved; it is tried again");
            }
        } else {
            memory.save_told = false;
        }
        memory.quiet_polls += 1;
        if memory.quiet_polls >= POLLS_TRUSTED {
            memory.quiet_polls = 0;
            memory.place = None;
        }
    }

    async fn save(&self, memory: &mut Memory) -> Result<(), Failure> {
        memory.pages_unsaved = 0;
        let Some(Place { position, tip }) = memory.place else { return Ok(()) };
        if memory.saved != Some(position) {
            // In this order: a position is never saved before the number that vouches for it.
            self.checkpoints.save(TIP, Position(tip.0)).await?;
            self.checkpoints.save(NAME, position).await?;
            memory.saved = Some(position);
        }
        Ok(())
    }

    fn report_well(&self, memory: &mut Memory) {
        let known = *self.status.borrow();
        let position = memory.place.map_or(known.position, |place| place.position);
        if !known.up {
            tracing::info!(position = position.0, "events are published on the bus");
        }
        memory.told = false;
        self.status.send_replace(RelayStatus { position, up: true });
    }

    /// Says it once, until it goes well again.
    fn report(&self, memory: &mut Memory, failure: &Failure) {
        self.status.send_modify(|status| status.up = false);
        let error = failure as &dyn std::error::Error;
        match failure {
            _ if memory.told => tracing::debug!(error, "events are still not published on the bus"),
            Failure::Refused(_) | Failure::Bus(BusError::Foreign(_)) => {
                tracing::error!(error, "events are not published on the bus until somebody has looked at it");
            }
            _ => tracing::warn!(error, "events are not published on the bus; it is tried again"),
        }
        memory.told = true;
    }
}
