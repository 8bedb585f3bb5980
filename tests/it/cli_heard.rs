//! What becomes of a verb whose output nobody hears, or that can't be written.

use std::fs::File;
use std::io;
use std::process::Stdio;

use crate::harness::{Drive, Output, command, over};

/// A pipe from which nobody reads any more.
fn closed_pipe() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// A device that has no room (null(4)).
fn full() -> Stdio {
    File::options().write(true).open("/dev/full").unwrap().into()
}

#[tokio::test]
async fn whoever_has_heard_enough_changes_neither_the_answer_nor_the_work() {
    let mut drive = Drive::start();
    drive.user_called("ada").await;
    let into_a_closed_pipe = |drive: &Drive, verb: &[&str]| Output::of(drive.command(verb).stdout(closed_pipe()));
    for verb in
        [&["events", "list"][..], &["events", "stats"], &["events", "export", "-"], &["projection", "list"], &["events", "audit"]]
    {
        let ended = into_a_closed_pipe(&drive, verb);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{verb:?}");
    }
    into_a_closed_pipe(&drive, &["user", "grant", "ada", "admin"]).success();
    assert!(drive.events().iter().any(|event| event["type"] == "RoleGranted"), "it was done");
    drive.stop();
    let last = drive.events().len();
    over::tamper(drive.data(), &format!("UPDATE events SET version = version + 1 WHERE position = {last}"));
    assert_eq!(into_a_closed_pipe(&drive, &["events", "audit"]).code, Some(3));
    over::tamper(drive.data(), "DELETE FROM events WHERE position > 1");
    assert_eq!(into_a_closed_pipe(&drive, &["doctor"]).code, Some(1));
    assert_eq!(into_a_closed_pipe(&drive, &["projection", "status"]).code, Some(1));
}

#[tokio::test]
async fn what_could_not_be_said_is_an_error() {
    let drive = Drive::start();
    drive.user().await;
    for verb in [
        &["events", "list"][..],
        &["events", "audit"],
        &["events", "export", "-"],
        &["projection", "verify"],
        &["config", "check"],
        &["doctor"],
    ] {
        let ended = Output::of(drive.command(verb).stdout(full()));
        assert!(ended.code == Some(1) && ended.stderr.contains("No space left"), "{verb:?}: {ended:?}");
    }
    for verb in [&["openapi"][..], &["completions", "bash"], &["--help"], &["events", "--help"]] {
        let ended = Output::of(command().args(verb).stdout(full()));
        assert!(ended.code == Some(1) && ended.stderr.contains("standard output"), "{verb:?}: {ended:?}");
    }
    let unheard = Output::of(command().args(["events", "list", "--data", "nope"]).stderr(full()));
    assert_eq!(unheard.code, Some(1), "{unheard:?}");
}
