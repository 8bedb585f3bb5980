//! The storage format, held by files: what was once written must be readable for ever. The files are written by hand and never
//! change; a new schema gets new ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use cairn_domain::codec::{decode_data, encode};
use cairn_domain::event::CATALOGUE;
use serde_json::Value;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events")
}

/// Files beside the full and the minimal one: fields that came later, and other ways in which an event may be said.
const FURTHER: [(&str, u16, &str); 3] =
    [("FileAdded", 1, "offline"), ("FileMerged", 1, "offline"), ("UploadStarted", 1, "offline")];

/// Each file that must be there: event, schema, file name.
fn wanted() -> impl Iterator<Item = (&'static str, u16, String)> {
    let schemas = CATALOGUE.iter().flat_map(|(_, name, newest)| (1..=*newest).map(move |schema| (*name, schema)));
    let both = schemas.flat_map(|(name, schema)| ["full", "minimal"].map(|kind| (name, schema, kind)));
    both.chain(FURTHER).map(|(name, schema, kind)| (name, schema, format!("{name}.{schema}.{kind}.json")))
}

#[test]
fn every_event_is_read_and_written_as_it_stands_in_its_golden_files() {
    for (name, schema, file) in wanted() {
        let text = fs::read_to_string(directory().join(&file)).unwrap_or_else(|error| panic!("{file} is missing: {error}"));
        let event = decode_data(name, schema, &text).unwrap_or_else(|error| panic!("{file} can't be read: {error:?}"));
        assert_eq!(event.name(), name, "{file}");
        if event.schema() == schema {
            let written: Value = serde_json::from_str(&encode(&event)).unwrap();
            assert_eq!(written, serde_json::from_str::<Value>(&text).unwrap(), "{file}");
        }
    }
}

#[test]
fn full_files_have_every_field_that_minimal_ones_have() {
    let fields = |name: &str, kind: &str| -> BTreeSet<String> {
        let text = fs::read_to_string(directory().join(format!("{name}.{kind}.json"))).unwrap();
        serde_json::from_str::<serde_json::Map<String, Value>>(&text).unwrap().keys().cloned().collect()
    };
    for (_, name, schema) in CATALOGUE {
        let name = format!("{name}.{schema}");
        assert!(fields(&name, "full").is_superset(&fields(&name, "minimal")), "{name}");
    }
}

#[test]
fn there_is_no_golden_file_of_an_event_that_is_not() {
    let wanted: BTreeSet<String> = wanted().map(|(_, _, file)| file).collect();
    for entry in fs::read_dir(directory()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        assert!(wanted.contains(&file), "{file}");
    }
}
