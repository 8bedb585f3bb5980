use cairn_commands::chosen::{Stretch, Wanted};
use cairn_commands::ports::event_store::{EventStore, StoreError};
use cairn_domain::disclosed::disclosed_data;
use cairn_domain::{AccountId, Metadata, Position, StoredEvent};
use poem_openapi::payload::Json;
use poem_openapi::types::{Any, Example};
use poem_openapi::{ApiResponse, Object};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::resources::common::{Fields, after_cursor};
use crate::resources::time::Time;

mod wanted;

pub(super) use self::wanted::Filters;
use self::wanted::chooses;

/// Events on a page when the client says nothing.
const LIMIT_DEFAULT: u64 = 100;
/// Events that are looked at for one page, most of which may be of another category.
const LOOKED_AT_MAX: usize = 20_000;
/// Events that are looked at together.
const BATCH: usize = 1_000;
/// Bytes of data on a page, after which it is full.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventsQuery {
    after: Position,
    wanted: Wanted,
    stretch: Stretch,
    limit: usize,
}

/// One page of the log.
#[derive(Object)]
#[oai(example)]
pub struct EventList {
    /// The events, the oldest first.
    pub items: Vec<EventRecord>,
    /// Where the list goes on; null at the end of the log.
    pub next_cursor: Option<String>,
}

/// One event as the log holds it.
#[derive(Object)]
pub struct EventRecord {
    /// Its number in the whole log, from 1.
    pub position: u64,
    /// Unique in the log.
    pub id: Uuid,
    /// Where it stands: `<category>-<id>`.
    pub stream: String,
    /// Its number in the stream, from 0.
    pub version: u64,
    /// What happened.
    #[oai(rename = "type")]
    pub name: String,
    /// Which schema its data follows, from 1.
    pub schema: u16,
    /// When it was decided.
    pub time: Time,
    /// Who asked (`actor`), from where (`client`), through which request (`correlation`), because of which event (`causation`).
    pub metadata: Any<Metadata>,
    /// The event itself.
    pub data: Value,
}

/// What a look into the log is answered with.
#[derive(ApiResponse)]
pub enum EventsAnswer {
    /// A page of it.
    #[oai(status = 200)]
    Found(Json<EventList>),
}

impl EventsQuery {
    /// Tells of all parameters at once that are not acceptable. The limit was checked, and who is meant by `actor` was looked up before.
    pub(super) fn read(
        after: Option<u64>,
        filters: Filters,
        actor: Option<Option<AccountId>>,
        limit: Option<u64>,
        cursor: Option<&str>,
    ) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let chosen = filters.read(actor, &mut fields);
        let after = match after_cursor(cursor, read_cursor) {
            Ok(cursor) => Some(cursor.or(after).unwrap_or_default()),
            Err(problem) => fields.refuse_all(&problem),
        };
        let limit = usize::try_from(limit.unwrap_or(LIMIT_DEFAULT).max(1)).unwrap_or(usize::MAX);
        let query = after.zip(chosen).map(|(after, (wanted, stretch))| {
            let after = Position(after).max(stretch.begins_after());
            Self { after, wanted, stretch, limit }
        });
        fields.finish(query)
    }

    /// Looks at a bounded piece of the log, and says where to go on.
    pub(super) async fn page(&self, log: &dyn EventStore) -> Result<EventList, StoreError> {
        let (mut items, mut bytes, mut looked_at, mut after) = (Vec::new(), 0, 0, self.after);
        while looked_at < LOOKED_AT_MAX && !self.stretch.is_over(after) {
            let batch_max = if chooses(&self.wanted, self.stretch) { BATCH } else { self.limit - items.len() };
            let batch = self.wanted.next(log, after, batch_max).await?;
            // To look past those of other types is work, too.
            looked_at += batch.events.len().max(BATCH);
            for event in batch.events {
                after = event.position;
                if !self.stretch.has(&event) || !self.wanted.has(&event) {
                    continue;
                }
                bytes += event.data.len();
                items.push(EventRecord::from(event));
                if items.len() >= self.limit || bytes >= PAGE_BYTES_MAX {
                    let more = !self.stretch.is_over(after) && !log.read_all(after, 1).await?.is_empty();
                    return Ok(EventList { items, next_cursor: more.then(|| cursor(after)) });
                }
            }
            after = batch.reached;
            if batch.last {
                return Ok(EventList { items, next_cursor: None });
            }
        }
        let more = !self.stretch.is_over(after);
        Ok(EventList { items, next_cursor: more.then(|| cursor(after)) })
    }
}

fn cursor(after: Position) -> String {
    format!("after-{after}")
}

fn read_cursor(text: &str) -> Option<u64> {
    let position = text.strip_prefix("after-")?.parse().ok()?;
    (cursor(Position(position)) == text).then_some(position)
}

impl From<StoredEvent> for EventRecord {
    fn from(event: StoredEvent) -> Self {
        let data = disclosed_data(&event);
        Self {
            position: event.position.0,
            id: event.id.0,
            stream: event.stream.into(),
            version: event.version.0,
            name: event.name,
            schema: event.schema,
            time: event.time.into(),
            metadata: Any(event.metadata),
            data,
        }
    }
}

impl Example for EventList {
    fn example() -> Self {
        let id = Uuid::from_u128(0x0b5e_7c1d_2f46_5a80_8e31_5d8f_9c02_47ab);
        let account = cairn_domain::AccountId(Uuid::from_u128(0x6f1d_4c0e_58a2_5b7e_9d37_2a1c_0be4_f5a6));
        let metadata = Metadata {
            causation: None,
            correlation: Some("0d5bbd0f-9a3c-5a51-8a39-9f8c5c1f2f10".to_owned()),
            actor: Some(account),
            client: Some("192.0.2.7".to_owned()),
        };
        let event = EventRecord {
            position: 1,
            id,
            stream: "username-alice".to_owned(),
            version: 0,
            name: "UsernameClaimed".to_owned(),
            schema: 1,
            time: cairn_domain::Timestamp(1_769_860_800_000_000).into(),
            metadata: Any(metadata),
            data: json!({ "account": account, "username": "alice", "password_hash": "(redacted)" }),
        };
        Self { items: vec![event], next_cursor: Some(cursor(Position(1))) }
    }
}

#[cfg(test)]
mod tests;
