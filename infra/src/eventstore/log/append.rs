//! Appending: judge by what is known, write at an exact revision, and find out what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cairn_commands::ports::event_store::{APPEND_BYTES_MAX, Appended, StoreError};
use cairn_commands::ports::ids::Ids;
use cairn_domain::{EventId, Expected, Position, StoredEvent, StreamName, Version};
use eventstore::{EventData, StreamState};
use moka::sync::Cache;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use super::known::{Judged, Known};
use super::read::{PAGE, page_of_stream};
use crate::eventstore::link::{Certainty, Link, Live};
use crate::eventstore::record::{Encoded, name_of};
use crate::eventstore::trouble::{Failure, Late};
use crate::ids::RandomIds;

/// How long the server may take to answer an append, before it is tried again over another client.
const ANSWER_MAX: Duration = Duration::from_millis(1_200);

/// Before an append is tried again of which nothing is known.
const PAUSE: Duration = Duration::from_millis(5);

/// Events that are remembered over all streams, at about 60 bytes each.
const KNOWN_MAX: u64 = 200_000;

/// What a stream costs besides its events.
const STREAM_WEIGHT: u32 = 8;

/// Appends of this process, one after the other in each stream.
pub(super) struct Appender {
    link: Arc<Link>,
    streams: Cache<StreamName, Arc<Entry>>,
    room: Semaphore,
}

/// A stream that was appended to lately.
#[derive(Default)]
struct Entry {
    known: Mutex<Known>,
    weight: AtomicU32,
}

/// One append, under way.
struct Writing<'a> {
    stream: &'a StreamName,
    name: String,
    expected: Expected,
    ids: Vec<EventId>,
    events: Vec<EventData>,
}

impl<'a> Writing<'a> {
    fn new(stream: &'a StreamName, expected: Expected, encoded: &[Encoded]) -> Result<(Self, usize), StoreError> {
        let bytes = encoded.iter().map(Encoded::size).sum();
        if encoded.is_empty() || bytes > APPEND_BYTES_MAX {
            return Err(StoreError::BadSize);
        }
        let writing: Uuid = RandomIds.command().0;
        let events = encoded.iter().enumerate().map(|(n, event)| event.to_data(writing, n)).collect::<Result<_, _>>()?;
        let ids = encoded.iter().map(|event| event.id).collect();
        Ok((Self { stream, name: name_of(stream), expected, ids, events }, bytes))
    }
}

/// How a try ended that did not fail.
struct Written {
    /// Over which client.
    client: u64,
    version: Option<Version>,
    position: Option<Position>,
}

impl Appender {
    pub(super) fn new(link: Arc<Link>, room: Semaphore) -> Self {
        let weigher = |_: &StreamName, entry: &Arc<Entry>| entry.weight.load(Ordering::Relaxed).saturating_add(STREAM_WEIGHT);
        Self { link, streams: Cache::builder().max_capacity(KNOWN_MAX).weigher(weigher).build(), room }
    }

    pub(super) async fn append(&self, stream: &StreamName, expected: Expected, events: &[Encoded]) -> Result<Appended, StoreError> {
        let (writing, bytes) = Writing::new(stream, expected, events)?;
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let _room = self.room.acquire_many(bytes).await.map_err(|error| StoreError::Unavailable(error.into()))?;
        let entry = self.entry(stream);
        let mut known = entry.known.lock().await;
        let appended = self.make(&writing, &mut known).await;
        self.weigh(stream, &entry, &known);
        appended
    }

    /// Remembers what was read, if nobody appends to the stream just now.
    pub(super) fn learn(&self, stream: &StreamName, events: &[StoredEvent]) {
        let (Some(first), Some(client)) = (events.first(), self.link.number()) else { return };
        let entry = self.entry(stream);
        let Ok(mut known) = entry.known.try_lock() else { return };
        if known.holds_over(Some(client)) || first.version == Version(0) {
            known.learn(client, events);
            self.weigh(stream, &entry, &known);
        }
    }

    fn entry(&self, stream: &StreamName) -> Arc<Entry> {
        self.streams.get_with_by_ref(stream, Arc::default)
    }

    /// The cache weighs what is put into it, so it is put there again.
    fn weigh(&self, stream: &StreamName, entry: &Arc<Entry>, known: &Known) {
        if entry.weight.swap(known.weight(), Ordering::Relaxed) != known.weight() {
            self.streams.insert(stream.clone(), Arc::clone(entry));
        }
    }

    async fn make(&self, writing: &Writing<'_>, known: &mut Known) -> Result<Appended, StoreError> {
        let fail = |failure: Failure| failure.into_store_error(&writing.name, Position::START);
        let mut is_fresh = false;
        let mut is_doubtful = false;
        loop {
            // Of a stream of which nothing is known it is guessed that there is nothing: most are new, and a look costs more than a
            // refusal.
            let certainty = if known.holds_over(self.link.number()) { Certainty::Known } else { Certainty::Guessed };
            is_fresh &= certainty == Certainty::Known;
            match known.judge(writing.stream, writing.expected, &writing.ids) {
                Judged::Repeated(appended) => return Ok(appended),
                Judged::Refused(refusal) if is_fresh => return Err(refusal),
                Judged::Refused(_) => {
                    self.look(writing, known).await.map_err(fail)?;
                    is_fresh = true;
                }
                Judged::Write(last) => match self.write(writing, last, certainty).await {
                    Ok(Written { position: Some(position), version, client }) if !is_doubtful => {
                        if certainty == Certainty::Guessed {
                            known.learn(client, &[]);
                        }
                        return note(writing, known, version, position).map_err(fail);
                    }
                    Ok(written) => return self.settle(writing, known, written).await.map_err(fail),
                    Err(Failure::WrongVersion) => {
                        self.look(writing, known).await.map_err(fail)?;
                        is_fresh = true;
                    }
                    Err(Failure::Away(_) | Failure::Again(_) | Failure::Moved(_)) => {
                        is_doubtful = true;
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(failure) => return Err(fail(failure)),
                },
            }
        }
    }

    /// Reads what has been appended since it was last looked at.
    async fn look(&self, writing: &Writing<'_>, known: &mut Known) -> Result<(), Failure> {
        let client = self.link.live().await?.number;
        known.holds_over(Some(client));
        loop {
            let page = page_of_stream(&self.link, &writing.name, known.next(), PAGE).await?;
            known.learn(client, &page);
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The answer to a success that may be that of an earlier try of this append: where it stands is read.
    async fn settle(&self, writing: &Writing<'_>, known: &mut Known, written: Written) -> Result<Appended, Failure> {
        self.look(writing, known).await?;
        match known.judge(writing.stream, writing.expected, &writing.ids) {
            Judged::Repeated(appended) => Ok(Appended { repeated: false, ..appended }),
            _ => Err(Failure::Refused(format!("the server does not show what it has appended as {:?}", written.version).into())),
        }
    }

    /// One try. Its events have the same ids as those of every other try of this append. If an earlier one that was not answered arrives
    /// late, its revision is either the same, and the server knows the ids, or is long past: one of them counts at most.
    async fn write(&self, writing: &Writing<'_>, last: Option<Version>, certainty: Certainty) -> Result<Written, Failure> {
        let live = self.link.live().await?;
        let tried = self.link.while_wanted(&live, write_over(&live, writing, last, certainty));
        let tried = timeout(ANSWER_MAX, tried).await;
        let tried = tried.unwrap_or_else(|_| Err(Failure::Away(Late(ANSWER_MAX).into())));
        match &tried {
            Err(Failure::Away(_) | Failure::Refused(_)) => self.link.suspect(&live),
            // Any call makes the client notice where the leader is, but not a session that ended before it began.
            Err(Failure::Moved(_)) => drop(live.head().await),
            _ => {}
        }
        tried
    }
}

async fn write_over(live: &Live, writing: &Writing<'_>, last: Option<Version>, certainty: Certainty) -> Result<Written, Failure> {
    let session = live.session(certainty).await?;
    let expected = last.map_or(StreamState::NoStream, |Version(version)| StreamState::StreamRevision(version));
    match session.append_to_stream(&writing.name, expected, writing.events.clone()).await {
        Ok(written) => Ok(Written {
            client: live.number,
            version: written.current_revision().map(Version),
            position: written.current_position().map(|position| Position(position.commit)),
        }),
        Err(error) => {
            live.leave(certainty, &session).await;
            Err(error.into())
        }
    }
}

/// The answer to a plain success.
fn note(writing: &Writing<'_>, known: &mut Known, found: Option<Version>, position: Position) -> Result<Appended, Failure> {
    known.appended(&writing.ids, position);
    let version = known.last().unwrap_or(Version(0));
    if found != Some(version) {
        let text = format!("the stream went on at {:?} instead of {}: somebody has deleted it before", found, version.0);
        *known = Known::default();
        return Err(Failure::Unreadable(position, text.into()));
    }
    Ok(Appended { version, position, repeated: false })
}

/// Counts what became of an append, under the names that every log has for it.
pub(super) fn count(appended: &Result<Appended, StoreError>, events: usize) {
    let outcome = match appended {
        Ok(Appended { repeated: false, .. }) => {
            metrics::counter!("cairn_log_events_total").increment(events as u64);
            "appended"
        }
        Ok(_) => "repeated",
        Err(StoreError::Conflict { .. }) => "conflict",
        Err(StoreError::BadSize | StoreError::Corrupt { .. }) => "refused",
        Err(StoreError::Unavailable(_) | StoreError::Full(_)) => "failed",
    };
    metrics::counter!("cairn_log_appends_total", "outcome" => outcome).increment(1);
}
