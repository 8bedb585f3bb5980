//! An event as the server keeps it.
//!
//! - The stream's name has [`PREFIX`] before it: what begins like that is ours, and everything else on the server is not.
//! - The type is the event's name; the data is its JSON, byte for byte.
//! - The metadata has what else belongs to the event, and its id. The id by which the server knows the event is another one, which stands
//!   for the writing of it: a success then always means that this very call has written it, however many others try the same at once.

use std::borrow::Cow;

use cairn_commands::ports::BoxError;
use cairn_commands::ports::event_store::StoreError;
use cairn_domain::{EventId, Metadata, NewEvent, Position, StoredEvent, StreamName, Timestamp, Version, codec};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::trouble::Failure;

/// What all streams of ours begin with on the server.
pub(super) const PREFIX: &str = "cairn.";

/// The server's own type for the last event of a stream that was deleted for good.
const TOMBSTONE: &str = "$streamDeleted";

/// What stands beside an event on the server. `cairn` marks it as ours; its keys are the storage format. `$correlationId` is where the
/// server's own tools look for what belongs together.
#[derive(Debug, Serialize, Deserialize)]
struct Beside {
    cairn: Ours,
    #[serde(rename = "$correlationId", default, skip_serializing_if = "Option::is_none")]
    correlation: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ours {
    id: EventId,
    /// In microseconds; the server's own `created` is given to us in seconds.
    time: Timestamp,
    schema: u16,
    metadata: Metadata,
}

/// An event on its way to the server.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) id: EventId,
    name: Cow<'static, str>,
    metadata: Vec<u8>,
    data: Box<RawValue>,
}

/// The name of a stream on the server.
pub(super) fn name_of(stream: &StreamName) -> String {
    format!("{PREFIX}{stream}")
}

impl Encoded {
    pub(super) fn new(new: &NewEvent) -> Result<Self, StoreError> {
        let ours = Ours { id: new.id, time: new.time, schema: new.event.schema(), metadata: new.metadata.clone() };
        Self::of(ours, new.event.name().into(), codec::encode(&new.event))
    }

    /// As another log had it.
    pub(super) fn of_stored(event: StoredEvent) -> Result<Self, StoreError> {
        let ours = Ours { id: event.id, time: event.time, schema: event.schema, metadata: event.metadata };
        Self::of(ours, event.name.into(), event.data)
    }

    fn of(mut ours: Ours, name: Cow<'static, str>, data: String) -> Result<Self, StoreError> {
        let unwritable = |error: serde_json::Error| StoreError::Unavailable(error.into());
        let correlation = ours.metadata.correlation.take();
        let id = ours.id;
        let metadata = serde_json::to_vec(&Beside { cairn: ours, correlation }).map_err(unwritable)?;
        Ok(Self { id, name, metadata, data: RawValue::from_string(data).map_err(unwritable)? })
    }

    /// As the server counts it towards the limit of an append: it keeps the type as UTF-16. What is added here to the name, the metadata
    /// and the data is less than the `EVENT_BYTES_AROUND` with which the port counts.
    pub(super) fn size(&self) -> usize {
        2 * self.name.len() + self.metadata.len() + self.data.get().len()
    }

    /// For a writing of which this is the n-th event.
    pub(super) fn to_data(&self, writing: Uuid, n: usize) -> Result<EventData, StoreError> {
        let id = Uuid::new_v5(&writing, &n.to_be_bytes());
        let data = EventData::json(&*self.name, &self.data).map_err(|error| StoreError::Unavailable(error.into()))?;
        Ok(data.id(id).metadata(self.metadata.clone().into()))
    }
}

/// An event of a stream of ours.
pub(super) fn decode(record: RecordedEvent) -> Result<StoredEvent, Failure> {
    let position = Position(record.position.commit);
    read(record).map_err(|source| Failure::Unreadable(position, source))
}

fn read(record: RecordedEvent) -> Result<StoredEvent, BoxError> {
    let full_name = record.stream_id();
    if record.event_type == TOMBSTONE {
        return Err(format!("somebody has deleted the stream {full_name} on the server").into());
    }
    let name = full_name.strip_prefix(PREFIX).ok_or_else(|| format!("the stream {full_name} is not ours"))?;
    let stream = StreamName::try_from(name.to_owned())?;
    let beside = serde_json::from_slice::<Beside>(&record.custom_metadata);
    let Beside { cairn, correlation } =
        beside.map_err(|error| format!("event {} of the stream {full_name} was not written by us: {error}", record.revision))?;
    Ok(StoredEvent {
        id: cairn.id,
        stream,
        version: Version(record.revision),
        position: Position(record.position.commit),
        time: cairn.time,
        name: record.event_type,
        schema: cairn.schema,
        metadata: Metadata { correlation, ..cairn.metadata },
        data: String::from_utf8(record.data.into())?,
    })
}
