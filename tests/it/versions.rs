//! Uploading over a file, and getting back what it was.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::harness::{Drive, File, User, content, sha256_hex};

async fn versions(user: &User, id: &str) -> Vec<(u64, u64, bool)> {
    let list = user.get("/file/versions").query("id", id).send().await.expect(200).json();
    let row = |version: &Value| {
        (version["version"].as_u64().unwrap(), version["size"].as_u64().unwrap(), version["current"].as_bool().unwrap())
    };
    list["items"].as_array().unwrap().iter().map(row).collect()
}

#[tokio::test]
async fn earlier_versions_are_listed_downloaded_and_restored() {
    let drive = Drive::start();
    let user = drive.user().await;
    let (first, second, third) = (content(1, 1_000), content(2, 2_000), content(3, 3_000));
    let file = user.upload("a.bin", &first).await;
    let raw = user.raw_upload("other name.bin", second.clone()).query("replace_id", &file.id);
    let raw: File = raw.send().await.expect(201).read_as();
    assert_eq!((&raw.id, raw.name.as_str(), raw.size, raw.version), (&file.id, "a.bin", 2_000, 2));
    let form = Form::new().text("replace_id", file.id.clone()).part("file", Part::bytes(third.clone()).file_name("x.bin"));
    let form: File = user.post("/file/upload").form(form).send().await.expect(201).read_as();
    assert_eq!((&form.id, &form.sha256, form.version), (&file.id, &sha256_hex(&third), 3));
    assert_eq!(versions(&user, &file.id).await, [(3, 3_000, true), (2, 2_000, false), (1, 1_000, false)]);
    assert_eq!(user.list("").await, std::slice::from_ref(&form));
    assert_eq!(user.info().await["used_bytes"], 6_000);
    for (number, bytes) in [(1, &first), (2, &second), (3, &third)] {
        let got = user.get("/file/download").query("id", &file.id).query("version", number).send().await.expect(200);
        assert_eq!(&got.body, bytes);
    }
    assert_eq!(user.download(&file.id).await, third);
    let restore = json!({ "id": file.id, "version": 1 });
    let back: File = user.post("/file/versions/restore").json(&restore).send().await.expect(200).read_as();
    assert_eq!((&back.sha256, back.version), (&file.sha256, 4));
    assert_eq!(user.download(&file.id).await, first);
    assert_eq!(versions(&user, &file.id).await, [(3, 3_000, false), (2, 2_000, false), (1, 1_000, true)]);
    user.get("/file/download").query("id", &file.id).query("version", 9).send().await.problem(404, "not_found");
    let wrong = json!({ "id": file.id, "version": 9 });
    user.post("/file/versions/restore").json(&wrong).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn an_upload_in_parts_and_one_by_its_hash_replace_a_file() {
    let drive = Drive::start();
    let user = drive.user().await;
    let (file, known) = (user.upload("a.txt", b"one").await, user.upload("b.txt", b"known").await);
    let wish = json!({ "name": "c.txt", "size": 5, "replace_id": file.id });
    let upload = user.init(&wish).await;
    user.part(&upload.upload_id, 1, "parts").send().await.expect(200);
    let completed: File = user.complete(&upload.upload_id).await.expect(201).read_as();
    assert_eq!((&completed.id, completed.name.as_str(), completed.size), (&file.id, "a.txt", 5));
    let again: File = user.complete(&upload.upload_id).await.expect(200).read_as();
    assert_eq!(again, completed);
    assert_eq!(user.status(&upload.upload_id).await.file, Some(completed));
    let wish = json!({ "sha256": known.sha256, "size": 5, "name": "d.txt", "replace_id": file.id });
    let instant: File = user.post("/file/fastupload").json(&wish).send().await.expect(201).read_as();
    assert_eq!((&instant.id, &instant.sha256), (&file.id, &known.sha256));
    assert_eq!(versions(&user, &file.id).await.len(), 3);
}

#[tokio::test]
async fn only_ones_own_file_in_use_can_be_replaced() {
    let drive = Drive::start();
    let (user, other) = (drive.user().await, drive.user().await);
    let file = user.upload("a.txt", b"one").await;
    let over = |who: &User, id: &str| who.raw_upload("a.txt", "x").query("replace_id", id);
    over(&other, &file.id).send().await.problem(404, "not_found");
    over(&user, "x").send().await.problem(422, "invalid");
    other.get("/file/versions").query("id", &file.id).send().await.problem(404, "not_found");
    user.post("/file/delete").json(&json!({ "id": file.id })).send().await.expect(200);
    over(&user, &file.id).send().await.problem(409, "file_trashed");
    let wish = json!({ "name": "c.txt", "size": 5, "replace_id": file.id });
    user.post("/file/mpupload/init").json(&wish).send().await.problem(409, "file_trashed");
    user.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
    over(&user, &file.id).send().await.problem(404, "not_found");
    assert_eq!(user.info().await["used_bytes"], 0);
}
