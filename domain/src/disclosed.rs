//! Events as they may be shown to others than the drive itself: without what could help to become somebody else.

use serde_json::Value;

use crate::StoredEvent;

/// Fields that hold such a thing, in whatever event and however deep.
const SECRETS: [&str; 2] = ["password_hash", "token_sha256"];

/// What stands in the place of a secret.
const REDACTED: &str = "(redacted)";

/// The event's data without its secrets. What is no JSON can't be told to hold none, so nothing of it is shown.
pub fn disclosed_data(event: &StoredEvent) -> Value {
    serde_json::from_str(&event.data).map_or_else(|_| Value::from(REDACTED), without_secrets)
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(disclosed_field).collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(without_secrets).collect()),
        other => other,
    }
}

fn disclosed_field((name, value): (String, Value)) -> (String, Value) {
    let value = if SECRETS.contains(&name.as_str()) { Value::from(REDACTED) } else { without_secrets(value) };
    (name, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{EventId, Metadata, Position, StreamName, Timestamp, Version};

    fn stored(data: &str) -> StoredEvent {
        StoredEvent {
            id: EventId(uuid::Uuid::nil()),
            stream: StreamName::try_from("account-1".to_owned()).expect("a stream"),
            version: Version(0),
            position: Position(1),
            time: Timestamp(0),
            name: "AccountRegistered".to_owned(),
            schema: 1,
            metadata: Metadata::default(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn secrets_are_nowhere_to_be_seen() {
        let data = json!({ "username": "ada", "password_hash": "$argon2id$x", "list": [{ "token_sha256": "abc", "n": 1 }] });
        let shown = disclosed_data(&stored(&data.to_string()));
        assert_eq!(
            shown,
            json!({ "username": "ada", "password_hash": "(redacted)", "list": [{ "token_sha256": "(redacted)", "n": 1 }] })
        );
    }

    #[test]
    fn what_is_no_json_is_not_shown_at_all() {
        assert_eq!(disclosed_data(&stored("{\"password_hash\": \"$argon2id$x\"")), json!("(redacted)"));
    }
}
