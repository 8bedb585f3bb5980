//! Whether the read tables are those that the log means, and what is done when they are not.

use std::fs;

use cairn_domain::{EventId, Position, StreamName, Timestamp};
use cairn_projections::ports::{Batch, Parked};
use cairn_projections::projection::files::UserFile;
use cairn_projections::statement::{Statement, combine};
use serde_json::{Value, json};

use crate::harness::{Drive, File, Output, over};

fn changing(statements: Vec<Statement>) -> Batch {
    Batch { runs: combine(statements), ..Batch::default() }
}

/// Each row that differs, and what is said of all.
fn verify(drive: &Drive, code: i32) -> (Vec<Value>, Value) {
    let verified = drive.cairn(&["projection", "verify", "--json"]);
    assert_eq!(verified.code, Some(code), "{verified:?}");
    let mut lines: Vec<Value> = verified.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all = lines.pop().unwrap();
    assert_eq!(all["differ"], lines.len());
    (lines, all)
}

/// What became of an upload is taken out of the tables of the stopped drive, and its event parked, as if it could not be projected.
async fn park(drive: &Drive, file: &File) -> Value {
    let stream = format!("file-{}", file.id);
    let event = drive.events().into_iter().find(|event| event["stream"] == stream.as_str()).unwrap();
    let parked = Parked {
        projection: "files".to_owned(),
        stream: StreamName::try_from(stream).unwrap(),
        position: Position(event["position"].as_u64().unwrap()),
        event: event["id"].as_str().unwrap().parse::<EventId>().unwrap(),
        name: "FileAdded".to_owned(),
        reason: "a reason".to_owned(),
        parked_at: Timestamp(0),
    };
    let gone = changing(vec![Statement::remove::<UserFile>(file.id.clone())]);
    drive.change_rows(Batch { park: vec![parked], ..gone }).await;
    event
}

#[tokio::test]
async fn rows_that_the_log_means_are_verified() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    user.upload("a.txt", b"a").await;
    let said = drive.cairn(&["projection", "verify"]).success();
    assert!(said.starts_with("Verified ") && said.contains("none differs"), "{said}");
    drive.stop();
    let (_, all) = verify(&drive, 0);
    assert_eq!(all["position"], drive.events().last().unwrap()["position"]);
    assert!(all["rows"].as_u64().unwrap() > 3, "{all}");
}

#[tokio::test]
async fn a_row_that_was_tampered_with_is_printed() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    let (changed, missing) = (user.upload("a.txt", b"a").await, user.upload("b.txt", b"b").await);
    drive.stop();
    let size = Statement::set(changed.id.clone(), [(UserFile::Size, 7_777.into())]);
    drive.change_rows(changing(vec![size, Statement::remove::<UserFile>(missing.id.clone())])).await;
    let (rows, _) = verify(&drive, 1);
    let row = |id: &str| rows.iter().find(|row| row["key"] == id).unwrap();
    let (one, other) = (row(&changed.id), row(&missing.id));
    assert_eq!((rows.len(), &one["table"], &one["differ"]), (2, &json!("tbl_user_file"), &json!(["size"])));
    assert_eq!((&one["live"]["size"], &one["rebuilt"]["size"]), (&json!(7_777), &json!(1)));
    assert_eq!((&other["live"], &other["rebuilt"]["name"]), (&Value::Null, &json!("b.txt")));
    let said = drive.cairn(&["projection", "verify"]);
    assert!(said.stdout.contains(&format!("tbl_user_file {}  size: live 7777, rebuilt 1", changed.id)), "{said:?}");
    drive.cairn(&["projection", "rebuild", "--all"]).success();
    verify(&drive, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_verified_while_uploads_go_on() {
    let drive = Drive::start();
    let users = [drive.user().await, drive.user().await];
    let uploads = users.map(|user| {
        tokio::spawn(async move {
            for n in 0..60 {
                let file = user.upload(&format!("{n}.txt"), format!("{n} of {}", user.name).as_bytes()).await;
                let wish = json!({ "id": file.id, "name": format!("renamed {n}.txt") });
                user.post("/file/update").json(&wish).send().await.expect(200);
            }
        })
    });
    let mut positions = Vec::new();
    while positions.len() < 3 || !uploads.iter().all(tokio::task::JoinHandle::is_finished) {
        positions.push(verify(&drive, 0).1["position"].as_u64().unwrap());
    }
    for upload in uploads {
        upload.await.unwrap();
    }
    assert!(positions.windows(2).any(|pair| pair[0] < pair[1]), "the drive went on: {positions:?}");
}

#[tokio::test]
async fn tables_of_another_log_are_not_verified_and_need_attention() {
    let (mut drive, mut other) = (Drive::start(), Drive::start());
    for one in [&drive, &other] {
        one.user().await.upload("a.txt", b"a").await;
    }
    drive.stop();
    other.stop();
    let foreign = other.setting("CAIRN_VIEWS__URL").map(|url| ("CAIRN_VIEWS__URL", url.to_owned()));
    if foreign.is_none() {
        drive.remove_views();
        fs::copy(other.data().join("views.db"), drive.data().join("views.db")).unwrap();
    }
    let beside = |verb: &str| Output::of(drive.command(&["projection", verb]).envs(foreign.clone()));
    let refused = beside("verify");
    assert!(refused.code == Some(1) && refused.stderr.contains("rebuild the projections"), "{refused:?}");
    let status = beside("status");
    assert!(status.code == Some(1) && status.stdout.contains("first see that log.url"), "{status:?}");
    assert!(drive.cairn(&["projection", "retry", "files"]).code == Some(1) || over::servers());
}

#[tokio::test]
async fn a_projection_that_needs_nothing_says_so() {
    let drive = Drive::start();
    drive.user().await.upload("a.txt", b"a").await;
    let status = drive.cairn(&["projection", "status", "--json"]).json_lines();
    let names: Vec<_> = status.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"files") && names.contains(&"users"), "{names:?}");
    for one in &status {
        assert_eq!((&one["advice"], &one["lag"], &one["parked"]), (&Value::Null, &json!(0), &json!(0)), "{one}");
        // Somebody has the right to move the checkpoint for some seconds after each move, where processes share the tables.
        assert!(one["version"] == one["stored_version"] && (one["owner"].is_null() || over::servers()), "{one}");
    }
    assert_eq!(drive.cairn(&["projection", "parked"]).success(), "");
}

#[tokio::test]
async fn parked_events_are_shown_and_tried_again() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    let file = user.upload("a.txt", b"a").await;
    let running = drive.cairn(&["projection", "retry"]).success();
    assert!(running.contains("0 applied, 0 still parked"), "the running drive does it: {running}");
    drive.stop();
    let event = park(&drive, &file).await;
    let parked = drive.cairn(&["projection", "parked", "files", "--json"]).json_lines();
    assert_eq!((parked.len(), &parked[0]["id"], &parked[0]["reason"]), (1, &event["id"], &json!("a reason")));
    let lines = drive.cairn(&["projection", "parked"]).success();
    assert!(lines.lines().count() == 1 && lines.contains("FileAdded"), "{lines}");
    let status = drive.cairn(&["projection", "status"]);
    assert!(status.code == Some(1) && status.stdout.contains("cairn projection retry files"), "{status:?}");
    let tables: Vec<Value> = verify(&drive, 1).0.iter().map(|row| row["table"].clone()).collect();
    assert_eq!(tables, ["tbl_user_file", "tbl_parked"]);

    let retried = drive.cairn(&["projection", "retry", "files", "--json"]).json_lines();
    assert_eq!(retried, [json!({ "name": "files", "applied": 1, "left": 0 })]);
    verify(&drive, 0);
    drive.cairn(&["projection", "status"]).success();
    let unknown = drive.cairn(&["projection", "parked", "nonsense"]);
    assert!(unknown.code == Some(1) && unknown.stderr.contains("nonsense"), "{unknown:?}");
}

#[tokio::test]
async fn what_still_cannot_be_projected_stays_parked() {
    let mut drive = Drive::start();
    let file = drive.user().await.upload("a.txt", b"a").await;
    drive.stop();
    park(&drive, &file).await;
    let another = Parked {
        projection: "usage".to_owned(),
        stream: StreamName::try_from(format!("file-{}", file.id)).unwrap(),
        position: Position(1),
        event: file.id.parse::<EventId>().unwrap(),
        name: "FileAdded".to_owned(),
        reason: "a reason".to_owned(),
        parked_at: Timestamp(0),
    };
    drive.change_rows(Batch { park: vec![another], ..Batch::default() }).await;
    let retried = drive.cairn(&["projection", "retry"]);
    assert_eq!(retried.code, Some(1), "{retried:?}");
    assert!(
        retried.stdout.contains("1 applied, 0 still parked") && retried.stdout.contains("0 applied, 1 still parked"),
        "{retried:?}"
    );
    let parked = drive.cairn(&["projection", "parked", "--json"]).json_lines();
    assert_eq!((parked.len(), &parked[0]["projection"]), (1, &json!("usage")));
    assert!(parked[0]["reason"].as_str().unwrap().contains("another event"), "{parked:?}");
}
