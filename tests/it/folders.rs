//! Folders: what stands in them, moving, the trash.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Call, Drive, File, User, shared};

fn create(user: &User, name: &str, parent: Option<&str>) -> Call {
    user.post("/folder/create").json(&json!({ "name": name, "parent_id": parent }))
}

async fn made(user: &User, name: &str, parent: Option<&str>) -> String {
    create(user, name, parent).send().await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

async fn upload_into(user: &User, folder: &str, name: &str) -> File {
    let body = name.as_bytes().to_vec();
    user.raw_upload(name, body).query("folder_id", folder).send().await.expect(201).read_as()
}

async fn move_to(user: &User, id: &str, parent: Option<&str>) -> Answer {
    user.post("/folder/update").json(&json!({ "id": id, "parent_id": parent })).send().await
}

async fn delete(user: &User, id: &str, purge: bool) -> Answer {
    user.post("/folder/delete").json(&json!({ "id": id, "purge": purge })).send().await
}

async fn restore(user: &User, id: &str) -> Answer {
    user.post("/folder/restore").json(&json!({ "id": id })).send().await
}

/// The names that a list of folders has.
async fn names(user: &User, query: &str) -> Vec<String> {
    let list = user.get(&format!("/folder/query?{query}")).send().await.expect(200).json();
    list["items"].as_array().unwrap().iter().map(|folder| folder["name"].as_str().unwrap().to_owned()).collect()
}

async fn meta(user: &User, id: &str) -> Answer {
    user.get("/file/meta").query("id", id).send().await
}

async fn status_of(user: &User, file: &File) -> String {
    meta(user, &file.id).await.expect(200).read_as::<File>().status
}

#[tokio::test]
async fn a_folder_is_made_listed_renamed_and_moved() {
    let user = shared().user().await;
    let outer = create(&user, "报告", None).send().await.expect(201).json();
    assert_eq!((&outer["name"], &outer["parent_id"], &outer["status"]), (&json!("报告"), &Value::Null, &json!("active")));
    let outer = outer["id"].as_str().unwrap();
    let inner = made(&user, "inner", Some(outer)).await;
    assert_eq!(names(&user, "").await, ["inner", "报告"]);
    assert_eq!(names(&user, "parent_id=").await, ["报告"]);
    assert_eq!(names(&user, &format!("parent_id={outer}")).await, ["inner"]);
    let rename = user.post("/folder/update").json(&json!({ "id": inner, "name": "renamed" })).send().await.expect(200).json();
    assert_eq!((&rename["name"], &rename["parent_id"]), (&json!("renamed"), &json!(outer)));
    assert!(rename["updated_at"].as_str() > rename["created_at"].as_str());
    let moved = move_to(&user, &inner, None).await.expect(200).json();
    assert_eq!(moved["parent_id"], Value::Null);
    assert_eq!(names(&user, "parent_id=").await, ["renamed", "报告"]);
    made(&user, "renamed", None).await;
    assert_eq!(names(&user, "parent_id=").await, ["renamed", "renamed", "报告"], "a name may repeat");
    let first = user.get("/folder/query?limit=2").send().await.expect(200).json();
    let next = user.get("/folder/query?limit=2").query("cursor", first["next_cursor"].as_str().unwrap()).send().await;
    assert_eq!((first["items"].as_array().unwrap().len(), next.json()["items"].as_array().unwrap().len()), (2, 1));
}

#[tokio::test]
async fn files_stand_in_folders_and_move_between_them() {
    let user = shared().user().await;
    let (one, other) = (made(&user, "one", None).await, made(&user, "other", None).await);
    let file = upload_into(&user, &one, "a.txt").await;
    assert_eq!(file.folder_id.as_deref(), Some(one.as_str()));
    assert_eq!(user.list(&format!("folder_id={one}")).await, std::slice::from_ref(&file));
    let wish = json!({ "id": file.id, "folder_id": other });
    let moved: File = user.post("/file/update").json(&wish).send().await.expect(200).read_as();
    assert_eq!(user.list(&format!("folder_id={one}")).await, []);
    assert_eq!(user.list(&format!("folder_id={other}")).await, [moved]);
    let init = user.init(&json!({ "name": "b.bin", "size": 4, "folder_id": one })).await.upload_id;
    user.part(&init, 1, "part").send().await.expect(200);
    let done = user.complete(&init).await.expect(201);
    assert_eq!(done.read_as::<File>().folder_id.as_deref(), Some(one.as_str()));
}

#[tokio::test]
async fn a_folder_never_comes_to_stand_in_itself_however_many_try() {
    let user = shared().user().await;
    let (one, other) = (made(&user, "one", None).await, made(&user, "other", None).await);
    let deep = made(&user, "deep", Some(&one)).await;
    for parent in [&one, &deep] {
        move_to(&user, &one, Some(parent)).await.problem(422, "folder_cycle");
    }
    for _ in 0..10 {
        let (first, second) = tokio::join!(move_to(&user, &one, Some(&other)), move_to(&user, &other, Some(&one)));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "{first:?} {second:?}");
        tokio::join!(move_to(&user, &one, None), move_to(&user, &other, None));
    }
}

#[tokio::test]
async fn many_changes_of_one_account_or_one_file_at_once_are_all_made() {
    let user = shared().user().await;
    let created = join_all((0..64).map(|number| create(&user, &format!("f{number}"), None).send())).await;
    let ids: Vec<String> = created.into_iter().map(|answer| answer.expect(201).json()["id"].as_str().unwrap().to_owned()).collect();
    let deleted = join_all(ids.iter().take(32).map(|id| delete(&user, id, false))).await;
    for answer in deleted {
        answer.expect(200);
    }
    assert_eq!(names(&user, "parent_id=").await.len(), 32);
    let file = user.upload("a.txt", b"a").await;
    let rename = |number| user.post("/file/update").json(&json!({ "id": file.id, "name": format!("{number}.txt") })).send();
    let renamed = join_all((0..32).map(rename)).await;
    for answer in renamed {
        answer.expect(200);
    }
    let replaced = join_all((0..16).map(|number| user.raw_upload("b.txt", vec![number; 10]).query("replace_id", &file.id).send()));
    for answer in replaced.await {
        answer.expect(201);
    }
}

#[tokio::test]
async fn what_a_folder_holds_goes_to_the_trash_and_exactly_that_comes_back() {
    let user = shared().user().await;
    let outer = made(&user, "outer", None).await;
    let inner = made(&user, "inner", Some(&outer)).await;
    let (near, deep) = (upload_into(&user, &outer, "near.txt").await, upload_into(&user, &inner, "deep.txt").await);
    let before = upload_into(&user, &inner, "before.txt").await;
    user.post("/file/delete").json(&json!({ "id": before.id })).send().await.expect(200);
    let link = user.post("/file/downloadurl").json(&json!({ "id": deep.id })).send().await.expect(200).json();
    let link = link["url"].as_str().unwrap();
    let by_link = &link[link.find("/file/").unwrap()..];

    let trashed = delete(&user, &outer, false).await.expect(200).json();
    assert_eq!(trashed["status"], json!("trashed"));
    assert_eq!(delete(&user, &outer, false).await.expect(200).json(), trashed, "twice is as once");
    assert_eq!(names(&user, "").await, Vec::<String>::new());
    assert_eq!(names(&user, "status=trashed").await, ["inner", "outer"]);
    assert_eq!(user.list("").await, []);
    assert_eq!(user.list("status=trashed").await.len(), 3);
    assert_eq!(user.list(&format!("status=trashed&folder_id={inner}")).await.len(), 2);
    for file in [&near, &deep] {
        assert_eq!(status_of(&user, file).await, "trashed");
    }
    shared().client().get(by_link).send().await.problem(404, "not_found");
    user.post("/file/downloadurl").json(&json!({ "id": deep.id })).send().await.problem(409, "file_trashed");
    user.post("/file/update").json(&json!({ "id": deep.id, "name": "b" })).send().await.problem(409, "file_trashed");
    user.raw_upload("a", "a").query("folder_id", &inner).send().await.problem(404, "not_found");
    move_to(&user, &inner, None).await.problem(409, "folder_trashed");
    create(&user, "new", Some(&inner)).send().await.problem(404, "not_found");

    restore(&user, &outer).await.expect(200);
    assert_eq!(names(&user, "").await, ["inner", "outer"]);
    let mut back: Vec<_> = user.list("").await.into_iter().map(|file| file.name).collect();
    back.sort_unstable();
    assert_eq!(back, ["deep.txt", "near.txt"]);
    assert_eq!(status_of(&user, &before).await, "trashed", "it went there by itself");
    shared().client().get(by_link).send().await.expect(200);
}

#[tokio::test]
async fn one_thing_comes_back_without_the_folder_that_it_stood_in() {
    let user = shared().user().await;
    let outer = made(&user, "outer", None).await;
    let inner = made(&user, "inner", Some(&outer)).await;
    let file = upload_into(&user, &outer, "a.txt").await;
    delete(&user, &outer, false).await.expect(200);
    let back: File = user.post("/file/restore").json(&json!({ "id": file.id })).send().await.expect(200).read_as();
    assert_eq!((back.folder_id, back.status.as_str()), (None, "active"));
    let folder = restore(&user, &inner).await.expect(200).json();
    assert_eq!((&folder["parent_id"], &folder["status"]), (&Value::Null, &json!("active")));
    assert_eq!(names(&user, "status=trashed").await, ["outer"]);
}

#[tokio::test]
async fn what_stands_in_a_purged_folder_is_gone_and_its_space_is_free() {
    let drive = Drive::start();
    let user = drive.user().await;
    let outer = made(&user, "outer", None).await;
    let inner = made(&user, "inner", Some(&outer)).await;
    let file = upload_into(&user, &inner, "a.txt").await;
    let stays = user.upload("stays.txt", b"stays").await;
    delete(&user, &outer, true).await.expect(204);
    for answer in [delete(&user, &outer, true).await, restore(&user, &inner).await, meta(&user, &file.id).await] {
        answer.problem(404, "not_found");
    }
    assert_eq!(names(&user, "").await, Vec::<String>::new());
    assert_eq!(names(&user, "status=trashed").await, Vec::<String>::new());
    assert_eq!(user.list("").await, std::slice::from_ref(&stays));
    assert_eq!(user.list("status=trashed").await, []);
    let freed = async || {
        let info = user.get("/user/info").send().await.expect(200).json();
        (info["used_bytes"] == json!(stays.size)).then_some(())
    };
    crate::harness::until_async("the space is free", freed).await;
}

#[tokio::test]
async fn names_of_folders_are_as_those_of_files() {
    let user = shared().user().await;
    for bad in ["", "a/b", "..", "a\u{0}b", &"x".repeat(256), "\u{202e}gpj"] {
        create(&user, bad, None).send().await.invalid("name");
    }
    create(&user, "a", Some("not an id")).send().await.invalid("parent_id");
    user.get("/folder/query?parent_id=x").send().await.invalid("parent_id");
    create(&user, "a", Some("0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01")).send().await.problem(404, "not_found");
    assert_eq!(names(&user, "").await, Vec::<String>::new());
}

#[tokio::test]
async fn rows_made_anew_say_the_same() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    let outer = made(&user, "outer", None).await;
    let inner = made(&user, "inner", Some(&outer)).await;
    upload_into(&user, &inner, "a.txt").await;
    upload_into(&user, &outer, "b.txt").await;
    delete(&user, &inner, false).await.expect(200);
    let before = (user.list("").await, user.list("status=trashed").await, names(&user, "status=trashed").await);
    assert!(drive.stop().success());
    drive.remove_views();
    drive.start_again();
    let user = user.back_on(&drive);
    assert_eq!((user.list("").await, user.list("status=trashed").await, names(&user, "status=trashed").await), before);
}
