//! Between events and what the log stores: JSON by name and schema.
//!
//! The current schema is read straight into its type. An older one is first lifted, one schema at a time, by
//! the upcasters: pure functions over JSON, so that no type of the past has to be kept.

mod upcasters;

use serde_json::Value;

use crate::Event;
use crate::event::{CATALOGUE, StoredEvent};

pub use self::upcasters::UPCASTERS;

/// Lifts the data of one event type from schema `from` to `from + 1`.
pub struct Upcaster {
    /// The event's name.
    pub name: &'static str,
    /// The schema that it takes; it gives the next.
    pub from: u16,
    /// What it does.
    pub lift: fn(Value) -> Value,
}

/// Why a stored event can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A newer program wrote it, or somebody else did.
    #[error("there is no event named {0}")]
    UnknownName(String),
    /// A newer program wrote it.
    #[error("{name} has schema {schema}, newer than the {newest} known here")]
    NewerSchema {
        /// The event's name.
        name: String,
        /// As stored.
        schema: u16,
        /// As known.
        newest: u16,
    },
    /// Its upcaster is missing.
    #[error("nothing lifts {name} from schema {schema}")]
    NoUpcaster {
        /// The event's name.
        name: String,
        /// The schema that nothing lifts.
        schema: u16,
    },
    /// The data does not fit the schema.
    #[error("the data of {name} does not fit its schema")]
    Malformed {
        /// The event's name.
        name: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
}

/// The event's data as JSON, to be stored beside its name and schema.
///
/// # Panics
/// Never: events hold strings, numbers, lists and options only.
#[expect(clippy::expect_used, reason = "events hold strings, numbers, lists and options only, and those always have a JSON form")]
pub fn encode(event: &Event) -> String {
    event.write_data().expect("an event has a JSON form")
}

/// Reads a stored event.
pub fn decode(stored: &StoredEvent) -> Result<Event, Unreadable> {
    decode_data(&stored.name, stored.schema, &stored.data)
}

/// Reads an event from its name, schema and data.
pub fn decode_data(name: &str, schema: u16, data: &str) -> Result<Event, Unreadable> {
    decode_with(UPCASTERS, name, schema, data)
}

fn decode_with(upcasters: &[Upcaster], name: &str, schema: u16, data: &str) -> Result<Event, Unreadable> {
    let malformed = |source| Unreadable::Malformed { name: name.to_owned(), source };
    let unknown = || Unreadable::UnknownName(name.to_owned());
    let newest = CATALOGUE.iter().find(|entry| entry.1 == name).ok_or_else(unknown)?.2;
    if schema > newest {
        return Err(Unreadable::NewerSchema { name: name.to_owned(), schema, newest });
    }
    let lifted;
    let data = if schema == newest {
        data
    } else {
        let old = serde_json::from_str(data).map_err(malformed)?;
        lifted = lift(upcasters, name, schema..newest, old)?.to_string();
        &lifted
    };
    Event::read_data(name, data).ok_or_else(unknown)?.map_err(malformed)
}

fn lift(upcasters: &[Upcaster], name: &str, schemas: std::ops::Range<u16>, data: Value) -> Result<Value, Unreadable> {
    schemas.into_iter().try_fold(data, |data, schema| {
        let step = upcasters.iter().find(|step| step.name == name && step.from == schema);
        let step = step.ok_or_else(|| Unreadable::NoUpcaster { name: name.to_owned(), schema })?;
        Ok((step.lift)(data))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{FileEvent, FileRenamed};

    fn renamed() -> Event {
        FileEvent::FileRenamed(FileRenamed { name: "b.txt".parse().expect("a name") }).into()
    }

    #[test]
    fn an_event_goes_there_and_back() {
        let data = encode(&renamed());
        assert_eq!(decode_data("FileRenamed", 1, &data).expect("readable"), renamed());
    }

    #[test]
    fn what_is_newer_unknown_or_malformed_is_said_so() {
        assert!(matches!(decode_data("FileRenamed", 2, "{}"), Err(Unreadable::NewerSchema { newest: 1, .. })));
        assert!(matches!(decode_data("FileSung", 1, "{}"), Err(Unreadable::UnknownName(_))));
        assert!(matches!(decode_data("FileRenamed", 1, "{"), Err(Unreadable::Malformed { .. })));
        assert!(matches!(decode_data("FileRenamed", 0, "{}"), Err(Unreadable::NoUpcaster { schema: 0, .. })));
    }

    #[test]
    fn an_older_schema_is_lifted_step_by_step() {
        let lift = |mut data: Value| {
            data["name"] = data["title"].take();
            data
        };
        let steps = [Upcaster { name: "FileRenamed", from: 0, lift }];
        let event = decode_with(&steps, "FileRenamed", 0, r#"{"title":"b.txt"}"#);
        assert_eq!(event.expect("lifted"), renamed());
    }
}
