use cairn_domain::{EventId, Metadata, Position, StoredEvent, StreamName, Timestamp, Version};
use uuid::Uuid;

use super::*;

fn events() -> Vec<StoredEvent> {
    let event = |n: u64| StoredEvent {
        id: EventId(Uuid::from_u128(u128::from(n))),
        stream: StreamName::try_from(format!("file-{n}")).expect("a name"),
        version: Version(0),
        position: Position(n * 3),
        time: Timestamp(1_700_000_000_000_000 + i64::try_from(n).expect("small")),
        name: "FileRenamed".to_owned(),
        schema: 1,
        metadata: Metadata { correlation: Some(format!("\"request\" {n}\u{2028}")), ..Metadata::default() },
        data: format!(r#"{{"name":"文件 {n}", "more":[1.50,{{"b":1,"a":2}}]}}"#),
    };
    (1..=5).map(event).collect()
}

fn export(events: &[StoredEvent]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut writer = Writer::begin(&mut text);
    for event in events {
        writer.event(event, &mut text).expect("writable");
    }
    writer.end(&mut text);
    text
}

fn read(text: &[u8]) -> Result<(Vec<StoredEvent>, Manifest), BadLine> {
    let mut reader = Reader::new();
    let mut events = Vec::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if let Line::Event(event) = reader.line(line.strip_suffix(b"\n").unwrap_or(line))? {
            events.push(event);
        }
    }
    reader.end().map(|manifest| (events, manifest))
}

/// How many of them have an end.
fn lines_in(text: &[u8]) -> u64 {
    text.split(|byte| *byte == b'\n').count() as u64 - 1
}

#[test]
fn what_was_written_is_read_back_byte_for_byte() {
    let (back, manifest) = read(&export(&events())).expect("readable");
    assert_eq!(back, events());
    let digest = events().iter().fold(LogDigest::EMPTY, LogDigest::then);
    assert_eq!((manifest.events, manifest.first, manifest.last), (5, Some(Position(3)), Some(Position(15))));
    assert_eq!((manifest.log, manifest.digest), (Some(events()[0].id), digest));
}

#[test]
fn an_empty_log_has_a_manifest_of_nothing() {
    let (back, manifest) = read(&export(&[])).expect("readable");
    assert_eq!((back, manifest.events, manifest.log), (Vec::new(), 0, None));
}

#[test]
fn any_changed_byte_is_found_in_its_own_line() {
    let text = export(&events());
    for index in 0..text.len() {
        let mut changed = text.clone();
        changed[index] ^= 1;
        let line = lines_in(&text[..index]) + 1;
        let bad = read(&changed).expect_err("it was changed");
        // A line break that is none any more makes one line of two.
        assert_eq!(bad.line, line, "byte {index}: {bad}");
    }
}

#[test]
fn a_text_may_be_cut_off_nowhere() {
    let text = export(&events());
    for length in 0..text.len() - 1 {
        // A line that lacks nothing but its end is whole, and the next one is missing.
        let line = lines_in(&text[..=length]) + 1;
        assert_eq!(read(&text[..length]).expect_err("it was cut off").line, line, "after {length} bytes");
    }
}

#[test]
fn lines_may_not_be_left_out_moved_or_added() {
    let text = export(&events());
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let faults = |lines: &[&[u8]]| read(&lines.concat()).map(|_| ()).map_err(|bad| (bad.line, bad.fault));
    for left_out in 1..6 {
        let mut fewer = lines.clone();
        fewer.remove(left_out);
        let fault = if left_out == 5 { Fault::OtherManifest } else { Fault::Altered };
        assert_eq!(faults(&fewer), Err((left_out as u64 + 1, fault)));
    }
    let mut moved = lines.clone();
    moved.swap(2, 3);
    assert_eq!(faults(&moved), Err((3, Fault::Altered)));
    let mut twice = lines.clone();
    twice.insert(3, lines[2]);
    assert_eq!(faults(&twice), Err((4, Fault::Altered)));
    let more = [lines.clone(), vec![lines[6]]].concat();
    assert_eq!(faults(&more), Err((8, Fault::BehindTheEnd)));
    assert_eq!(faults(&[]), Err((1, Fault::CutOff)));
}

#[test]
fn other_texts_and_newer_formats_are_told_apart() {
    let fault = |text: &str| read(text.as_bytes()).expect_err("no export").fault;
    assert_eq!(fault("{\"some\":\"json\"}\n"), Fault::OtherText);
    assert_eq!(fault("PK\u{3}\u{4}"), Fault::OtherText);
    assert_eq!(fault("{\"cairn\":\"blobs\",\"format\":1}\n"), Fault::OtherText);
    assert_eq!(fault("{\"cairn\":\"events\",\"format\":2}\n"), Fault::NewerFormat(2));
    assert_eq!(fault("{\"cairn\": \"events\",\"format\":1}\n"), Fault::Altered);
}

#[test]
fn an_interrupted_text_is_gone_on_with_as_if_nothing_had_been() {
    let whole = export(&events());
    let mut reader = Reader::new();
    let mut text = Vec::new();
    for line in whole.split_inclusive(|byte| *byte == b'\n').take(3) {
        reader.line(line.strip_suffix(b"\n").expect("a line")).expect("readable");
        text.extend_from_slice(line);
    }
    let mut writer = Writer::resume(reader);
    assert_eq!(writer.last(), Some(Position(6)));
    for event in &events()[2..] {
        writer.event(event, &mut text).expect("writable");
    }
    writer.end(&mut text);
    assert_eq!(text, whole);
}

#[test]
fn data_that_is_no_line_of_json_is_refused_and_leaves_no_half_a_line() {
    for data in ["", "{", "{} {}", " {}", "{\n}", "{}\n"] {
        let mut text = Vec::new();
        let mut writer = Writer::begin(&mut text);
        let before = text.clone();
        let event = StoredEvent { data: data.to_owned(), ..events()[0].clone() };
        assert!(writer.event(&event, &mut text).is_err(), "{data:?}");
        assert_eq!(text, before);
    }
}
