//! Which number stands for which part, and what lies where after the numbers were joined.
//!
//! Several processes may send the same part at once, with different bytes, and each version must be found in the end. So each process
//! has numbers of its own for the same part, a slot; all versions are joined, and the whole is put together from the ones that count.
//! Mostly there is one version of each part, and what was joined is the whole.

use cairn_domain::Sha256;
use cairn_domain::upload::Part;
use serde::{Deserialize, Serialize};

use super::super::multipart::Sent;

/// Processes that may send parts of one upload straight to their place; any more put theirs aside.
pub(super) const SLOTS: i32 = 8;

/// The slot that is claimed first by whoever has not opened the upload.
pub(super) const OTHERS_FIRST: i32 = 1;

/// The number of the last part, which may be smaller than the others, so that there can only be one.
pub(super) const LAST: i32 = 10_000;

/// Beyond it the numbers of the other parts would meet that of the last one.
const NUMBER_MAX: i64 = 9_990;

/// How many numbers each part has.
fn share(size: u64, part_bytes: u64) -> i64 {
    let count = i64::try_from(size.div_ceil(part_bytes.max(1))).unwrap_or(i64::MAX);
    if count.saturating_mul(i64::from(SLOTS)) <= NUMBER_MAX { i64::from(SLOTS) } else { 1 }
}

/// The number of a part that is not the last one; none if there is none to be had.
pub(super) fn number(part: Part, size: u64, slot: i32) -> Option<i32> {
    let share = share(size, part.length);
    let index = i64::try_from(part.offset / part.length.max(1)).ok()?;
    let number = index.checked_mul(share)? + i64::from(slot) + 1;
    let is_whole = part.offset.is_multiple_of(part.length.max(1));
    (is_whole && i64::from(slot) < share && number <= NUMBER_MAX).then(|| i32::try_from(number).ok())?
}

/// What was joined, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Layout {
    /// How many there were before it: Ceph joins nothing as long as a part has come that is not in the list.
    #[serde(default)]
    pub(super) number: u32,
    pub(super) pieces: Vec<Piece>,
}

/// A version of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) number: i32,
    pub(super) etag: String,
    /// Of the part in the file, in bytes.
    pub(super) offset: u64,
    /// In bytes.
    pub(super) length: u64,
    /// Where it is known.
    pub(super) sha256: Option<Sha256>,
}

impl Layout {
    /// What has come, as far as it can be one of these parts.
    pub(super) fn of(sent: Vec<Sent>, parts: &[Part]) -> Self {
        let size = parts.last().map_or(0, |last| last.offset + last.length);
        let part_bytes = parts.first().map_or(1, |first| first.length);
        let share = share(size, part_bytes);
        let part_of = |number: i32| match number {
            LAST => parts.last().copied(),
            number => parts.get(usize::try_from((i64::from(number) - 1) / share).ok()?).copied(),
        };
        let piece = |sent: Sent| {
            let part = part_of(sent.number).filter(|part| part.length == sent.size)?;
            Some(Piece { number: sent.number, etag: sent.etag, offset: part.offset, length: part.length, sha256: None })
        };
        Self { number: 0, pieces: sent.into_iter().filter_map(piece).collect() }
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.length).sum()
    }

    /// As they are to be joined.
    pub(super) fn sent(&self) -> Vec<Sent> {
        let sent = |piece: &Piece| Sent { number: piece.number, etag: piece.etag.clone(), size: piece.length };
        self.pieces.iter().map(sent).collect()
    }

    /// Where the version of a part lies in what was joined, in bytes.
    pub(super) fn find(&self, offset: u64, sha256: Sha256) -> Option<u64> {
        let mut at = 0;
        for piece in &self.pieces {
            if piece.offset == offset && piece.sha256 == Some(sha256) {
                return Some(at);
            }
            at += piece.length;
        }
        None
    }

    pub(super) fn is_known(&self) -> bool {
        self.pieces.iter().all(|piece| piece.sha256.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn part(index: u64, length: u64) -> Part {
        Part { offset: index * length, length }
    }

    #[test]
    fn every_process_has_numbers_of_its_own() {
        let size = 20 * 8 * MIB;
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..20 {
            for slot in 0..SLOTS {
                assert!(seen.insert(number(part(index, 8 * MIB), size, slot).unwrap()));
            }
        }
        assert!(*seen.last().unwrap() < LAST);
    }

    #[test]
    fn files_of_very_many_parts_have_one_slot_and_no_number_twice() {
        let size = 10_000 * 8 * MIB;
        assert_eq!(number(part(0, 8 * MIB), size, 0), Some(1));
        assert_eq!(number(part(0, 8 * MIB), size, 1), None);
        assert_eq!(number(part(9_989, 8 * MIB), size, 0), Some(9_990));
        assert_eq!(number(part(9_990, 8 * MIB), size, 0), None);
    }

    #[test]
    fn what_has_come_is_found_again() {
        let parts = [part(0, 8 * MIB), part(1, 8 * MIB), Part { offset: 16 * MIB, length: 3 }];
        let sent = |number, size| Sent { number, etag: String::new(), size };
        let second = number(parts[1], 16 * MIB + 3, 2).unwrap();
        let mut layout = Layout::of(vec![sent(1, 8 * MIB), sent(2, 7), sent(second, 8 * MIB), sent(LAST, 3)], &parts);
        let offsets: Vec<_> = layout.pieces.iter().map(|piece| piece.offset).collect();
        assert_eq!(offsets, [0, 8 * MIB, 16 * MIB], "what has another size is none of them");
        layout.pieces[1].sha256 = Some(Sha256([1; 32]));
        assert_eq!(layout.find(8 * MIB, Sha256([1; 32])), Some(8 * MIB));
        assert_eq!(layout.find(8 * MIB, Sha256([2; 32])), None);
    }
}
