use cairn_domain::{AccountId, FileId, FileName, FolderId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ports::ids::Ids;
use crate::ports::views::ContentHash;
use crate::{Drive, Trouble};

/// A question that only a holder of the content can answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Which question.
    pub id: Uuid,
    /// Comes first into the digest, so that no digest can be made ahead.
    pub nonce: [u8; 32],
    /// The ranges that come after it, in this order.
    pub ranges: Vec<Range>,
    /// When it can be answered no more.
    pub expires_at: Timestamp,
}

/// Some bytes of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// From the start of the content, in bytes.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// Ranges asked for. Who misses one byte in a hundred of the content passes with a chance below 0.73.pow(ranges).
const RANGES: u64 = 32;
/// Bytes of one range.
const RANGE_BYTES: u64 = 16 * 1024;

impl Challenge {
    /// A question about a content of that size: all of a small one, random ranges of a large one.
    pub(super) fn new(drive: &Drive, size: u64, expires_at: Timestamp) -> Self {
        let ids = &*drive.ports.ids;
        Self { id: sealed(drive, ids.command().0), nonce: ids.random(), ranges: ranges(ids, size), expires_at }
    }
}

fn ranges(ids: &dyn Ids, size: u64) -> Vec<Range> {
    if size <= RANGES * RANGE_BYTES { whole(size) } else { random(ids, size) }
}

fn whole(size: u64) -> Vec<Range> {
    if size == 0 { Vec::new() } else { vec![Range { offset: 0, length: size }] }
}

fn random(ids: &dyn Ids, size: u64) -> Vec<Range> {
    let offset = |_| {
        let bits = ids.random();
        let number = bits[..16].iter().chain(&bits[24..]).fold(0_u128, |number, byte| (number << 5) ^ u128::from(*byte));
        (number % u128::from(size - RANGE_BYTES + 1)) as u64
    };
    (0..RANGES).map(offset).map(|offset| Range { offset, length: RANGE_BYTES }).collect()
}

/// What was asked, of whom and what for. Kept as JSON until it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub owner: AccountId,
    pub content: ContentHash,
    pub size: u64,
    pub name: FileName,
    pub folder: Option<FolderId>,
    #[serde(default)]
    pub replaces: Option<FileId>,
    pub challenge: Challenge,
}

/// Opens the question to an answer, once.
pub(super) async fn ask(drive: &Drive, asked: &Asked) -> Result<(), Trouble> {
    let question = serde_json::to_string(asked).map_err(|error| Trouble::Broken(error.into()))?;
    let ports = &drive.ports;
    ports.challenges.keep(asked.challenge.id, question, ports.clock.now()).await.map_err(|error| Trouble::Unavailable(error.into()))
}

/// Takes the question out: nobody gets a second try. An id that the drive has not given out is not even looked for.
pub(super) async fn take(drive: &Drive, id: Uuid) -> Result<Option<Asked>, Trouble> {
    if id != sealed(drive, id) {
        return Ok(None);
    }
    let ports = &drive.ports;
    let taken = ports.challenges.take(id, ports.clock.now()).await.map_err(|error| Trouble::Unavailable(error.into()))?;
    taken.map(|question| serde_json::from_str(&question)).transpose().map_err(|error| Trouble::Broken(error.into()))
}

/// The first half of the id, and a second half that only the drive can make of it.
fn sealed(drive: &Drive, id: Uuid) -> Uuid {
    let (first, _) = id.as_u64_pair();
    let seal = drive.sign(&[b"challenge", &first.to_be_bytes()]);
    let second = seal[..8].iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    Uuid::from_u64_pair(first, second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ids::SequentialIds;

    #[test]
    fn small_contents_are_asked_for_whole_and_large_ones_in_ranges_within_them() {
        let ids = SequentialIds::default();
        let ask = |size| ranges(&ids, size);
        assert_eq!(ask(0), []);
        assert_eq!(ask(9), [Range { offset: 0, length: 9 }]);
        let size = RANGES * RANGE_BYTES + 1;
        let asked = ask(size);
        assert_eq!(asked.len() as u64, RANGES);
        assert!(asked.iter().all(|range| range.length == RANGE_BYTES && range.offset + range.length <= size));
        assert_ne!(asked, ask(size));
    }
}
