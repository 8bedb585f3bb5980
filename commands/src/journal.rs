//! The log as the use cases write it. Load, fold, decide, append: the one way in which anything changes.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_domain::codec;
use cairn_domain::{Decider, Event, EventId, Expected, NewEvent, Position, StoredEvent, StreamName, Timestamp, Version};
use moka::sync::Cache;
use uuid::Uuid;

use crate::ports::clock::Clock;
use crate::ports::event_store::{Append, Appended, EventStore, StoreError};
use crate::ports::ids::Ids;
use crate::turns::Turns;
use crate::{Request, Trouble};

/// The log, and what was folded from it a moment ago.
pub struct Journal {
    log: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    states: States,
    /// Streams of which commands have met: the next ones come one after the other.
    turns: Turns,
}

/// An aggregate as its stream has it, and where it was read.
#[derive(Debug, Clone, Default)]
pub struct Loaded<D> {
    /// The folded state.
    pub state: D,
    /// The last event's version in the stream; none when there is no stream.
    pub version: Option<Version>,
    /// The last event's position in the log.
    pub position: Position,
    /// When the first event was decided.
    pub first_at: Timestamp,
    /// When the last event was decided.
    pub last_at: Timestamp,
    /// The `X-Request-Id` that the first event names: what follows from it names the same.
    pub correlation: Option<String>,
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Executed<D> {
    /// The state afterwards.
    pub loaded: Loaded<D>,
    /// The command's first event on the log; none when it had nothing to append.
    pub event: Option<EventId>,
}

/// How often a command is decided again after a conflict. Commands of this process meet once at most, so that is about other processes.
const DECISIONS_MAX: u32 = 10;
/// Events that one read of a stream asks for.
const PAGE: usize = 1_000;

/// Whether a command's stream may hold something already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It may: read it first.
    Load,
    /// Its id was just made, so very likely not: try without reading. A conflict or a repeat corrects the guess.
    Fresh,
}

impl Journal {
    /// A journal in this log.
    pub fn new(log: Arc<dyn EventStore>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { log, clock, ids, states: States::default(), turns: Turns::default() }
    }

    /// Decides on the stream's state and appends what was decided, again and again while others are faster.
    ///
    /// Returns the state afterwards. A repeated command returns the state as it is now, with nothing added.
    pub async fn execute<D: Decider, R: From<Trouble>>(
        &self,
        stream: &StreamName,
        start: Start,
        request: &Request,
        decide: impl Fn(&Loaded<D>) -> Result<Vec<D::Event>, R>,
    ) -> Result<Loaded<D>, R> {
        Ok(self.execute_and_tell(stream, start, request, decide).await?.loaded)
    }

    /// The same, and tells whether anything of it stands on the log: nothing was appended when somebody else had done it before.
    pub async fn execute_and_tell<D: Decider, R: From<Trouble>>(
        &self,
        stream: &StreamName,
        start: Start,
        request: &Request,
        decide: impl Fn(&Loaded<D>) -> Result<Vec<D::Event>, R>,
    ) -> Result<Executed<D>, R> {
        let key = || Uuid::new_v5(&Uuid::NAMESPACE_URL, stream.as_str().as_bytes());
        let mut turn = if self.turns.are_taken() { self.turns.behind(key()).await } else { None };
        let mut loaded = match start {
            Start::Load => self.load(stream).await?,
            Start::Fresh => Loaded::default(),
        };
        for attempt in 1.. {
            if self.was_done(stream, &loaded, request).await? {
                return Ok(Executed { loaded, event: None });
            }
            let events = decide(&loaded)?;
            if events.is_empty() {
                return Ok(Executed { loaded, event: None });
            }
            match self.append(stream, &loaded, request, &events).await {
                Ok((appended, now)) => {
                    let loaded = self.after(stream, request, loaded, &events, appended, now).await?;
                    return Ok(Executed { loaded, event: Some(request.command.event(stream.as_str(), 0)) });
                }
                Err(StoreError::Conflict { .. }) if turn.is_none() => turn = Some(self.turns.turn(key()).await),
                Err(StoreError::Conflict { .. }) if attempt < DECISIONS_MAX => self.pause(attempt).await,
                Err(error) => return Err(Trouble::from(error).into()),
            }
            loaded = self.load(stream).await?;
        }
        Err(Trouble::Busy.into())
    }

    /// Appends what was decided for two streams that very likely are not there yet, in this order. None when one of them is: then
    /// each has to be [executed](Self::execute) for itself, with the same requests, whatever of it stands already.
    pub async fn append_fresh<A: Decider, B: Decider>(
        &self,
        first: Fresh<'_, A>,
        second: Fresh<'_, B>,
    ) -> Result<Option<(Loaded<A>, Loaded<B>)>, Trouble> {
        let now = self.clock.now();
        let appends = vec![first.append(now), second.append(now)];
        let appended = match self.log.append_in_order(appends).await {
            Ok(appended) => appended,
            Err(StoreError::Conflict { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let [one, two] = appended[..] else { return Ok(None) };
        let new = |appended: Appended| (!appended.repeated).then_some(now);
        let one = self.after(first.stream, first.request, Loaded::default(), &first.events, one, new(one)).await?;
        let two = self.after(second.stream, second.request, Loaded::default(), &second.events, two, new(two)).await?;
        Ok(Some((one, two)))
    }

    /// The same as [`load`](Self::load), or what that found a moment ago: what this process has changed meanwhile is in it, what another has perhaps
    /// not. For what may be a quarter of a second old.
    pub async fn load_recent<D: Decider>(&self, stream: &StreamName) -> Result<Loaded<D>, Trouble> {
        match self.states.take_recent(stream) {
            Some(recent) => Ok(recent),
            None => self.load(stream).await,
        }
    }

    /// Reads and folds a stream, from where it was last left.
    pub async fn load<D: Decider>(&self, stream: &StreamName) -> Result<Loaded<D>, Trouble> {
        let mut loaded: Loaded<D> = self.states.take(stream).unwrap_or_default();
        loop {
            let from = loaded.version.map_or(Version(0), Version::next);
            let page = self.log.read_stream(stream, from, PAGE).await?;
            for stored in &page {
                loaded = loaded.fold(stored)?;
            }
            if page.len() < PAGE {
                break;
            }
        }
        if loaded.version.is_some() {
            self.states.put(stream, &loaded);
        }
        Ok(loaded)
    }

    /// A keyed command may come again after its effect: it must not be judged against its own result.
    async fn was_done<D>(&self, stream: &StreamName, loaded: &Loaded<D>, request: &Request) -> Result<bool, Trouble> {
        if !request.keyed || loaded.version.is_none() {
            return Ok(false);
        }
        let first = request.command.event(stream.as_str(), 0);
        let mut from = Version(0);
        loop {
            let page = self.log.read_stream(stream, from, PAGE).await?;
            if page.iter().any(|event| event.id == first) {
                return Ok(true);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => from = last.version.next(),
                _ => return Ok(false),
            }
        }
    }

    async fn append<D: Decider>(
        &self,
        stream: &StreamName,
        loaded: &Loaded<D>,
        request: &Request,
        events: &[D::Event],
    ) -> Result<(Appended, Option<Timestamp>), StoreError> {
        let now = self.clock.now();
        let appended =
            self.log.append(stream, expected::<D>(loaded.version, events), new_events::<D>(stream, request, events, now)).await?;
        // The same command may have been here before, perhaps through another process: then its events are others than these.
        Ok((appended, (!appended.repeated).then_some(now)))
    }

    /// The state after an append: folded on where nobody stepped between, read again otherwise.
    async fn after<D: Decider>(
        &self,
        stream: &StreamName,
        request: &Request,
        loaded: Loaded<D>,
        events: &[D::Event],
        appended: Appended,
        now: Option<Timestamp>,
    ) -> Result<Loaded<D>, Trouble> {
        let next = loaded.version.map_or(0, |version| version.0 + 1);
        let follows = appended.version.0 + 1 == next + events.len() as u64;
        let Some(now) = now.filter(|_| follows) else {
            self.states.forget(stream);
            return self.load(stream).await;
        };
        let (first_at, correlation) = match loaded.version {
            Some(_) => (loaded.first_at, loaded.correlation),
            None => (now, request.correlation.clone()),
        };
        let state = events.iter().fold(loaded.state, D::evolve);
        let (version, position) = (Some(appended.version), appended.position);
        let loaded = Loaded { state, version, position, first_at, last_at: now, correlation };
        self.states.put(stream, &loaded);
        Ok(loaded)
    }

    /// A few milliseconds, more with each attempt and never the same for two.
    async fn pause(&self, attempt: u32) {
        let jitter = u64::from(self.ids.random()[31]);
        tokio::time::sleep(Duration::from_micros(u64::from(attempt) * (500 + jitter * 20))).await;
    }
}

/// What was decided for a stream on the assumption that it is not there yet.
#[derive(Debug)]
pub struct Fresh<'a, D: Decider> {
    /// Which stream.
    pub stream: &'a StreamName,
    /// The command.
    pub request: &'a Request,
    /// At least one.
    pub events: Vec<D::Event>,
}

impl<D: Decider> Fresh<'_, D> {
    fn append(&self, now: Timestamp) -> Append {
        let (expected, events) = (expected::<D>(None, &self.events), new_events::<D>(self.stream, self.request, &self.events, now));
        Append { stream: self.stream.clone(), expected, events }
    }
}

fn expected<D: Decider>(version: Option<Version>, events: &[D::Event]) -> Expected {
    match version {
        _ if events.iter().all(D::commutes) => Expected::Any,
        None => Expected::NoStream,
        Some(version) => Expected::Exact(version),
    }
}

fn new_events<D: Decider>(stream: &StreamName, request: &Request, events: &[D::Event], now: Timestamp) -> Vec<NewEvent> {
    let new = |(n, event): (usize, &D::Event)| NewEvent {
        id: request.command.event(stream.as_str(), n),
        time: now,
        metadata: request.metadata(),
        event: event.clone().into(),
    };
    events.iter().enumerate().map(new).collect()
}

impl<D> Loaded<D> {
    /// How often the aggregate has changed, from 1: what its readers call its version.
    pub fn revision(&self) -> u64 {
        self.version.map_or(0, |version| version.0 + 1)
    }
}

impl<D: Decider> Loaded<D> {
    fn fold(self, stored: &StoredEvent) -> Result<Self, Trouble> {
        let event: Event = codec::decode(stored)?;
        let astray = |_| Trouble::Broken(format!("a {} stands on {}", stored.name, stored.stream).into());
        let event = D::Event::try_from(event).map_err(astray)?;
        Ok(Self {
            state: self.state.evolve(&event),
            version: Some(stored.version),
            position: stored.position,
            first_at: self.version.map_or(stored.time, |_| self.first_at),
            last_at: stored.time,
            correlation: if self.version.is_some() { self.correlation } else { stored.metadata.correlation.clone() },
        })
    }
}

/// Folded states of the streams that were touched last, so that a hot stream is read from where it was left.
struct States(Cache<StreamName, Folded>);

#[derive(Clone)]
struct Folded {
    state: Arc<dyn Any + Send + Sync>,
    version: Option<Version>,
    /// When the log was last looked at for it.
    at: Instant,
}

/// So old may a state be that is [recent](Journal::load_recent): no older than what is known of a session.
const RECENT: Duration = Duration::from_millis(250);

/// Bytes of memory that the cached states may take, by estimate.
const STATES_BYTES_MAX: u64 = 16 * 1024 * 1024;

impl Default for States {
    fn default() -> Self {
        // A state grows with its history: sessions of an account, parts of an upload.
        let weigh = |name: &StreamName, folded: &Folded| {
            let events = folded.version.map_or(0, |version| version.0 + 1);
            u32::try_from(events * 128 + 512).unwrap_or(u32::MAX).saturating_add(name.as_str().len() as u32)
        };
        Self(Cache::builder().max_capacity(STATES_BYTES_MAX).weigher(weigh).build())
    }
}

impl States {
    fn take<D: Decider>(&self, stream: &StreamName) -> Option<Loaded<D>> {
        let folded = self.0.get(stream)?;
        folded.state.downcast_ref::<Loaded<D>>().cloned()
    }

    fn take_recent<D: Decider>(&self, stream: &StreamName) -> Option<Loaded<D>> {
        let folded = self.0.get(stream).filter(|folded| folded.at.elapsed() < RECENT)?;
        folded.state.downcast_ref::<Loaded<D>>().cloned()
    }

    fn put<D: Decider>(&self, stream: &StreamName, loaded: &Loaded<D>) {
        let folded = Folded { state: Arc::new(loaded.clone()), version: loaded.version, at: Instant::now() };
        // Two commands may finish in either order: the later state stays.
        self.0.entry_by_ref(stream).and_upsert_with(|before| match before {
            Some(before) if before.value().version > folded.version => before.into_value(),
            _ => folded,
        });
    }

    fn forget(&self, stream: &StreamName) {
        self.0.invalidate(stream);
    }
}
