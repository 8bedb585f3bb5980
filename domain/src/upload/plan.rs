//! How a size is cut into parts. A part is a range of bytes; its index, from 1, is only its name in the API.

/// What the owner declared when the upload started; it never changes afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Whole size in bytes.
    pub size: u64,
    /// Size of every part but the last, in bytes, at least 1.
    pub part_bytes: u64,
}

/// One part of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Where it starts, in bytes from the start of the file.
    pub offset: u64,
    /// How long it is, in bytes, at least 1.
    pub length: u64,
}

/// The first and the last index of a run of parts, both included.
pub type PartRange = (u64, u64);

impl Plan {
    /// A plan with the wished part size, raised where the file would otherwise have more than `parts_max` parts.
    pub fn new(size: u64, part_bytes: u64, parts_max: u64) -> Self {
        let needed = size.div_ceil(parts_max.max(1));
        Self { size, part_bytes: part_bytes.max(needed).max(1) }
    }

    /// How many parts there are; none for an empty file.
    pub fn count(&self) -> u64 {
        self.size.div_ceil(self.part_bytes.max(1))
    }

    /// The part of that index, from 1.
    pub fn part(&self, index: u64) -> Option<Part> {
        if index == 0 || index > self.count() {
            return None;
        }
        let offset = (index - 1) * self.part_bytes;
        Some(Part { offset, length: self.part_bytes.min(self.size - offset) })
    }

    /// The index of the part that starts there, if one does.
    pub fn index_at(&self, offset: u64) -> Option<u64> {
        let index = offset / self.part_bytes.max(1) + 1;
        self.part(index).filter(|part| part.offset == offset).map(|_| index)
    }
}

/// Joins ascending indexes into runs.
pub(super) fn runs(indexes: impl IntoIterator<Item = u64>) -> Vec<PartRange> {
    let mut runs: Vec<PartRange> = Vec::new();
    for index in indexes {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => runs.push((index, index)),
        }
    }
    runs
}
