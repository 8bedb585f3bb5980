//! multipart/byteranges (RFC 9110 section 14.6), with a length known before the first byte.

use std::ops::Range;

use bytes::Bytes;
use uuid::Uuid;

use super::content_range;

/// The frame around many ranges of one content.
pub(crate) struct ByteRanges {
    boundary: String,
    openings: Vec<Bytes>,
    ranges: Vec<Range<u64>>,
}

impl ByteRanges {
    /// `boundary` must be chance: whoever wrote the content must not have known it.
    pub(crate) fn new(ranges: Vec<Range<u64>>, length: u64, content_type: &str, boundary: Uuid) -> Self {
        let boundary = boundary.simple().to_string();
        let opening = |(place, range): (usize, &Range<u64>)| {
            let line_end = if place == 0 { "" } else { "\r\n" };
            let content_range = content_range(range, length);
            Bytes::from(format!("{line_end}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {content_range}\r\n\r\n"))
        };
        let openings = ranges.iter().enumerate().map(opening).collect();
        Self { boundary, openings, ranges }
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    pub(crate) fn content_length(&self) -> u64 {
        let openings: u64 = self.openings.iter().map(|opening| opening.len() as u64).sum();
        let contents: u64 = self.ranges.iter().map(|range| range.end - range.start).sum();
        openings + contents + self.closing().len() as u64
    }

    /// Each range with what stands before it.
    pub(crate) fn parts(&self) -> Vec<(Bytes, Range<u64>)> {
        self.openings.iter().cloned().zip(self.ranges.iter().cloned()).collect()
    }

    pub(crate) fn closing(&self) -> Bytes {
        Bytes::from(format!("\r\n--{}--\r\n", self.boundary))
    }
}
