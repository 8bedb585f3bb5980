//! What the command line prints, held by files: people read it, and programs. `CAIRN_GOLDEN=write` writes them anew, to be looked at before they
//! are committed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Output, command, over};

/// Over data of a release, which stays what it is; and those that need none.
const PRINTED: &[(&str, &[&str])] = &[
    ("help", &["--help"]),
    ("events-help", &["events", "--help"]),
    ("events-list-help", &["events", "list", "--help"]),
    ("projection-help", &["projection", "--help"]),
    ("projection-rebuild-help", &["projection", "rebuild", "--help"]),
    ("replay-help", &["replay", "--help"]),
    ("transfer-help", &["transfer", "--help"]),
    ("events-list", &["events", "list", "--limit", "12"]),
    ("events-list-json", &["events", "list", "--json", "--limit", "3"]),
    ("events-list-by-type", &["events", "list", "--type", "FileAdded"]),
    ("events-list-by-category", &["events", "list", "--category", "share"]),
    ("events-stats", &["events", "stats"]),
    ("events-stats-json", &["events", "stats", "--json"]),
    ("events-export", &["events", "export", "-"]),
    ("events-audit", &["events", "audit"]),
    ("events-audit-json", &["events", "audit", "--json"]),
    ("events-show-stream", &["events", "show", "file-e9b2e340-8be8-56c9-9c26-e2e5f0572701"]),
    ("replay-list", &["replay", "--until", "2026-11-30", "--user", "alice", "--list"]),
    ("replay-list-json", &["replay", "--until", "2026-11-30", "--user", "alice", "--list", "--json"]),
    ("replay-diff", &["replay", "diff", "--from", "12", "--until", "2026-11-30", "--user", "alice"]),
    ("replay-nobody", &["replay", "--until", "2026-11-30", "--user", "nobody", "--list"]),
    ("projection-parked", &["projection", "parked"]),
    ("projection-unknown", &["projection", "parked", "songs"]),
    ("projection-list-of-an-earlier-version", &["projection", "list"]),
    ("transfer-show-nothing", &["transfer", "show", "0000000000000000000000000000000000000000000000000000000000000000"]),
];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli").join(format!("{name}.txt"))
}

/// Everything that was printed, and how it ended. How long something took, and where the data are, is another each time.
fn told(output: &Output, data: &Path) -> String {
    let text = format!("{}{}exit {}\n", output.stdout, output.stderr, output.code.unwrap_or(-1));
    let text = text.replace(&data.display().to_string(), "DATA");
    let text = text.split("\"seconds\":").map(|piece| piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
    let text = text.collect::<Vec<_>>().join("\"seconds\":");
    let words = text.split_inclusive(|c: char| c.is_whitespace()).collect::<Vec<_>>();
    let is_time = |place: usize| {
        let number = words[place].trim_end();
        let seconds = words.get(place + 1).is_some_and(|unit| unit.trim_end_matches([':', ';', '.', ',', '\n', ' ']) == "s");
        seconds && number.parse::<f64>().is_ok()
    };
    (0..words.len()).map(|place| if is_time(place) { "SOME " } else { words[place] }).collect()
}

#[test]
fn what_is_printed_is_as_it_was() {
    if over::servers() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/data/0.1.0/data.tar.gz");
    assert!(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(place.path()).status().unwrap().success());
    let data = place.path().join("data");
    over::tamper(&data, "UPDATE meta SET value = 1 WHERE name = 'schema'");
    let before = fs::read(data.join("events.db")).unwrap();
    let refused = Output::of(command().args(["events", "list", "--data"]).arg(&data));
    assert!(refused.code == Some(2) && refused.stderr.contains("cairn migrate"), "{refused:?}");
    assert_eq!(fs::read(data.join("events.db")).unwrap(), before, "who only looks leaves an older schema as it is");
    over::tamper(&data, "UPDATE meta SET value = 2 WHERE name = 'schema'");
    let writes = std::env::var("CAIRN_GOLDEN").is_ok_and(|value| value == "write");
    for (name, verb) in PRINTED {
        let mut asked = command();
        let printed = told(&Output::of(asked.args(*verb).env("CAIRN_SERVER__DATA", &data).current_dir(place.path())), &data);
        if writes {
            fs::create_dir_all(golden(name).parent().unwrap()).unwrap();
            fs::write(golden(name), &printed).unwrap();
        }
        let kept = fs::read_to_string(golden(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(printed, kept, "{name}: look at it, then CAIRN_GOLDEN=write writes it");
    }
    let known: Vec<_> = PRINTED.iter().map(|(name, _)| golden(name)).collect();
    for file in fs::read_dir(golden("help").parent().unwrap()).unwrap() {
        assert!(known.contains(&file.unwrap().path()), "a golden file of nothing");
    }
}
