//! What the doctor says about drives that are well, and about others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Drive, Output, command, over};

fn doctor(drive: &Drive, environment: &[(&str, &str)]) -> (Option<i32>, Vec<Value>) {
    let mut asked = drive.command(&["doctor", "--json"]);
    let output = Output::of(asked.envs(environment.iter().copied()));
    let lines = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    (output.code, lines.collect())
}

fn health(seen: &[Value], what: &str) -> String {
    let one = seen.iter().find(|seen| seen["what"] == what).unwrap_or_else(|| panic!("{what}: {seen:?}"));
    one["health"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_drive_that_is_well_is_said_to_be_whether_it_runs_or_not() {
    let mut drive = Drive::start();
    drive.user().await.upload("a.txt", b"a").await;
    for running in [true, false] {
        if !running {
            drive.stop();
        }
        let (code, seen) = doctor(&drive, &[]);
        assert_eq!(code, Some(0), "{seen:?}");
        for what in [
            "program",
            "configuration",
            "data directory",
            "log",
            "schema",
            "versions of rows",
            "clock",
            "read tables",
            "transfers",
            "store local",
            "queue",
            "cache",
            "bus",
        ] {
            assert_eq!(health(&seen, what), "well", "{seen:?}");
        }
        let said = seen.iter().find(|seen| seen["what"] == "drive").unwrap()["said"].as_str().unwrap().to_owned();
        assert_eq!(said.starts_with("a drive is running"), running, "{said}");
    }
    let words = drive.cairn(&["doctor"]).success();
    assert!(words.lines().all(|line| line.starts_with("ok") || line.starts_with("mind")), "{words}");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do_about_it() {
    let drive = Drive::start();
    drive.user().await;
    let mode = |mode| fs::set_permissions(drive.data(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o755);
    let (code, seen) = doctor(&drive, &[]);
    assert_eq!((code, health(&seen, "data directory")), (Some(0), "mind".to_owned()));
    mode(0o700);
    // Nobody is at home there.
    let away = [("CAIRN_QUEUE__URL", "amqp://guest:secret@127.0.0.1:9/"), ("CAIRN_CACHE__URL", "redis://127.0.0.1:9/")];
    let (code, seen) = doctor(&drive, &away);
    assert_eq!(code, Some(1), "{seen:?}");
    for what in ["queue", "cache"] {
        assert_eq!(health(&seen, what), "ill");
    }
    assert!(seen.iter().filter(|seen| seen["health"] != "well").all(|seen| !seen["advice"].as_str().unwrap().is_empty()));
    assert!(!format!("{seen:?}").contains("secret@"), "no password is told: {seen:?}");
    assert_eq!(health(&seen, "log"), "well");
}

#[test]
fn a_place_without_a_drive_and_a_configuration_that_is_none_are_ill() {
    let place = tempfile::tempdir().unwrap();
    let ask = |data: &Path, config: Option<&Path>| {
        let mut asked = command();
        asked.args(["doctor", "--data"]).arg(data);
        if let Some(config) = config {
            asked.arg("--config").arg(config);
        }
        Output::of(&mut asked)
    };
    let absent = ask(&place.path().join("absent"), None);
    assert!(absent.code == Some(1) && absent.stdout.contains("--data"), "{absent:?}");
    assert!(!place.path().join("absent").exists(), "nothing was made");
    let broken = place.path().join("broken.toml");
    fs::write(&broken, "[server\n").unwrap();
    let said = ask(place.path(), Some(&broken));
    assert!(said.code == Some(2) && said.stdout.contains("ILL   configuration"), "{said:?}");
}

/// What a rebuild would do to the rows then is not what anybody wants.
#[tokio::test]
async fn a_log_that_was_emptied_is_to_be_restored_and_not_to_be_projected() {
    let mut drive = Drive::start();
    drive.user().await;
    drive.stop();
    for change in ["DELETE FROM events", "DELETE FROM log_digest"] {
        over::tamper(drive.data(), change);
    }
    let (code, seen) = doctor(&drive, &[]);
    assert_eq!((code, health(&seen, "rows of files")), (Some(1), "ill".to_owned()), "{seen:?}");
    let advice = seen.iter().find(|seen| seen["what"] == "rows of files").unwrap()["advice"].as_str().unwrap();
    assert!(advice.contains("cairn restore") && !advice.contains("rebuild --all"), "{advice}");
}

/// Events of a day that has not come.
#[tokio::test]
async fn a_clock_that_is_wrong_is_noticed() {
    let drive = Drive::start();
    drive.user().await;
    let last = drive.events().len();
    over::tamper(drive.data(), &format!("UPDATE events SET time = time + 86400000000 WHERE position = {last}"));
    let (_, seen) = doctor(&drive, &[]);
    assert_eq!(health(&seen, "clock"), "mind", "{seen:?}");
}
