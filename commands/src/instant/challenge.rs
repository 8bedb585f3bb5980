use std::time::Duration;

use cairn_domain::{AccountId, FileName, FolderId, Timestamp};
use moka::sync::Cache;
use uuid::Uuid;

use crate::ports::ids::Ids;
use crate::ports::views::ContentHash;

/// A question that only a holder of the content can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    pub(super) fn new(ids: &dyn Ids, size: u64, expires_at: Timestamp) -> Self {
        let ranges = if size <= RANGES * RANGE_BYTES { whole(size) } else { random(ids, size) };
        Self { id: ids.command().0, nonce: ids.random(), ranges, expires_at }
    }
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

/// What was asked, of whom and what for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub owner: AccountId,
    pub content: ContentHash,
    pub size: u64,
    pub name: FileName,
    pub folder: Option<FolderId>,
    pub challenge: Challenge,
}

/// The open questions. Each is taken out by the first answer.
pub(crate) struct Challenges(Cache<Uuid, Asked>);

/// Open questions held at once; beyond it the oldest are forgotten.
const OPEN_MAX: u64 = 100_000;

impl Challenges {
    pub(crate) fn new(expires_seconds: u64) -> Self {
        let cache = Cache::builder().max_capacity(OPEN_MAX).time_to_live(Duration::from_secs(expires_seconds));
        Self(cache.build())
    }

    pub(super) fn ask(&self, asked: Asked) {
        self.0.insert(asked.challenge.id, asked);
    }

    /// Takes the question out: nobody gets a second try, not even at the same moment.
    pub(super) fn take(&self, id: Uuid) -> Option<Asked> {
        self.0.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ids::SequentialIds;

    #[test]
    fn small_contents_are_asked_for_whole_and_large_ones_in_ranges_within_them() {
        let ids = SequentialIds::default();
        let ask = |size| Challenge::new(&ids, size, Timestamp(0)).ranges;
        assert_eq!(ask(0), []);
        assert_eq!(ask(9), [Range { offset: 0, length: 9 }]);
        let size = RANGES * RANGE_BYTES + 1;
        let ranges = ask(size);
        assert_eq!(ranges.len() as u64, RANGES);
        assert!(ranges.iter().all(|range| range.length == RANGE_BYTES && range.offset + range.length <= size));
        assert_ne!(ranges, ask(size));
    }

    #[test]
    fn a_question_can_be_taken_once() {
        let ids = SequentialIds::default();
        let challenges = Challenges::new(60);
        let challenge = Challenge::new(&ids, 1, Timestamp(0));
        let id = challenge.id;
        let name = "a".parse().expect("a name");
        let content = ContentHash::Sha1(cairn_domain::Sha1([0; 20]));
        challenges.ask(Asked { owner: AccountId(id), content, size: 1, name, folder: None, challenge });
        assert!(challenges.take(id).is_some());
        assert!(challenges.take(id).is_none());
    }
}
