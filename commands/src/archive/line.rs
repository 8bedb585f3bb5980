//! The lines. What stands in them is a format: it never changes without another number.

use std::borrow::Cow;

use cairn_domain::{EventId, Metadata, Position, Sha256, StoredEvent, StreamName, Timestamp, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::Digest;

use crate::log_digest::LogDigest;

/// The number of the format that is written here, and the newest that is read.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head<'a> {
    pub(super) cairn: Cow<'a, str>,
    pub(super) format: u32,
}

/// What the first line calls itself.
pub(super) const KIND: &str = "events";

/// The first line, without its end.
pub(super) fn head() -> String {
    format!(r#"{{"cairn":"{KIND}","format":{FORMAT}}}"#)
}

/// The line of an event, but for the chain.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventLine<'a> {
    position: Position,
    id: EventId,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    version: Version,
    #[serde(rename = "type", borrow)]
    name: Cow<'a, str>,
    schema: u16,
    /// In microseconds since 1970.
    time: Timestamp,
    #[serde(default)]
    metadata: Metadata,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl<'a> EventLine<'a> {
    /// Fails where the data is not JSON.
    pub(super) fn of(event: &'a StoredEvent) -> serde_json::Result<Self> {
        Ok(Self {
            position: event.position,
            id: event.id,
            stream: event.stream.as_str().into(),
            version: event.version,
            name: event.name.as_str().into(),
            schema: event.schema,
            time: event.time,
            metadata: event.metadata.clone(),
            data: serde_json::from_str(&event.data)?,
        })
    }

    /// Whether the line gives back the data as it was: white space around it would get lost, and a line break in it makes two lines.
    pub(super) fn keeps(&self, data: &str) -> bool {
        self.data.get() == data && !data.contains(['\n', '\r'])
    }

    /// Fails where the stream has no name that a stream can have.
    pub(super) fn into_event(self) -> Option<StoredEvent> {
        Some(StoredEvent {
            id: self.id,
            stream: StreamName::try_from(self.stream.into_owned()).ok()?,
            version: self.version,
            position: self.position,
            time: self.time,
            name: self.name.into_owned(),
            schema: self.schema,
            metadata: self.metadata,
            data: self.data.get().to_owned(),
        })
    }
}

/// The last line: what the text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How many events.
    pub events: u64,
    /// The position of the first one, in the log from which they come.
    pub first: Option<Position>,
    /// The position of the last one.
    pub last: Option<Position>,
    /// The log from which they come, by the id of its first event.
    pub log: Option<EventId>,
    /// What stands for all of them, in whichever log they are.
    pub digest: LogDigest,
    /// The chain of the last line of an event.
    pub chain: Sha256,
}

/// The last line, as it stands there.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ManifestLine {
    pub(super) manifest: Manifest,
}

/// The chain of a line, given that of the line before and what stands in the line before its own chain.
pub(super) fn chain(before: Sha256, text: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::new().chain_update(before.0).chain_update(text).finalize().into())
}

const CHAIN_BEGINS: &[u8] = b",\"chain\":\"";
const CHAIN_ENDS: &[u8] = b"\"}";
const CHAIN_DIGITS: usize = 64;

/// Ends a line with its chain, which stands in the place of the last brace.
pub(super) fn close(line: &mut Vec<u8>, begin: usize, before: Sha256) -> Sha256 {
    line.pop();
    let chain = chain(before, &line[begin..]);
    let mut digits = [0; CHAIN_DIGITS];
    line.extend_from_slice(CHAIN_BEGINS);
    // There is room for all digits.
    if hex::encode_to_slice(chain.0, &mut digits).is_ok() {
        line.extend_from_slice(&digits);
    }
    line.extend_from_slice(CHAIN_ENDS);
    line.push(b'\n');
    chain
}

/// What stands in a line before its chain, and the chain.
pub(super) fn open(line: &[u8]) -> Option<(&[u8], Sha256)> {
    let line = line.strip_suffix(CHAIN_ENDS)?;
    let (line, digits) = line.split_at_checked(line.len().checked_sub(CHAIN_DIGITS)?)?;
    // As it is written, and in no other way: a letter of another size would be another text.
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.contains(|c: char| c.is_ascii_uppercase()))?;
    Some((line.strip_suffix(CHAIN_BEGINS)?, digits.parse().ok()?))
}
