use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use cairn_domain::blob::{Blob, BlobEvent};
use cairn_domain::transfer::{Phase, Transfer, TransferCommand, TransferRejection, TransferRequested};
use cairn_domain::{CommandId, Decider, Event, EventId, Sha256, StoredEvent, StreamName, Timestamp, TransferId, Version, codec};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::queue::queue;
use crate::journal::Start;
use crate::ports::blobs::MovePolicy;
use crate::ports::checkpoints::Checkpoints;
use crate::ports::event_store::EventStore;
use crate::sagas::follower::Follower;
use crate::{Drive, Journal, Loaded, Request, Trouble};

/// Name of the saga's checkpoint.
const NAME: &str = "transfers";
/// Events of a content that one read asks for.
const PAGE: usize = 1_000;
/// Transfers that are asked for at once, so that the log can take them together.
const AT_ONCE: usize = 32;

/// A transfer that follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Made of the event and the destination: however often the event is seen, it is the same transfer.
    pub id: TransferId,
    /// The event that put the content where it is.
    pub cause: EventId,
    /// What binds everything that one request set off.
    pub correlation: Option<String>,
    /// What is to be done.
    pub request: TransferRequested,
}

/// What an event asks for. It decides and does nothing: replaying the log through it moves no content.
pub fn wanted(policy: &MovePolicy, stored: &StoredEvent) -> Result<Vec<Wanted>, codec::Unreadable> {
    if stored.name != "BlobStored" {
        return Ok(Vec::new());
    }
    let Event::Blob(BlobEvent::BlobStored(blob)) = codec::decode(stored)? else { return Ok(Vec::new()) };
    let Ok(sha256) = stored.stream.id().parse::<Sha256>() else { return Ok(Vec::new()) };
    let destinations = policy.destinations(&blob.store, blob.size);
    let want = |to: &String| Wanted {
        id: transfer_id(stored.id, to, 0),
        cause: stored.id,
        correlation: stored.metadata.correlation.clone(),
        request: TransferRequested {
            sha256,
            sha1: blob.sha1,
            size: blob.size,
            from: blob.store.clone(),
            to: to.clone(),
            along_with: destinations.iter().filter(|other| *other != to).cloned().collect(),
        },
    };
    Ok(destinations.iter().map(want).collect())
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requested {
    /// Transfers that were asked for.
    pub transfers: u64,
    /// When the next content has stayed for long enough; until then nothing behind it is looked at.
    pub waits_until: Option<Timestamp>,
}

/// The way of a content to a store, from where a certain event has put it: the first one, and those that were asked for by hand after the
/// ones before had ended.
pub fn transfer_id(cause: EventId, to: &str, times_ended: u32) -> TransferId {
    let way = match times_ended {
        0 => format!("to {to}"),
        times => format!("to {to} again {times}"),
    };
    TransferId(CommandId(cause.0).derive(&way))
}

/// The event that asked for a transfer: the cause of whatever is done for it.
pub(super) fn requested_event(id: TransferId) -> EventId {
    CommandId(id.0).then("request").event(StreamName::transfer(id).as_str(), 0)
}

/// Something that the system does for a transfer, as a late part of the request that stored the content.
pub(super) async fn request_for(drive: &Drive, id: TransferId) -> Result<Request, Trouble> {
    let correlation = drive.journal().load::<Transfer>(&StreamName::transfer(id)).await?.correlation;
    Ok(follow_up(id, drive.ports().ids.command(), correlation))
}

/// A command that follows from what was asked for.
pub(super) fn follow_up(id: TransferId, command: CommandId, correlation: Option<String>) -> Request {
    Request { correlation, causation: Some(requested_event(id)), ..Request::of_system(command) }
}

/// Reads on from the checkpoint, asks for every transfer whose time has come, and puts what was asked for, or is to be tried again, into the
/// queue.
pub async fn request_transfers(drive: &Drive, checkpoints: &dyn Checkpoints) -> Result<Requested, Trouble> {
    let policy = drive.ports().stores.policy();
    let mut follower = Follower::open(drive, checkpoints, NAME, names(policy)).await?;
    let mut requested = Requested::default();
    loop {
        let page = follower.next().await?;
        let due = due(drive, policy, &page.events);
        let wanted: Vec<Wanted> = due.iter().flat_map(|stored| wanted_or_told(policy, stored)).collect();
        let requests = wanted.into_iter().map(|wanted| request_transfer(drive.journal(), wanted));
        let new: Vec<Option<TransferId>> = stream::iter(requests).buffered(AT_ONCE).try_collect().await?;
        let new: Vec<TransferId> = new.into_iter().flatten().collect();
        let by_others = due.iter().filter_map(waiting);
        // One that was asked for and is to be tried again, all in one page, waits for one task.
        let mut seen = HashSet::new();
        let waiting = new.iter().copied().chain(by_others).filter(|id| seen.insert(*id));
        queue_all(drive, waiting.collect()).await;
        follower.dealt_with(&page, due.len()).await?;
        requested.transfers += new.len() as u64;
        requested.waits_until = page.events.get(due.len()).map(|waits| due_at(policy, waits));
        if requested.waits_until.is_some() || page.last {
            return Ok(requested);
        }
    }
}

/// The first events of the page, up to one whose content has to stay for a while yet.
fn due<'a>(drive: &Drive, policy: &MovePolicy, page: &'a [StoredEvent]) -> &'a [StoredEvent] {
    let now = drive.ports().clock.now();
    // What a clock that was wrong says to be of the future has to wait for nothing.
    let waits = |stored: &StoredEvent| stored.name == "BlobStored" && stored.time <= now && now < due_at(policy, stored);
    let end = page.iter().position(waits).unwrap_or(page.len());
    &page[..end]
}

fn due_at(policy: &MovePolicy, stored: &StoredEvent) -> Timestamp {
    if policy.to.is_empty() { stored.time } else { stored.time.plus_seconds(policy.after_seconds) }
}

fn wanted_or_told(policy: &MovePolicy, stored: &StoredEvent) -> Vec<Wanted> {
    wanted(policy, stored).unwrap_or_else(|error| {
        tracing::error!(position = stored.position.0, error = %error, "an event can't be read and is not followed up");
        Vec::new()
    })
}

/// Puts the transfer on the log. Its id, unless it has been in the queue before.
pub async fn request_transfer(journal: &Journal, wanted: Wanted) -> Result<Option<TransferId>, Trouble> {
    let Wanted { id, cause, correlation, request } = wanted;
    let command = CommandId(id.0).then("request");
    let asked = Request { correlation, ..Request::of_system(command) }.because_of(cause, command);
    let decide = |transfer: &Loaded<Transfer>| match transfer.state.decide(TransferCommand::Request(request.clone())) {
        Ok(events) => Ok(events),
        Err(TransferRejection::AlreadyRequested) => Ok(Vec::new()),
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    let done = journal.execute_and_tell::<Transfer, Trouble>(&StreamName::transfer(id), Start::Fresh, &asked, decide).await?;
    if done.event.is_some() {
        tracing::info!(transfer = %id, sha256 = %request.sha256, causation = %cause, from = request.from, to = request.to, "a transfer is asked for");
    }
    Ok((done.loaded.state.phase() == Phase::Requested).then_some(id))
}

/// The events that matter. Where nothing moves by itself, what is stored asks for nothing.
fn names(policy: &MovePolicy) -> &'static [&'static str] {
    let all = &["TransferRequested", "TransferRetried", "BlobStored"];
    if policy.to.is_empty() { &all[..2] } else { all }
}

/// The transfer that the event has made wait for a place in the queue.
fn waiting(stored: &StoredEvent) -> Option<TransferId> {
    let waits = matches!(stored.name.as_str(), "TransferRequested" | "TransferRetried");
    if waits { stored.stream.id().parse().ok() } else { None }
}

/// Asks for a content to be moved that is in a store already, whatever the policy says. None when no event has put it there.
pub async fn wanted_by_hand(log: &dyn EventStore, sha256: Sha256, from: &str, to: &str) -> Result<Option<Wanted>, Trouble> {
    let stream = StreamName::blob(sha256);
    let (mut blob, mut cause, mut start) = (Blob::default(), None, Version(0));
    loop {
        let page = log.read_stream(&stream, start, PAGE).await?;
        for stored in &page {
            let Event::Blob(event) = codec::decode(stored)? else { continue };
            match &event {
                BlobEvent::BlobStored(stored_in) if stored_in.store == from => cause = Some(stored.id),
                BlobEvent::BlobRelocated(relocated) if relocated.to == from => cause = Some(stored.id),
                _ => {}
            }
            blob = blob.evolve(&event);
            start = stored.version.next();
        }
        if page.len() < PAGE {
            break;
        }
    }
    let there = blob.content().filter(|_| blob.health_in(from).is_some());
    Ok(cause.zip(there).map(|(cause, content)| Wanted {
        id: transfer_id(cause, to, 0),
        cause,
        correlation: None,
        request: TransferRequested {
            sha256,
            sha1: content.sha1,
            size: content.size,
            from: from.to_owned(),
            to: to.to_owned(),
            along_with: Vec::new(),
        },
    }))
}

impl Wanted {
    /// The same, once more, if it was asked for before and has ended.
    pub async fn anew(self, journal: &Journal) -> Result<Self, Trouble> {
        for times_ended in 0.. {
            let id = transfer_id(self.cause, &self.request.to, times_ended);
            let transfer = journal.load::<Transfer>(&StreamName::transfer(id)).await?.state;
            if !matches!(transfer.phase(), Phase::Completed | Phase::Abandoned) {
                return Ok(Self { id, ..self });
            }
        }
        Err(Trouble::Busy)
    }
}

/// A task for each that waits for one. Whatever does not get into the queue now is found by whoever watches.
async fn queue_all(drive: &Drive, transfers: Vec<TransferId>) {
    let away = AtomicBool::new(false);
    let queue_one = async |id| {
        // Where one does not get in, the next one would not either.
        if away.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = queue(drive, id, Phase::Requested).await {
            away.store(true, Ordering::Relaxed);
            tracing::warn!(transfer = %id, error = ?error, "a task can't be put into the queue; it is tried again");
        }
    };
    let queued = transfers.into_iter().map(queue_one);
    stream::iter(queued).buffer_unordered(AT_ONCE).collect::<()>().await;
}
