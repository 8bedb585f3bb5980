//! A log that moves from one kind to another.

use std::path::Path;
use std::process::Command;

use cairn_eventstore_double::Double;
use cairn_servers::shared::mariadb;
use serde_json::Value;

use crate::carrying::bare;
use crate::harness::{Drive, Output, command, content};

/// Where a log is kept.
struct Place<'a> {
    data: &'a Path,
    log: &'a str,
}

impl Place<'_> {
    fn command(&self, verb: &[&str]) -> Command {
        let mut command = command();
        command.env("CAIRN_LOG__URL", self.log).args(verb).arg("--json").arg("--data").arg(self.data);
        command
    }

    fn cairn(&self, verb: &[&str]) -> Vec<Value> {
        Output::of(&mut self.command(verb)).json_lines()
    }
}

#[tokio::test]
async fn a_log_moves_to_mysql_and_eventstoredb_and_back_and_stays_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let drive = Drive::embedded_on(&path("first"));
    let user = drive.user().await;
    for n in 0..5_u64 {
        user.upload(&format!("文件 {n}.txt"), &content(n, 200)).await;
    }
    let server = mariadb().unwrap();
    server.create_database("carried").unwrap();
    let (mysql, double) = (server.url_of("carried"), Double::start().unwrap());
    let esdb = double.url();
    let (first, second, third, last) = (path("first"), path("second"), path("third"), path("last"));
    let places = [(&first, "sqlite"), (&second, &*mysql), (&third, &*esdb), (&last, "sqlite")];
    let places = places.map(|(data, log)| Place { data, log });
    let events = bare(places[0].cairn(&["events", "list"]));
    let mut digests = Vec::new();
    for (number, pair) in places.windows(2).enumerate() {
        let file = path(&format!("{number}.ndjson.zst"));
        let file = file.to_str().unwrap();
        digests.push(pair[0].cairn(&["events", "export", file])[0]["digest"].clone());
        assert_eq!(pair[1].cairn(&["events", "import", file])[0]["imported"], events.len());
        assert_eq!(bare(pair[1].cairn(&["events", "list"])), events, "in place {number}");
        let audited = pair[1].cairn(&["events", "audit", "--no-blobs"]);
        digests.push(audited[0]["log"]["digest"].clone());
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}
