//! One value that stands for all events of a log up to one of them.

use cairn_domain::{Sha256, StoredEvent};
use serde::{Deserialize, Serialize};
use sha2::Digest;

/// A rolling digest: each step takes in one event whole, but for its position, so that the same events have the same digest in every log.
///
/// A step is SHA-256 over the digest before and, each with its length where that varies, the event's id, stream, version, time, name, schema,
/// metadata and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogDigest(pub Sha256);

impl LogDigest {
    /// Of no event.
    pub const EMPTY: Self = Self(Sha256([0; 32]));

    /// Of one event more.
    #[must_use]
    pub fn then(self, event: &StoredEvent) -> Self {
        let mut hasher = sha2::Sha256::new();
        hasher.update(self.0.0);
        hasher.update(event.id.0.as_bytes());
        hasher.update(event.version.0.to_be_bytes());
        hasher.update(event.time.0.to_be_bytes());
        hasher.update(event.schema.to_be_bytes());
        let metadata = serde_json::to_string(&event.metadata).unwrap_or_default();
        for text in [event.stream.as_str(), &event.name, &metadata, &event.data] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        Self(Sha256(hasher.finalize().into()))
    }

    /// Enough of it to tell by which event two logs part.
    pub fn mark(self) -> [u8; MARK_BYTES] {
        std::array::from_fn(|index| self.0.0[index])
    }
}

/// Bytes of a mark: two different digests have the same one once in 2^64 cases.
pub const MARK_BYTES: usize = 8;

impl std::fmt::Display for LogDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for LogDigest {
    type Err = <Sha256 as std::str::FromStr>::Err;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use cairn_domain::{EventId, Position, StreamName, Timestamp, Version};
    use uuid::Uuid;

    use super::*;

    fn event() -> StoredEvent {
        StoredEvent {
            id: EventId(Uuid::from_u128(1)),
            stream: StreamName::try_from("file-1".to_owned()).expect("a name"),
            version: Version(0),
            position: Position(1),
            time: Timestamp(5),
            name: "FileRenamed".to_owned(),
            schema: 1,
            metadata: cairn_domain::Metadata::default(),
            data: "{}".to_owned(),
        }
    }

    #[test]
    fn whatever_is_changed_but_the_position_changes_the_digest() {
        let whole = LogDigest::EMPTY.then(&event());
        assert_eq!(LogDigest::EMPTY.then(&StoredEvent { position: Position(77), ..event() }), whole);
        let changes: [fn(&mut StoredEvent); 8] = [
            |event| event.id = EventId(Uuid::from_u128(2)),
            |event| event.stream = StreamName::try_from("file-2".to_owned()).expect("a name"),
            |event| event.version = Version(1),
            |event| event.time = Timestamp(6),
            |event| event.name.push('x'),
            |event| event.schema = 2,
            |event| event.metadata.client = Some("::1".to_owned()),
            |event| event.data = "{ }".to_owned(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = event();
            change(&mut changed);
            assert_ne!(LogDigest::EMPTY.then(&changed), whole, "{number}");
        }
        assert_ne!(whole.then(&event()), whole);
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        let one = StoredEvent { name: "ab".to_owned(), data: "c".to_owned(), ..event() };
        let other = StoredEvent { name: "a".to_owned(), data: "bc".to_owned(), ..event() };
        assert_ne!(LogDigest::EMPTY.then(&one), LogDigest::EMPTY.then(&other));
    }
}
