//! An append on its way to the writer.

use std::borrow::Cow;

use cairn_commands::ports::event_store::{Append, Appended, StoreError, check_size};
use cairn_commands::ports::intake::expected_before;
use cairn_domain::{EventId, Expected, NewEvent, StoredEvent, StreamName, Timestamp, codec};
use tokio::sync::oneshot;

use super::queue::Queue;

/// Appends of which each is only made if those before it are.
#[derive(Debug)]
pub(crate) struct AppendJob {
    pub(crate) appends: Vec<EncodedAppend>,
    pub(super) answer: oneshot::Sender<Result<Vec<Appended>, StoreError>>,
}

impl AppendJob {
    /// Nobody waits for its answer any more.
    #[cfg(feature = "mysql")]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }
}

#[derive(Debug)]
pub(crate) struct EncodedAppend {
    pub(crate) stream: StreamName,
    pub(crate) expected: Expected,
    pub(crate) events: Vec<Encoded>,
}

/// An event as it is stored, but for its place.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) id: EventId,
    pub(crate) time: Timestamp,
    pub(crate) name: Cow<'static, str>,
    pub(crate) schema: u16,
    pub(crate) metadata: String,
    pub(crate) data: String,
}

/// Queues appends and waits for what becomes of them. Events are encoded here, by whoever appends them: the writer has better things to do.
pub(crate) async fn append<J: From<AppendJob>>(queue: &Queue<J>, appends: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
    if appends.is_empty() {
        return Ok(Vec::new());
    }
    let appends: Vec<_> = appends.into_iter().map(EncodedAppend::new).collect::<Result<_, _>>()?;
    wait_for(queue, appends).await
}

/// Queues events as they are, each an append of its own: those that are there already are passed over.
pub(crate) async fn take_in<J: From<AppendJob>>(queue: &Queue<J>, events: Vec<StoredEvent>) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let appends: Vec<_> = events.into_iter().map(EncodedAppend::of_stored).collect::<Result<_, _>>()?;
    wait_for(queue, appends).await.map(drop)
}

async fn wait_for<J: From<AppendJob>>(queue: &Queue<J>, appends: Vec<EncodedAppend>) -> Result<Vec<Appended>, StoreError> {
    let bytes = appends.iter().flat_map(|append| &append.events).map(Encoded::size).sum();
    let job = |answer| AppendJob { appends, answer }.into();
    queue.ask(bytes, job).await.map_err(|error| StoreError::Unavailable(error.into()))?
}

impl EncodedAppend {
    fn new(append: Append) -> Result<Self, StoreError> {
        let events = append.events.iter().map(encode).collect::<Result<Vec<_>, _>>();
        let events = events.map_err(|error| StoreError::Unavailable(error.into()))?;
        check_size(events.iter().map(Encoded::size))?;
        Ok(Self { stream: append.stream, expected: append.expected, events })
    }
}

impl EncodedAppend {
    /// An event as it stood in another log.
    pub(crate) fn of_stored(event: StoredEvent) -> Result<Self, StoreError> {
        let expected = expected_before(event.version);
        let metadata = serde_json::to_string(&event.metadata).map_err(|error| StoreError::Unavailable(error.into()))?;
        let encoded =
            Encoded { id: event.id, time: event.time, name: event.name.into(), schema: event.schema, metadata, data: event.data };
        check_size(std::iter::once(encoded.size()))?;
        Ok(Self { stream: event.stream, expected, events: vec![encoded] })
    }
}

impl Encoded {
    fn size(&self) -> usize {
        self.name.len() + self.metadata.len() + self.data.len()
    }
}

fn encode(new: &NewEvent) -> serde_json::Result<Encoded> {
    Ok(Encoded {
        id: new.id,
        time: new.time,
        name: new.event.name().into(),
        schema: new.event.schema(),
        metadata: serde_json::to_string(&new.metadata)?,
        data: codec::encode(&new.event),
    })
}
