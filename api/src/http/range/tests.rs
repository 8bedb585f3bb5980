use proptest::prelude::*;

use uuid::Uuid;

use super::{Requested::*, *};

#[test]
fn the_examples_of_rfc_9110() {
    assert_eq!(parse("bytes=0-499", 10_000), One(0..500));
    assert_eq!(parse("bytes=500-999", 10_000), One(500..1000));
    assert_eq!(parse("bytes=-500", 10_000), One(9500..10_000));
    assert_eq!(parse("bytes=9500-", 10_000), One(9500..10_000));
    assert_eq!(parse("bytes=0-0,-1", 10_000), Many(vec![0..1, 9999..10_000]));
    assert_eq!(parse("bytes= 0-999, 4500-5499, -1000", 10_000), Many(vec![0..1000, 4500..5500, 9000..10_000]));
    assert_eq!(parse("bytes=500-600,601-999", 10_000), One(500..1000));
    assert_eq!(parse("bytes=500-700,601-999", 10_000), One(500..1000));
}

#[test]
fn ends_are_cut_at_the_length() {
    assert_eq!(parse("bytes=5-99999", 10), One(5..10));
    assert_eq!(parse("bytes=-99999", 10), One(0..10));
    assert_eq!(parse("bytes=5-99999999999999999999999999", 10), One(5..10));
    assert_eq!(parse("bytes=0-18446744073709551615", 10), One(0..10));
    assert_eq!(parse("bytes=-99999999999999999999999999", 10), One(0..10));
}

#[test]
fn ranges_beyond_the_end_are_left_out() {
    assert_eq!(parse("bytes=10-", 10), Unsatisfiable);
    assert_eq!(parse("bytes=10-20,30-", 10), Unsatisfiable);
    assert_eq!(parse("bytes=-0", 10), Unsatisfiable);
    assert_eq!(parse("bytes=99999999999999999999999999-", 10), Unsatisfiable);
    assert_eq!(parse("bytes=2-3,20-30", 10), One(2..4));
}

#[test]
fn bad_ranges_are_refused() {
    for bad in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes=-",
        "bytes=5",
        "bytes=5-2",
        "bytes=0-1,5-2",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes=1--2",
        "bytes=1-2-3",
        "bytes=0x1-2",
        "bytes=1 -2",
        "bytes=1-2;3-4",
        "bytes=٣-٤",
    ] {
        assert_eq!(parse(bad, 10), Unsatisfiable, "{bad:?}");
    }
}

#[test]
fn another_unit_is_ignored() {
    assert_eq!(parse("items=0-1", 10), Whole);
    assert_eq!(parse("BYTES=0-1", 10), One(0..2));
}

#[test]
fn an_empty_content_has_no_ranges() {
    assert_eq!(parse("bytes=0-", 0), Unsatisfiable);
    assert_eq!(parse("bytes=-5", 0), Whole);
    assert_eq!(parse("bytes=-0", 0), Unsatisfiable);
}

#[test]
fn joined_ranges_stand_where_the_first_of_them_stood() {
    assert_eq!(parse("bytes=90-99,0-9,10-19,50-59", 100), Many(vec![90..100, 0..20, 50..60]));
    assert_eq!(parse("bytes=10-19,50-59,0-9", 100), Many(vec![0..20, 50..60]));
    assert_eq!(parse("bytes=0-1,,\t5-6 ,", 100), Many(vec![0..2, 5..7]));
}

#[test]
fn more_than_32_ranges_are_refused() {
    let ranges = |count: u64| {
        let specs: Vec<String> = (0..count).map(|place| format!("{0}-{0}", place * 2)).collect();
        format!("bytes={}", specs.join(","))
    };
    assert!(matches!(parse(&ranges(32), 1000), Many(many) if many.len() == 32));
    assert_eq!(parse(&ranges(33), 1000), Unsatisfiable);
}

#[test]
fn content_ranges_are_written_with_both_ends() {
    assert_eq!(content_range(&(0..500), 1234), "bytes 0-499/1234");
    assert_eq!(unsatisfied(1234), "bytes */1234");
}

#[test]
fn many_ranges_are_framed_with_the_length_announced() {
    let content = b"0123456789";
    let parts = ByteRanges::new(vec![0..2, 7..10], 10, "text/plain", Uuid::nil());
    let mut body = Vec::new();
    for (opening, range) in parts.parts() {
        body.extend_from_slice(&opening);
        body.extend_from_slice(&content[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]);
    }
    body.extend_from_slice(&parts.closing());
    let boundary = "0".repeat(32);
    let expected = format!(
        "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n\
         --{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789\r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(body.clone()).unwrap(), expected);
    assert_eq!(parts.content_length(), body.len() as u64);
    assert_eq!(parts.content_type(), format!("multipart/byteranges; boundary={boundary}"));
}

/// The bytes that each spec means, found the slow way.
fn meant(specs: &[(u8, u64, u64)], length: u64) -> Vec<bool> {
    let is_meant = |at: u64| {
        specs.iter().any(|&(form, a, b)| match form {
            0 => at >= a,
            1 => (a.min(b)..=a.max(b)).contains(&at),
            _ => at >= length.saturating_sub(a),
        })
    };
    (0..length).map(is_meant).collect()
}

fn write(&(form, a, b): &(u8, u64, u64)) -> String {
    match form {
        0 => format!("{a}-"),
        1 => format!("{}-{}", a.min(b), a.max(b)),
        _ => format!("-{a}"),
    }
}

proptest! {
    #[test]
    fn exactly_the_meant_bytes_are_answered_once(
        specs in prop::collection::vec((0_u8..3, 0_u64..80, 0_u64..80), 1..=32),
        length in 1_u64..60,
    ) {
        let text = specs.iter().map(write).collect::<Vec<_>>().join(",");
        let ranges = match parse(&format!("bytes={text}"), length) {
            One(range) => vec![range],
            Many(ranges) => { prop_assert!(ranges.len() > 1); ranges }
            Unsatisfiable => Vec::new(),
            Whole => return Err(TestCaseError::fail("a range was ignored")),
        };
        let mut answered = vec![0_u8; usize::try_from(length).unwrap()];
        for range in &ranges {
            prop_assert!(range.start < range.end && range.end <= length);
            prop_assert!(ranges.iter().all(|other| other == range || other.end < range.start || range.end < other.start));
            for at in range.clone() {
                answered[usize::try_from(at).unwrap()] += 1;
            }
        }
        let expected: Vec<u8> = meant(&specs, length).into_iter().map(u8::from).collect();
        prop_assert_eq!(answered, expected);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,60}", length in any::<u64>()) {
        let _ = parse(&text, length);
        let _ = parse(&format!("bytes={text}"), length);
    }
}
