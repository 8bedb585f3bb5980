//! What an event looks like on the bus. This is an interface to programs of others: it only ever grows.

use async_nats::HeaderMap;
use async_nats::jetstream::message::OutboundMessage;
use bytes::Bytes;
use cairn_domain::disclosed::disclosed_data;
use cairn_domain::{EventId, Position, StoredEvent, Timestamp};
use serde_json::{Value, json};

/// The event's place in the log.
const POSITION: &str = "Cairn-Position";
/// Which schema the event's data follows.
const SCHEMA: &str = "Cairn-Schema";
/// What was left out because the server takes no message so large.
const OMITTED: &str = "Cairn-Omitted";

/// The subjects of all events of a stream.
pub(super) fn subjects(stream: &str) -> String {
    format!("{stream}.events.>")
}

/// Where an event goes: `<stream>.events.<category>.<Type>`.
fn subject(stream: &str, event: &StoredEvent) -> String {
    format!("{stream}.events.{}.{}", token(event.stream.category()), token(&event.name))
}

/// A part of a subject holds no dots, stars or spaces. Ours never do; an event of an unknown program might.
fn token(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    text.chars().map(safe).collect()
}

/// The event as a message that is taken only right behind the message with the sequence number `behind`.
pub(super) fn message(stream: &str, event: &StoredEvent, behind: u64, bytes_max: usize) -> OutboundMessage {
    let (omitted, payload) = payload(event, bytes_max);
    let mut headers = HeaderMap::new();
    headers.insert(async_nats::header::NATS_MESSAGE_ID, event.id.to_string());
    headers.insert(async_nats::header::NATS_EXPECTED_STREAM, stream);
    headers.insert(async_nats::header::NATS_EXPECTED_LAST_SEQUENCE, behind.to_string());
    headers.insert(POSITION, event.position.to_string());
    headers.insert(SCHEMA, event.schema.to_string());
    if let Some(omitted) = omitted {
        headers.insert(OMITTED, omitted);
    }
    OutboundMessage { subject: subject(stream, event).into(), payload, headers: Some(headers) }
}

/// What the headers may take, with a margin: the server's limit counts them, too.
const HEADERS_BYTES_MAX: usize = 1_024;

/// As much of the event as fits; what is missing is on the log. Without data and metadata it always fits.
fn payload(event: &StoredEvent, bytes_max: usize) -> (Option<&'static str>, Bytes) {
    let room = bytes_max.saturating_sub(HEADERS_BYTES_MAX);
    let mut document = document(event);
    for (omitted, field) in [(None, "data"), (Some("data"), "metadata")] {
        let text = document.to_string();
        if text.len() <= room {
            return (omitted, text.into());
        }
        document[field] = Value::Null;
    }
    (Some("data, metadata"), document.to_string().into())
}

/// The same as `cairn events list --json` shows, without secrets.
fn document(event: &StoredEvent) -> Value {
    json!({
        "position": event.position, "id": event.id, "stream": event.stream, "version": event.version, "type": event.name,
        "schema": event.schema, "time": rfc3339(event.time), "metadata": event.metadata, "data": disclosed_data(event),
    })
}

fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.0).map_or_else(|_| time.0.to_string(), |time| format!("{time:.6}"))
}

/// Which event a message is; none if it is none of ours.
pub(super) fn identity(headers: &HeaderMap) -> Option<(Position, EventId)> {
    let position = headers.get(POSITION)?.as_str().parse().ok()?;
    let id = headers.get(async_nats::header::NATS_MESSAGE_ID)?.as_str().parse().ok()?;
    Some((Position(position), EventId(id)))
}

#[cfg(test)]
mod tests {
    use cairn_domain::{Metadata, StreamName, Version};

    use super::*;

    fn event(data: &Value) -> StoredEvent {
        StoredEvent {
            id: EventId(uuid::Uuid::from_u128(7)),
            stream: StreamName::try_from("account-1.*> 2".to_owned()).expect("a stream"),
            version: Version(3),
            position: Position(42),
            time: Timestamp(1_700_000_000_123_456),
            name: "PasswordChanged".to_owned(),
            schema: 1,
            metadata: Metadata::default(),
            data: data.to_string(),
        }
    }

    #[test]
    fn a_message_says_what_it_is_and_keeps_secrets() {
        let event = event(&json!({ "password_hash": "$argon2id$secret" }));
        let message = message("cairn", &event, 9, 1 << 20);
        assert_eq!(message.subject.as_str(), "cairn.events.account.PasswordChanged");
        let headers = message.headers.expect("headers");
        assert_eq!(identity(&headers), Some((Position(42), event.id)));
        assert_eq!(headers.get("Nats-Expected-Last-Sequence").expect("a header").as_str(), "9");
        let body: Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(body["data"], json!({ "password_hash": "(redacted)" }));
        assert_eq!(body["time"], "2023-11-14T22:13:20.123456Z");
        assert_eq!((&body["position"], &body["version"], &body["schema"]), (&json!(42), &json!(3), &json!(1)));
    }

    #[test]
    fn what_is_too_large_is_left_out_and_named() {
        let event = event(&json!({ "text": "x".repeat(5_000) }));
        let message = message("cairn", &event, 9, 4_096);
        assert_eq!(message.headers.expect("headers").get(OMITTED).expect("a header").as_str(), "data");
        let body: Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!((&body["data"], &body["position"]), (&Value::Null, &json!(42)));
    }

    #[test]
    fn no_name_breaks_a_subject() {
        assert_eq!(token("a.b*c> d\n"), "a_b_c__d_");
    }
}
