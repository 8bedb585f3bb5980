use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges of bytes that were sent, in whatever order and however often: each byte counts once.
#[derive(Debug, Default)]
pub(super) struct Coverage(BTreeMap<u64, u64>);

/// Ranges that are told apart; what would be one more is forgotten.
const RANGES_MAX: usize = 1_000;

impl Coverage {
    pub(super) fn add(&mut self, range: Range<u64>) {
        let Range { mut start, mut end } = range;
        // What overlaps it, or touches it, becomes one with it. It begins before its end, and ends behind its start.
        while let Some((begins, ends)) = self.0.range(..=end).next_back().map(|(begins, ends)| (*begins, *ends))
            && ends >= start
        {
            self.0.remove(&begins);
            (start, end) = (start.min(begins), end.max(ends));
        }
        if start < end && self.0.len() < RANGES_MAX {
            self.0.insert(start, end);
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (start, end) in &other.0 {
            self.add(*start..*end);
        }
    }

    /// Whether every byte of a content of that size was sent.
    pub(super) fn is_whole(&self, size: u64) -> bool {
        size == 0 || self.0.get(&0).is_some_and(|end| *end >= size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ranges: &[Range<u64>]) -> Coverage {
        let mut coverage = Coverage::default();
        ranges.iter().cloned().for_each(|range| coverage.add(range));
        coverage
    }

    #[test]
    fn bytes_count_once_in_whatever_order_they_were_sent() {
        assert_eq!(of(&[0..3, 5..9]).0, BTreeMap::from([(0, 3), (5, 9)]));
        assert_eq!(of(&[5..9, 0..3, 3..5]).0, BTreeMap::from([(0, 9)]));
        assert_eq!(of(&[2..4, 6..8, 0..10]).0, BTreeMap::from([(0, 10)]));
        assert_eq!(of(&[0..10, 2..4, 10..12]).0, BTreeMap::from([(0, 12)]));
        assert_eq!(of(&[4..4, 9..9]).0, BTreeMap::new());
    }

    #[test]
    fn it_is_whole_when_nothing_is_missing() {
        assert!(of(&[]).is_whole(0) && !of(&[]).is_whole(1));
        assert!(!of(&[0..9, 0..2]).is_whole(10));
        assert!(!of(&[1..10, 2..3]).is_whole(10));
        assert!(of(&[4..10, 0..5]).is_whole(10));
    }

    #[test]
    fn more_ranges_than_are_told_apart_are_no_whole() {
        let every_other: Vec<_> = (0..2 * RANGES_MAX as u64).map(|number| 2 * number..2 * number + 1).collect();
        let coverage = of(&every_other);
        assert_eq!(coverage.0.len(), RANGES_MAX);
        assert!(!coverage.is_whole(10_000));
    }
}
