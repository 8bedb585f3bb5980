//! Byte ranges (RFC 9110 section 14).

mod multipart;

#[cfg(test)]
mod tests;

use std::ops::Range;

use poem::http::HeaderValue;

pub(crate) use multipart::ByteRanges;

/// More ranges than this in one request are refused: coalescing is cheap, but a reader who wants so many does not read.
pub const RANGES_MAX: usize = 32;

/// What a `Range` field asks for, of a content whose length is known. Ranges are half open, not empty and inside the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requested {
    /// Everything: there is no range, its unit is unknown, or the content is empty.
    Whole,
    /// One range, perhaps after coalescing.
    One(Range<u64>),
    /// At least two ranges that neither overlap nor touch, in the order of the request.
    Many(Vec<Range<u64>>),
    /// Nothing that could be answered: malformed, reversed, too many, or all beyond the end. 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` field.
pub fn parse(value: &str, length: u64) -> Requested {
    let Some((unit, set)) = value.split_once('=') else { return Requested::Unsatisfiable };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Requested::Whole;
    }
    let Some(specs) = parse_set(set) else { return Requested::Unsatisfiable };
    if length == 0 && specs.iter().any(|spec| matches!(spec, Spec::Last(1..))) {
        // Satisfiable by the letter (section 14.1.2), but Content-Range cannot express an empty range.
        return Requested::Whole;
    }
    let satisfiable: Vec<Range<u64>> = specs.iter().filter_map(|spec| spec.resolve(length)).collect();
    let mut ranges = coalesce(satisfiable);
    match ranges.len() {
        0 => Requested::Unsatisfiable,
        1 => Requested::One(ranges.remove(0)),
        _ => Requested::Many(ranges),
    }
}

/// `bytes first-last/length`, both ends included.
pub fn content_range(range: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", range.start, range.end - 1)
}

/// `bytes */length`, the `Content-Range` of a 416.
pub fn unsatisfied(length: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("bytes */{length}")).unwrap_or(HeaderValue::from_static("bytes */*"))
}

#[derive(Debug, Clone, Copy)]
enum Spec {
    From(u64),
    FromTo(u64, u64),
    Last(u64),
}

impl Spec {
    fn resolve(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::From(first) => first..length,
            Self::FromTo(first, last) => first..last.saturating_add(1).min(length),
            Self::Last(bytes) => length.saturating_sub(bytes)..length,
        };
        (!range.is_empty()).then_some(range)
    }
}

/// None if the set is malformed, has a reversed range or too many ranges. Empty elements are ignored (section 5.6.1).
fn parse_set(set: &str) -> Option<Vec<Spec>> {
    let elements = set.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|element| !element.is_empty());
    let specs: Vec<Spec> = elements.take(RANGES_MAX + 1).map(parse_spec).collect::<Option<_>>()?;
    (1..=RANGES_MAX).contains(&specs.len()).then_some(specs)
}

fn parse_spec(text: &str) -> Option<Spec> {
    match text.split_once('-')? {
        ("", bytes) => number(bytes).map(Spec::Last),
        (first, "") => number(first).map(Spec::From),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::FromTo(first, last))
        }
    }
}

/// Digits only. What does not fit into 64 bits is as far as any file reaches.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Joins ranges that overlap or touch; each joined range stands where the first of its members stood (section 15.3.7.2).
fn coalesce(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted: Vec<(usize, Range<u64>)> = ranges.into_iter().enumerate().collect();
    sorted.sort_unstable_by_key(|(_, range)| range.start);
    let mut joined: Vec<(usize, Range<u64>)> = Vec::with_capacity(sorted.len());
    for (place, range) in sorted {
        match joined.last_mut() {
            Some((first_place, before)) if range.start <= before.end => {
                before.end = before.end.max(range.end);
                *first_place = place.min(*first_place);
            }
            _ => joined.push((place, range)),
        }
    }
    joined.sort_unstable_by_key(|(place, _)| *place);
    joined.into_iter().map(|(_, range)| range).collect()
}
