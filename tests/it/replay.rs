//! The drive as it was.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use cairn_infra::sqlite::views::SqliteGlance;
use cairn_projections::ports::contract::rows::held_by;
use cairn_projections::ports::memory::Rows;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Drive, File, Output, User, sha256_hex, until_async};

/// The rows of the running drive, once they are up with the log.
async fn settled(drive: &Drive) -> (u64, Rows) {
    let head = drive.events().last().unwrap()["position"].as_u64().unwrap();
    let up = async || {
        let all = drive.cairn(&["projection", "list", "--json"]).json_lines();
        all.iter().all(|one| one["position"] == head).then_some(())
    };
    until_async("the read tables are up with the log", up).await;
    (head, drive.rows().await)
}

async fn rows_in(file: &Path) -> Rows {
    held_by(&SqliteGlance::open(file).await.unwrap()).await
}

async fn folder(user: &User, name: &str, parent: Option<&str>) -> String {
    let made = user.post("/folder/create").json(&json!({ "name": name, "parent_id": parent })).send().await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

async fn upload_into(user: &User, folder: &str, name: &str) -> File {
    let body = name.as_bytes().to_vec();
    user.raw_upload(name, body).query("folder_id", folder).send().await.expect(201).read_as()
}

async fn post(user: &User, path: &str, body: Value) {
    let answer = user.post(path).json(&body).send().await;
    assert!(answer.status < 300, "{path} {body}: {}", answer.status);
}

fn names_in(directory: &Path) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn head(drive: &Drive) -> String {
    drive.events().last().unwrap()["position"].to_string()
}

#[tokio::test]
async fn the_read_tables_of_a_position_a_time_and_a_day_are_made_as_a_file() {
    let drive = Drive::start();
    let (alice, bob) = (drive.user().await, drive.user().await);
    let file = alice.upload("报告.txt", b"one").await;
    let (first, then) = settled(&drive).await;
    bob.upload("b.txt", b"two").await;
    post(&alice, "/file/update", json!({ "id": file.id, "name": "renamed.txt" })).await;
    post(&alice, "/file/delete", json!({ "id": file.id })).await;
    let (last, now) = settled(&drive).await;
    assert_ne!(then, now);

    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("then.db");
    let make = |until: &str, more: &[&str]| {
        drive.cairn(&[&["replay", "--until", until, "--into", target.to_str().unwrap(), "--json"], more].concat())
    };
    let made = make(&first.to_string(), &[]).json_lines().remove(0);
    assert_eq!((&made["position"], &made["parked"], &made["file"]), (&json!(first), &json!(0), &json!(target.to_str().unwrap())));
    assert_eq!(names_in(place.path()), ["then.db"], "it needs nothing beside it");
    assert_eq!(rows_in(&target).await, then);
    fs::remove_file(&target).unwrap();

    // The last event that is not behind the time, wherever clocks have put it.
    let events = drive.events();
    let time = events.iter().find(|event| event["position"] == first).unwrap()["time"].as_str().unwrap().to_owned();
    let meant = events.iter().rfind(|event| event["time"].as_str().unwrap() <= time.as_str()).unwrap()["position"].clone();
    assert_eq!(make(&time, &[]).json_lines()[0]["position"], meant);
    if meant == first {
        assert_eq!(rows_in(&target).await, then);
    }

    let refused = make(&last.to_string(), &[]);
    assert!(refused.code == Some(1) && refused.stderr.contains("--force"), "{refused:?}");
    let day = &events.last().unwrap()["time"].as_str().unwrap()[..10];
    assert_eq!(make(day, &["--force"]).json_lines()[0]["position"], json!(last));
    assert_eq!(rows_in(&target).await, now);
    assert_eq!(names_in(place.path()), ["then.db"]);
    assert_eq!(settled(&drive).await, (last, now), "the drive's own tables are as they were");
}

#[tokio::test]
async fn a_file_is_made_where_it_can_do_no_harm_and_of_what_there_was() {
    let drive = Drive::start();
    drive.user().await;
    let place = tempfile::tempdir().unwrap();
    let (target, nowhere) = (place.path().join("x.db"), place.path().join("absent/x.db"));
    let beyond = (drive.events().last().unwrap()["position"].as_u64().unwrap() + 1_000_000_000).to_string();
    let own = drive.data().join("views.db");
    for (until, target, said) in [
        ("1", own.as_path(), "drive's own"),
        ("1", place.path(), "is a directory"),
        ("1", nowhere.as_path(), "is not there"),
        (&beyond, target.as_path(), "the log ends at"),
    ] {
        let refused = drive.cairn(&["replay", "--until", until, "--into", target.to_str().unwrap(), "--force"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
    }
    assert!(names_in(place.path()).is_empty());
    let said = drive.cairn(&["replay", "--until", "1970-01-01", "--into", target.to_str().unwrap()]).success();
    assert!(said.contains("as of position 0"), "{said}");
    assert!(rows_in(&target).await.is_empty(), "before the first event there was nothing");
}

#[tokio::test]
async fn an_interrupted_replay_leaves_the_whole_file_or_none() {
    let drive = Drive::start();
    let user = drive.user().await;
    for n in 0..40 {
        user.upload(&format!("{n}.txt"), b"a").await;
    }
    let place = tempfile::tempdir().unwrap();
    let (target, unfinished) = (place.path().join("then.db"), place.path().join("then.db.unfinished"));
    let mut replay = drive.command(&["replay", "--until", &head(&drive), "--into", target.to_str().unwrap()]);
    let mut replay = replay.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !unfinished.exists() && replay.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    // It may have ended in between.
    let _ = kill_process(Pid::from_child(&replay), Signal::INT);
    let whole = replay.wait().unwrap().success();
    assert_eq!(names_in(place.path()), if whole { vec!["then.db"] } else { Vec::new() });
}

#[tokio::test]
async fn somebodys_drive_is_listed_as_it_was() {
    let drive = Drive::start();
    let nobody_yet = drive.user().await;
    let before = head(&drive);
    let user = drive.user_called("ada").await;
    nobody_yet.upload("not hers.txt", b"x").await;
    let outer = folder(&user, "报告", None).await;
    let inner = folder(&user, "old", Some(&outer)).await;
    let (top, deep) = (user.upload("top.txt", b"top").await, upload_into(&user, &inner, "deep.txt").await);
    let first = head(&drive);
    post(&user, "/folder/delete", json!({ "id": inner })).await;
    post(&user, "/file/delete", json!({ "id": top.id, "purge": true })).await;

    let list = |until: &str| drive.cairn(&["replay", "--until", until, "--user", "ADA", "--list", "--json"]).json_lines();
    let told = |entries: &[Value]| -> Vec<(String, String)> {
        entries.iter().map(|entry| (entry["path"].as_str().unwrap().into(), entry["state"].as_str().unwrap().into())).collect()
    };
    let then = list(&first);
    let active = |path: &str| (path.to_owned(), "active".to_owned());
    let paths = ["/top.txt", "/报告/", "/报告/old/", "/报告/old/deep.txt"];
    assert_eq!(told(&then), paths.map(active));
    let file = &then[3];
    assert_eq!((&file["kind"], &file["id"], &file["size"]), (&json!("file"), &json!(deep.id), &json!(8)));
    assert_eq!((&file["sha256"], &then[1]["kind"]), (&json!(sha256_hex(b"deep.txt")), &json!("folder")));
    let trashed = |path: &str| (path.to_owned(), "trashed".to_owned());
    assert_eq!(told(&list(&head(&drive))), [active("/报告/"), trashed("/报告/old/"), trashed("/报告/old/deep.txt")]);

    let lines = drive.cairn(&["replay", "--until", &first, "--user", &user.id, "--list"]).success();
    assert!(lines.lines().count() == 5 && lines.contains(&sha256_hex(b"top")), "{lines}");
    let refused = drive.cairn(&["replay", "--until", &before, "--user", "ada", "--list"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("ada"), "{refused:?}");
}

#[tokio::test]
async fn what_changed_between_two_times_is_told_by_line() {
    let drive = Drive::start();
    let before = head_or_start(&drive);
    let user = drive.user_called("ada").await;
    let docs = folder(&user, "docs", None).await;
    let upload = async |name: &str| user.upload(name, name.as_bytes()).await;
    let (renamed, moved, replaced) = (upload("renamed.txt").await, upload("moved.txt").await, upload("replaced.txt").await);
    let (trashed, restored, removed) = (upload("trashed.txt").await, upload("restored.txt").await, upload("removed.txt").await);
    upload("same.txt").await;
    post(&user, "/file/delete", json!({ "id": restored.id })).await;
    let from = head(&drive);
    post(&user, "/file/update", json!({ "id": renamed.id, "name": "new name.txt" })).await;
    post(&user, "/file/update", json!({ "id": moved.id, "folder_id": docs })).await;
    user.raw_upload("any", "other bytes").query("replace_id", &replaced.id).send().await.expect(201);
    post(&user, "/file/delete", json!({ "id": trashed.id })).await;
    post(&user, "/file/restore", json!({ "id": restored.id })).await;
    post(&user, "/file/delete", json!({ "id": removed.id, "purge": true })).await;
    upload_into(&user, &docs, "added.txt").await;
    let until = head(&drive);
    upload("later.txt").await;

    let diff = |from: &str, until: &str, more: &[&str]| {
        drive.cairn(&[&["replay", "diff", "--from", from, "--until", until, "--user", "ada"], more].concat())
    };
    let lines = diff(&from, &until, &[]).success();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 7, "{lines:?}");
    for line in [
        "added     /docs/added.txt",
        "moved     /moved.txt -> /docs/moved.txt",
        "renamed   /renamed.txt -> /new name.txt",
        "removed   /removed.txt",
        "restored  /restored.txt",
        "trashed   /trashed.txt",
    ] {
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("replaced  /replaced.txt  (12 bytes, ")), "{lines:?}");
    let objects = diff(&from, &until, &["--json"]).json_lines();
    let change = objects.iter().find(|change| change["change"] == "replaced").unwrap();
    assert_eq!((&change["before"]["size"], &change["after"]["size"], &change["id"]), (&json!(12), &json!(11), &json!(replaced.id)));

    assert!(diff(&until, &until, &[]).success().contains("Nothing"));
    let all = diff(&before, &from, &["--json"]).json_lines();
    assert!(all.len() == 8 && all.iter().all(|change| change["change"] == "added"), "{all:?}");
    let refused = diff(&until, &from, &[]);
    assert!(refused.code == Some(1) && refused.stderr.contains("before"), "{refused:?}");
}

/// A drive that nobody has used may have an empty log.
fn head_or_start(drive: &Drive) -> String {
    drive.events().last().map_or_else(|| "0".to_owned(), |event| event["position"].to_string())
}

#[tokio::test]
async fn a_folder_is_brought_back_to_how_it_was_and_that_is_undone() {
    let drive = Drive::start();
    let user = drive.user().await;
    let outer = folder(&user, "outer", None).await;
    let inner = folder(&user, "inner", Some(&outer)).await;
    let renamed = upload_into(&user, &outer, "a.txt").await;
    let (replaced, trashed) = (upload_into(&user, &inner, "b.txt").await, upload_into(&user, &inner, "c.txt").await);
    let then = head(&drive);
    let listed = |until: &str| {
        let list = drive.cairn(&["replay", "--until", until, "--user", &user.name, "--list"]).success();
        list.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    post(&user, "/file/update", json!({ "id": renamed.id, "name": "z.txt", "folder_id": null })).await;
    user.raw_upload("b.txt", b"other".to_vec()).query("replace_id", &replaced.id).send().await.expect(201);
    post(&user, "/file/delete", json!({ "id": trashed.id })).await;
    post(&user, "/folder/update", json!({ "id": inner, "name": "other" })).await;
    let newer = upload_into(&user, &inner, "new.txt").await;
    post(&user, "/folder/delete", json!({ "id": outer })).await;
    let changed = head(&drive);
    let restore = |until: &str, more: &[&str]| {
        let verb = ["replay", "--until", until, "--restore", "--folder", &outer];
        drive.cairn(&verb.iter().chain(more).copied().collect::<Vec<_>>()).success()
    };
    let would = restore(&then, &[]);
    assert!(would.contains("restore  /outer/") && would.contains("--yes does them"), "{would}");
    assert_eq!(head(&drive), changed, "nothing was done");
    restore(&then, &["--yes"]);
    let after = listed(&head(&drive));
    assert!(listed(&then).iter().all(|line| after.contains(line)), "{after:?}");
    let meta = async |file: &File| user.get("/file/meta").query("id", &file.id).send().await.expect(200).read_as::<File>();
    until_async("the drive shows it", async || (meta(&replaced).await.sha256 == replaced.sha256).then_some(())).await;
    until_async("what came since is in the trash", async || (meta(&newer).await.status == "trashed").then_some(())).await;
    assert!(restore(&then, &["--yes"]).contains("Everything is as it was then."));
    restore(&changed, &["--yes"]);
    assert_eq!(listed(&head(&drive)), listed(&changed), "everything, wherever it stands");
    assert!(restore(&changed, &["--yes"]).contains("Everything is as it was then."));
    restore(&then, &["--yes"]);
    assert_eq!(listed(&head(&drive)), after, "there and back again");
}

fn restored(drive: &Drive, until: &str, folder: &str, more: &[&str]) -> Output {
    drive.cairn(&[&["replay", "--until", until, "--restore", "--folder", folder], more].concat())
}

fn drive_of(drive: &Drive, user: &User, until: &str) -> Vec<String> {
    let list = drive.cairn(&["replay", "--until", until, "--user", &user.name, "--list"]).success();
    list.lines().map(str::to_owned).collect()
}

/// The last line says where to go back to.
fn undo_position(output: &Output) -> String {
    let told: Value = serde_json::from_str(output.stdout.lines().last().unwrap()).unwrap();
    told["undo_until"].to_string()
}

#[tokio::test]
async fn a_folder_that_was_removed_for_good_is_made_once_and_that_is_undone() {
    let drive = Drive::start();
    let user = drive.user().await;
    let (gone, kept) = (folder(&user, "gone", None).await, folder(&user, "kept", None).await);
    let inner = folder(&user, "inner", Some(&gone)).await;
    let moved = upload_into(&user, &inner, "moved.txt").await;
    upload_into(&user, &gone, "lost.txt").await;
    let then = head(&drive);
    post(&user, "/file/update", json!({ "id": moved.id, "folder_id": kept })).await;
    post(&user, "/folder/delete", json!({ "id": gone, "purge": true })).await;
    let purged = async || drive.events().iter().any(|event| event["type"] == "FilePurged").then_some(());
    until_async("what stood in it is gone", purged).await;
    let before = head(&drive);

    let would = restored(&drive, &then, &gone, &[]);
    assert_eq!(would.code, Some(1), "something is lost: {would:?}");
    assert!(would.stdout.contains("3 things would be done, 1 were removed for good"), "{would:?}");
    let made = restored(&drive, &then, &gone, &["--yes", "--json"]);
    let before = undo_position(&made).parse::<u64>().unwrap().max(before.parse().unwrap()).to_string();
    assert_eq!(undo_position(&made), before, "{made:?}");
    let after = drive_of(&drive, &user, &head(&drive));
    assert_eq!(after.iter().filter(|line| line.ends_with("/gone/inner/moved.txt")).count(), 1, "{after:?}");
    let new_id = serde_json::from_str::<Value>(made.stdout.lines().next().unwrap()).unwrap()["id"].as_str().unwrap().to_owned();
    for folder in [&gone, &new_id] {
        let again = restored(&drive, &then, folder, &["--yes"]);
        assert!(again.stdout.contains("0 things are done, 1 could not be."), "{again:?}");
    }
    assert_eq!(drive_of(&drive, &user, &head(&drive)), after, "nothing is made twice");

    restored(&drive, &before, &gone, &["--yes"]).success();
    let undone = drive_of(&drive, &user, &head(&drive));
    let in_use = |lines: &[String]| lines.iter().filter(|line| line.starts_with("active")).cloned().collect::<Vec<_>>();
    assert_eq!(in_use(&undone), in_use(&drive_of(&drive, &user, &before)));
    assert!(undone.iter().any(|line| line.starts_with("trashed") && line.ends_with("/gone/")), "{undone:?}");
    restored(&drive, &then, &new_id, &["--yes"]);
    assert_eq!(drive_of(&drive, &user, &head(&drive)), after, "the same folder comes back out of the trash");
}

#[tokio::test]
async fn all_is_done_also_when_nobody_reads_what_is_said() {
    let drive = Drive::start();
    let user = drive.user().await;
    let outer = folder(&user, "outer", None).await;
    for number in 0..20 {
        upload_into(&user, &outer, &format!("{number}.txt")).await;
    }
    let then = head(&drive);
    for file in user.list("limit=50").await {
        post(&user, "/file/update", json!({ "id": file.id, "folder_id": null })).await;
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut unheard = drive.command(&["replay", "--until", &then, "--restore", "--folder", &outer, "--yes"]);
    unheard.stdout(writer).stderr(Stdio::null()).status().unwrap();
    assert_eq!(drive_of(&drive, &user, &head(&drive)), drive_of(&drive, &user, &then));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let drive = Drive::start();
    let folder = "3d2f8a6e-07b1-5c4d-9e58-61f0a7c324db";
    for flags in [
        &["--restore", "--folder", folder, "--user", "bobby"][..],
        &["--user", "bobby", "--list", "--folder", folder, "--yes"],
        &["--into", "then.db", "--user", "bobby"],
        &["--into", "then.db", "--folder", folder],
        &["--restore", "--folder", folder, "--force"],
    ] {
        let refused = drive.cairn(&[&["replay", "--until", "1"], flags].concat());
        assert!(refused.code == Some(2) && refused.stderr.contains("cannot be used with"), "{flags:?}: {refused:?}");
    }
}
