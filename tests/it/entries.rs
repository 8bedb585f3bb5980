//! Entries of a drive: names, the trash, history, and finding them again.

use serde_json::{Value, json};

use crate::harness::{Answer, Call, File, User, content, shared};

fn update(user: &User, wish: &Value) -> Call {
    user.post("/file/update").json(wish)
}

async fn delete(user: &User, id: &str, purge: bool) -> Answer {
    user.post("/file/delete").json(&json!({ "id": id, "purge": purge })).send().await
}

async fn restore(user: &User, id: &str) -> Answer {
    user.post("/file/restore").json(&json!({ "id": id })).send().await
}

async fn meta(user: &User, id: &str) -> Answer {
    user.get("/file/meta").query("id", id).send().await
}

#[tokio::test]
async fn an_entry_is_renamed_and_its_version_counts() {
    let user = shared().user().await;
    let file = user.upload("old.txt", b"a").await;
    let renamed: File = update(&user, &json!({ "id": file.id, "name": "新.txt" })).send().await.expect(200).read_as();
    assert_eq!((renamed.name.as_str(), renamed.version), ("新.txt", file.version + 1));
    assert!(renamed.updated_at > file.updated_at && renamed.created_at == file.created_at, "{renamed:?}");
    assert_eq!(meta(&user, &file.id).await.expect(200).read_as::<File>(), renamed);
    let again: File = update(&user, &json!({ "id": file.id, "name": "新.txt" })).send().await.expect(200).read_as();
    assert_eq!(again, renamed, "the same name again changes nothing");
    let to_top: File = update(&user, &json!({ "id": file.id, "folder_id": null })).send().await.expect(200).read_as();
    assert_eq!(to_top.folder_id, None);
}

#[tokio::test]
async fn a_change_on_condition_of_a_version_does_not_overwrite() {
    let user = shared().user().await;
    let file = user.upload("a.txt", b"a").await;
    let call =
        |name: &str, condition: &str| update(&user, &json!({ "id": file.id, "name": name })).header("if-match", condition).send();
    let seen = format!("\"{}\"", file.version);
    call("b.txt", &seen).await.expect(200);
    call("c.txt", &seen).await.problem(412, "version_conflict");
    call("c.txt", "\"nonsense\"").await.problem(412, "version_conflict");
    call("c.txt", &format!("W/\"{}\"", file.version + 1)).await.problem(412, "version_conflict");
    call("c.txt", "not a tag").await.problem(400, "malformed");
    assert_eq!(meta(&user, &file.id).await.read_as::<File>().name, "b.txt");
    call("c.txt", &format!("\"7777\", \"{}\"", file.version + 1)).await.expect(200);
    call("d.txt", "*").await.expect(200);
}

#[tokio::test]
async fn of_many_changes_on_the_same_condition_one_happens() {
    let user = shared().user().await;
    let file = user.upload("a.txt", b"a").await;
    let seen = format!("\"{}\"", file.version);
    let calls = (0..8).map(|n| update(&user, &json!({ "id": file.id, "name": format!("{n}") })).header("if-match", &seen).send());
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.problem(412, "version_conflict");
    }
    assert_eq!(meta(&user, &file.id).await.read_as::<File>().version, file.version + 1);
}

#[tokio::test]
async fn the_trash_gives_back_and_purging_does_not() {
    let user = shared().user().await;
    let file = user.upload("a.txt", b"a").await;
    let trashed: File = delete(&user, &file.id, false).await.expect(200).read_as();
    assert_eq!((trashed.status.as_str(), trashed.version), ("trashed", file.version + 1));
    assert_eq!(user.list("").await, []);
    assert_eq!(user.list("status=active").await, []);
    assert_eq!(user.list("status=trashed").await, std::slice::from_ref(&trashed));
    assert_eq!(delete(&user, &file.id, false).await.expect(200).read_as::<File>(), trashed, "twice is as once");
    assert!((400..500).contains(&update(&user, &json!({ "id": file.id, "name": "b.txt" })).send().await.status));

    let back: File = restore(&user, &file.id).await.expect(200).read_as();
    assert_eq!((back.status.as_str(), &back.name), ("active", &file.name));
    assert_eq!(restore(&user, &file.id).await.expect(200).read_as::<File>(), back);
    assert_eq!(user.download(&file.id).await, b"a");

    delete(&user, &file.id, true).await.expect(204);
    for answer in [meta(&user, &file.id).await, restore(&user, &file.id).await, delete(&user, &file.id, false).await] {
        answer.problem(404, "not_found");
    }
    assert_eq!(user.list("").await, []);
    assert_eq!(user.list("status=trashed").await, []);
}

#[tokio::test]
async fn deleting_an_entry_never_touches_another() {
    let drive = shared();
    let (user, other) = (drive.user().await, drive.user().await);
    let bytes = content(21, 10_000);
    let mine = [user.upload("a.bin", &bytes).await, user.upload("a.bin", &bytes).await];
    let theirs = other.upload("a.bin", &bytes).await;
    delete(&user, &mine[0].id, true).await.expect(204);
    assert_eq!(user.list("").await, [mine[1].clone()]);
    assert_eq!(user.download(&mine[1].id).await, bytes);
    delete(&user, &mine[1].id, true).await.expect(204);
    assert_eq!(other.download(&theirs.id).await, bytes);
    assert_eq!(other.list("").await, [theirs]);
}

#[tokio::test]
async fn a_history_tells_everything_in_order() {
    let user = shared().user().await;
    let file = user.upload("a.txt", b"a").await;
    update(&user, &json!({ "id": file.id, "name": "b.txt" })).send().await.expect(200);
    delete(&user, &file.id, false).await.expect(200);
    let last = restore(&user, &file.id).await.expect(200).position();
    let path = format!("/file/history?id={}", file.id);
    let history: Vec<Value> = user.pages(&path).await;
    let types: Vec<&str> = history.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["FileAdded", "FileRenamed", "FileTrashed", "FileRestored"]);
    assert!(history.iter().all(|event| event["actor"] == user.id && event["time"].is_string()), "{history:?}");
    assert_eq!(history[1]["data"], json!({ "name": "b.txt" }));
    assert_eq!(history[3]["position"], last);
    assert!(history.is_sorted_by_key(|event| event["position"].as_u64()));
    assert_eq!(user.pages::<Value>(&format!("{path}&limit=1")).await, history);
}

#[tokio::test]
async fn pages_hold_every_entry_once_newest_first() {
    let user = shared().user().await;
    let mut ids = Vec::new();
    for n in 0..25 {
        ids.push(user.upload(&format!("{n}.txt"), format!("{n}").as_bytes()).await.id);
    }
    ids.reverse();
    for limit in [1, 7, 25, 26, 1000] {
        let found: Vec<String> = user.list(&format!("limit={limit}")).await.into_iter().map(|file| file.id).collect();
        assert_eq!(found, ids, "limit {limit}");
    }
    let first = user.get("/file/query?limit=7").send().await.expect(200).json();
    assert_eq!(first["items"].as_array().unwrap().len(), 7);
    // What comes in between does not move the pages behind the cursor.
    user.upload("new.txt", b"new").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = user.get("/file/query?limit=7").query("cursor", cursor).send().await.expect(200).json();
    assert_eq!(second["items"][0]["id"], ids[7].as_str());
}

#[tokio::test]
async fn entries_are_found_by_name_hash_and_status() {
    let user = shared().user().await;
    let a = user.upload("Report 100%.txt", b"a").await;
    let b = user.upload("report_2.txt", b"b").await;
    let c = user.upload("照片.png", b"a").await;
    let find = async |name: &str, value: &str| -> Vec<String> {
        let answer = user.get("/file/query").query(name, value).send().await.expect(200);
        answer.items().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(find("name", "eport").await, [b.id.clone(), a.id.clone()]);
    assert_eq!(find("name", "%").await, [a.id.as_str()], "a percent sign is a percent sign");
    assert_eq!(find("name", "_").await, [b.id.as_str()]);
    assert_eq!(find("name", "片").await, [c.id.as_str()]);
    assert_eq!(find("name", "no such").await, Vec::<String>::new());
    assert_eq!(find("filehash", &a.sha256).await, [c.id.clone(), a.id.clone()]);
    assert_eq!(find("filehash", &b.sha1).await, [b.id.as_str()]);
    delete(&user, &c.id, false).await.expect(200);
    assert_eq!(find("filehash", &a.sha256).await, [a.id.as_str()]);
    assert_eq!(find("status", "trashed").await, [c.id.as_str()]);
}

#[tokio::test]
async fn queries_that_make_no_sense_are_refused() {
    let user = shared().user().await;
    for (name, value) in
        [("limit", "0"), ("limit", "1001"), ("limit", "many"), ("status", "gone"), ("filehash", "x"), ("folder_id", "x")]
    {
        user.get("/file/query").query(name, value).send().await.invalid(name);
    }
    for path in ["/file/query", "/file/mpupload/query"] {
        user.get(path).query("cursor", "nonsense").send().await.invalid("cursor");
        user.get(path).query("limit", 0).send().await.invalid("limit");
    }
    user.get("/file/meta").send().await.problem(422, "invalid");
    user.get("/file/meta").query("id", "x").send().await.invalid("id");
}

#[tokio::test]
async fn a_name_may_stand_twice() {
    let user = shared().user().await;
    let first = user.upload("twin.txt", b"1").await;
    let second = user.upload("twin.txt", b"2").await;
    assert_ne!(first.id, second.id);
    assert_eq!(user.list("name=twin").await, [second, first]);
}

#[tokio::test]
async fn there_is_no_folder_yet_to_put_anything_into() {
    let user = shared().user().await;
    let file = user.upload("a.txt", b"a").await;
    let nowhere = "0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01";
    update(&user, &json!({ "id": file.id, "folder_id": nowhere })).send().await.problem(404, "not_found");
    user.raw_upload("b.txt", "b").query("folder_id", nowhere).send().await.problem(404, "not_found");
    let init = json!({ "name": "c", "size": 1, "folder_id": nowhere });
    user.post("/file/mpupload/init").json(&init).send().await.problem(404, "not_found");
    assert_eq!(user.list("").await, [file]);
}
