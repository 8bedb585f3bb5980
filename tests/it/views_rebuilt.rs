//! The read tables are made from the log: whoever throws them away gets the same answers again.

use serde_json::{Value, json};

use crate::harness::over::tamper_with_views;
use crate::harness::{Drive, Output, User, content};

/// Somebody who has done a bit of everything.
async fn busy_user(drive: &Drive) -> User {
    let user = drive.user().await;
    for n in 0..40_u64 {
        let file = user.upload(&format!("文件 {n}.txt"), &content(n % 7, 500)).await;
        let post = |path: &str, body: Value| user.post(path).json(&body).send();
        match n % 5 {
            0 => drop(post("/file/update", json!({ "id": file.id, "name": format!("renamed {n}") })).await.expect(200)),
            1 => drop(post("/file/delete", json!({ "id": file.id })).await.expect(200)),
            2 => drop(post("/file/delete", json!({ "id": file.id, "purge": true })).await.expect(204)),
            _ => {}
        }
    }
    for name in ["open.bin", "cancelled.bin", "merged.bin"] {
        let upload = user.init(&json!({ "name": name, "size": 10, "part_size": 5 })).await.upload_id;
        user.part(&upload, 2, "67890").send().await.expect(200);
        match name {
            "cancelled.bin" => drop(user.cancel(&upload).await.expect(204)),
            "merged.bin" => {
                user.part(&upload, 1, "12345").send().await.expect(200);
                user.complete(&upload).await.expect(201);
            }
            _ => {}
        }
    }
    user
}

/// Everything that the read tables answer.
async fn everything(user: &User) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/file/query?limit=7",
        "/file/query?status=trashed&limit=3",
        "/file/query?name=renamed&limit=2",
        "/file/mpupload/query?limit=1",
    ] {
        all.extend(user.pages::<Value>(path).await);
    }
    all.push(user.info().await);
    all
}

#[tokio::test]
async fn deleted_views_come_back_the_same() {
    let mut drive = Drive::start();
    let user = busy_user(&drive).await;
    let before = everything(&user).await;
    assert!(drive.stop().success());
    drive.remove_views();
    drive.start_again();
    assert_eq!(everything(&user.back_on(&drive)).await, before);

    drive.kill();
    drive.remove_views();
    drive.start_again();
    assert_eq!(everything(&user.back_on(&drive)).await, before);
}

#[tokio::test]
async fn rebuilt_views_are_the_same() {
    let mut drive = Drive::start();
    let user = busy_user(&drive).await;
    drive.cairn(&["projection", "rebuild", "--all"]).success();
    user.upload("after the rebuild.txt", b"").await;
    let before = everything(&user).await;

    assert!(drive.stop().success());
    let said = drive.cairn(&["projection", "rebuild", "--all", "--json"]).json_lines();
    let head = drive.events().last().unwrap()["position"].clone();
    assert_eq!((&said[0]["position"], &said[0]["parked"]), (&head, &json!(0)));
    let projections = drive.cairn(&["projection", "list", "--json"]).json_lines();
    assert!(!projections.is_empty() && projections.iter().all(|one| one["lag"] == 0 && one["position"] == head), "{projections:?}");
    drive.start_again();
    assert_eq!(everything(&user.back_on(&drive)).await, before);
}

/// Going on with such rows would skip events, or count them twice.
#[tokio::test]
async fn rows_that_do_not_end_where_their_checkpoint_says_are_refused_until_they_are_rebuilt() {
    let mut drive = Drive::start();
    let user = busy_user(&drive).await;
    let before = everything(&user).await;
    let of_usage = "WHERE projection = 'usage'";
    // Where nothing says where they end, they are made anew at once.
    assert!(drive.stop().success());
    tamper_with_views(drive.data(), &format!("DELETE FROM tbl_checkpoint {of_usage}"));
    drive.start_again();
    assert_eq!(everything(&user.back_on(&drive)).await, before);
    for (change, said) in [
        (format!("UPDATE tbl_checkpoint SET position = position - 20 {of_usage}"), "another event"),
        (format!("UPDATE tbl_checkpoint SET position = position + 1000 {of_usage}"), "the log ends at"),
        (format!("UPDATE tbl_checkpoint SET log_id = event_id {of_usage}"), "another log"),
    ] {
        assert!(drive.stop().success());
        tamper_with_views(drive.data(), &change);
        let refused = Output::of(&mut drive.command(&["serve", "--listen", "127.0.0.1:0"]));
        assert_eq!(refused.code, Some(2), "{change}: {refused:?}");
        assert!(refused.stderr.contains(said) && refused.stderr.contains("rebuild"), "{change}: {refused:?}");
        drive.cairn(&["projection", "rebuild", "--all"]).success();
        drive.start_again();
        assert_eq!(everything(&user.back_on(&drive)).await, before, "{change}");
    }
}
