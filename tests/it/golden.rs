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

/// Each file that is there: event, schema, file name. Beside `full` and `minimal` stand those of fields that came later.
fn there() -> Vec<(String, u16, String)> {
    let files = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let parts = |file: String| {
        let mut parts = file.split('.');
        let (name, schema) = (parts.next().unwrap().to_owned(), parts.next().unwrap().parse().unwrap());
        (name, schema, file.clone())
    };
    files.map(parts).collect()
}

/// Each file that must be there: event, schema, file name.
fn wanted() -> impl Iterator<Item = (&'static str, u16, String)> {
    let schemas = CATALOGUE.iter().flat_map(|(_, name, newest)| (1..=*newest).map(move |schema| (*name, schema)));
    schemas.flat_map(|(name, schema)| ["full", "minimal"].map(|kind| (name, schema, format!("{name}.{schema}.{kind}.json"))))
}

#[test]
fn every_event_is_read_and_written_as_it_stands_in_its_golden_files() {
    for (_, _, file) in wanted() {
        assert!(directory().join(&file).exists(), "{file} is missing");
    }
    for (name, schema, file) in there() {
        let text = fs::read_to_string(directory().join(&file)).unwrap();
        let event = decode_data(&name, schema, &text).unwrap_or_else(|error| panic!("{file} can't be read: {error:?}"));
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
    let known: BTreeSet<(String, u16)> = wanted().map(|(name, schema, _)| (name.to_owned(), schema)).collect();
    for (name, schema, file) in there() {
        assert!(known.contains(&(name, schema)), "{file}");
    }
}
