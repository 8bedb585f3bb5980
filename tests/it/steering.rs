//! What operators do with the read tables: making them anew, putting them in place, taking that back, letting them stand still.

use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Drive, Output, User, command, over, until_async};

/// The one object that a verb prints.
fn told(drive: &Drive, verb: &[&str]) -> Value {
    let verb: Vec<&str> = ["projection"].iter().chain(verb).chain(&["--json"]).copied().collect();
    serde_json::from_str(&drive.cairn(&verb).success()).unwrap()
}

async fn names(user: &User) -> usize {
    user.list("").await.len()
}

fn paused(drive: &Drive) -> Vec<String> {
    let list = drive.cairn(&["projection", "list", "--json"]).success();
    let all = list.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|one| one["paused"] == true).map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn rows_are_made_anew_held_promoted_and_rolled_back_while_the_drive_runs() {
    let drive = Drive::start();
    let user = drive.user().await;
    user.upload("a.txt", b"a").await;
    assert_eq!(told(&drive, &["rebuild", "--all"])["promoted"], true);
    let held = told(&drive, &["rebuild", "--all", "--hold"]);
    assert_eq!((&held["promoted"], &held["parked"]), (&json!(false), &json!(0)));
    user.upload("b.txt", b"b").await;
    let promoted = told(&drive, &["promote"]);
    assert!(promoted["position"].as_u64() > held["position"].as_u64(), "{promoted}");
    assert_eq!(names(&user).await, 2);
    user.upload("c.txt", b"c").await;
    assert!(told(&drive, &["rollback"])["stood_at"].as_u64() >= held["position"].as_u64());
    assert_eq!(names(&user).await, 3);
    let said = drive.cairn(&["projection", "verify"]).success();
    assert!(said.contains("none differs"), "{said}");
    told(&drive, &["rollback"]);
    user.upload("d.txt", b"d").await;
    assert_eq!(names(&user).await, 4);
    let nothing = drive.cairn(&["projection", "promote"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.stderr.contains("no rebuild was stopped or held"), "{nothing:?}");
}

#[tokio::test]
async fn the_same_is_done_while_it_is_stopped() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    user.upload("a.txt", b"a").await;
    drive.stop();
    told(&drive, &["rebuild", "--all", "--hold"]);
    assert_eq!(told(&drive, &["rebuild", "--discard"]), json!({ "discarded": false, "dry_run": true }));
    assert_eq!(told(&drive, &["rebuild", "--discard", "--yes"]), json!({ "discarded": true }), "it was only said before");
    assert_eq!(told(&drive, &["rebuild", "--discard", "--yes"]), json!({ "discarded": false }));
    told(&drive, &["rebuild", "--all"]);
    told(&drive, &["rollback"]);
    assert_eq!(told(&drive, &["pause", "files"]), json!({ "name": "files", "paused": true }));
    drive.start_again();
    let user = user.back_on(&drive);
    assert_eq!(paused(&drive), ["files"]);
    told(&drive, &["resume", "files"]);
    assert_eq!(names(&user).await, 1);
}

#[tokio::test]
async fn a_paused_projection_is_told_and_goes_on_when_it_is_told_to() {
    let drive = Drive::start();
    let user = drive.user().await;
    user.upload("a.txt", b"a").await;
    told(&drive, &["pause", "files"]);
    assert_eq!(paused(&drive), ["files"]);
    user.upload("b.txt", b"b").await;
    assert_eq!(names(&user).await, 1, "the rows are as they were");
    let status = drive.cairn(&["projection", "status"]);
    assert_eq!(status.code, Some(1));
    assert!(status.stdout.contains("cairn projection resume files"), "{status:?}");
    let operator = drive.operator().await;
    let shown = operator.get("/admin/projections").send().await.expect(200).json();
    let files = shown["items"].as_array().unwrap().iter().find(|one| one["name"] == "files").unwrap();
    assert_eq!(files["paused"], true);
    told(&drive, &["resume", "files"]);
    until_async("the rows have caught up", async || (names(&user).await == 2).then_some(())).await;
    assert!(drive.cairn(&["projection", "pause", "songs"]).stderr.contains("no projection named songs"));
}

#[tokio::test]
async fn nobody_else_gives_orders_and_a_second_process_says_what_to_do() {
    let drive = Drive::start();
    if !over::servers() {
        use std::os::unix::fs::MetadataExt;
        let socket = std::fs::metadata(drive.data().join("control.sock")).unwrap();
        assert_eq!(socket.mode() & 0o777, 0o600);
        std::fs::remove_file(drive.data().join("control.sock")).unwrap();
        let refused = drive.cairn(&["projection", "rebuild", "--all"]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("takes no orders: wait for its end, or stop it first"), "{refused:?}");
    }
}

/// Interrupts a rebuild as soon as it has begun. False when it came to its end all the same.
fn interrupted(data: &Path) -> bool {
    let mut rebuild = command();
    rebuild.args(["projection", "rebuild", "--all", "--data"]).arg(data).stdout(Stdio::null()).stderr(Stdio::null());
    let mut rebuild = rebuild.spawn().unwrap();
    let draft = data.join("views.rebuild.db");
    while !draft.exists() && rebuild.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let _ = kill_process(Pid::from_child(&rebuild), Signal::INT);
    !rebuild.wait().unwrap().success()
}

/// Of so many attempts at least one comes in time.
const INTERRUPTIONS: usize = 10;

fn interrupt_some(data: &Path) {
    let in_time = (0..INTERRUPTIONS).filter(|_| {
        let in_time = interrupted(data);
        assert!(!in_time || data.join("views.kept.db").exists());
        in_time
    });
    assert!(in_time.count() > 0, "every rebuild came to its end");
}

/// Ctrl-C in the terminal of the verb stops the work, here or in the drive, which keeps what it has made.
#[tokio::test]
async fn an_interrupted_rebuild_is_kept_and_goes_on() {
    if over::servers() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    Output::of(command().args(["bench", "generate", "--events", "20000", "--data"]).arg(&data)).success();
    interrupt_some(&data);
    let drive = Drive::embedded_on(&data);
    let user = drive.user().await;
    user.upload("a.txt", b"a").await;
    interrupt_some(&data);
    assert_eq!(names(&user).await, 1);
    assert_eq!(told(&drive, &["rebuild", "--all"])["promoted"], true);
    assert!(!data.join("views.kept.db").exists());
    assert_eq!(names(&user).await, 1);
    let verified = drive.cairn(&["projection", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}
