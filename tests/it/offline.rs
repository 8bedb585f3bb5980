//! Offline download: the drive fetches files itself, from where it may, and as often as it must.

use std::path::PathBuf;

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::{Answer, Drive, End, File, Page, Source, User, content, sha256_hex, shared, until_async};

/// Small parts, so that what breaks off has something to go on with.
const PART: usize = 65_536;

/// `Offline` of the API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Offline {
    id: String,
    url: String,
    name: Option<String>,
    state: String,
    received_bytes: u64,
    total_bytes: Option<u64>,
    error: Option<String>,
    file: Option<File>,
}

/// A drive that may ask this machine, and is soon out of patience.
fn drive_with(more: &[(&str, &str)]) -> Drive {
    let part = PART.to_string();
    let settings = [
        ("CAIRN_OFFLINE__ALLOW", "127.0.0.1/32"),
        ("CAIRN_LIMITS__PART_BYTES_DEFAULT", part.as_str()),
        ("CAIRN_OFFLINE__ATTEMPTS_MAX", "2"),
        ("CAIRN_OFFLINE__IDLE_SECONDS_MAX", "20"),
    ];
    Drive::with(&[&settings, more].concat())
}

async fn create(user: &User, wish: &Value) -> Answer {
    user.post("/offline/create").json(wish).send().await
}

async fn asked(user: &User, url: &str) -> Offline {
    create(user, &json!({ "url": url })).await.expect(202).read_as()
}

async fn status(user: &User, id: &str) -> Offline {
    user.get("/offline/status").query("id", id).send().await.expect(200).read_as()
}

async fn cancel(user: &User, id: &str) -> Answer {
    user.post("/offline/cancel").json(&json!({ "id": id })).send().await
}

/// How it has ended.
async fn ended(user: &User, id: &str) -> Offline {
    until_async("the download ends", async || {
        let offline = status(user, id).await;
        (!matches!(offline.state.as_str(), "queued" | "running")).then_some(offline)
    })
    .await
}

async fn fetched(user: &User, url: &str) -> Offline {
    let offline = ended(user, &asked(user, url).await.id).await;
    assert_eq!((offline.state.as_str(), &offline.error), ("completed", &None), "{offline:?}");
    offline
}

async fn failed(user: &User, wish: &Value, error: &str) {
    let id = create(user, wish).await.expect(202).read_as::<Offline>().id;
    let offline = ended(user, &id).await;
    assert_eq!((offline.state.as_str(), offline.error.as_deref()), ("failed", Some(error)), "{offline:?}");
    assert_eq!(offline.file, None);
}

async fn until_received(user: &User, id: &str, bytes: u64) {
    until_async("so much has come", async || {
        let offline = status(user, id).await;
        assert!(matches!(offline.state.as_str(), "queued" | "running"), "{offline:?}");
        (offline.received_bytes >= bytes).then_some(())
    })
    .await;
}

async fn listed(user: &User) -> Vec<Offline> {
    let items = user.get("/offline/query").send().await.expect(200).items();
    items.into_iter().map(|item| serde_json::from_value(item).unwrap()).collect()
}

fn assert_nothing_is_staged(drive: &Drive) {
    assert_eq!(drive.files_in("staging"), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn files_are_fetched_and_stored_like_uploads_whatever_their_source_tells() {
    let (drive, source) = (drive_with(&[]), Source::start());
    let user = drive.user().await;
    let bytes = content(91, 3 * PART + 17);
    let disposition = "content-type: text/plain\r\ncontent-disposition: attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.txt\r\n";
    let page = Page { bytes: bytes.clone(), ..Page::default() };
    source.put("/ranges/a%20b.bin", Page { tag: Some("\"a\""), ..page.clone() });
    source.put("/plain.bin", page.clone());
    source.put("/sizeless.bin", Page { hides_size: true, ..page.clone() });
    source.put("/named", Page { fields: disposition.to_owned(), ..page });
    source.put("/empty.bin", Page { tag: Some("\"e\""), ..Page::default() });
    let location = format!("location: {}\r\n", source.url("/ranges/a%20b.bin"));
    source.put("/moved", Page { status: Some("301 Moved Permanently"), fields: location, ..Page::default() });
    for (path, name, content_type, size) in [
        ("/ranges/a%20b.bin", "a b.bin", "application/octet-stream", bytes.len()),
        ("/plain.bin", "plain.bin", "application/octet-stream", bytes.len()),
        ("/sizeless.bin", "sizeless.bin", "application/octet-stream", bytes.len()),
        ("/named", "报告.txt", "text/plain", bytes.len()),
        ("/moved", "a b.bin", "application/octet-stream", bytes.len()),
        ("/empty.bin", "empty.bin", "application/octet-stream", 0),
    ] {
        let offline = fetched(&user, &source.url(path)).await;
        assert_eq!((offline.url.clone(), offline.name.as_deref()), (source.url(path), Some(name)));
        assert_eq!((offline.received_bytes, offline.total_bytes), (size as u64, Some(size as u64)));
        let file = offline.file.unwrap();
        assert_eq!((file.name.as_str(), file.size, file.content_type.as_str()), (name, size as u64, content_type));
        assert_eq!(file.sha256, sha256_hex(&bytes[..size]));
        assert_eq!(user.download(&file.id).await, bytes[..size]);
    }
    let list = listed(&user).await;
    assert_eq!(list.len(), 6);
    assert_eq!((list[0].url.clone(), list[5].url.clone()), (source.url("/empty.bin"), source.url("/ranges/a%20b.bin")));
    assert_eq!(list[0].file.as_ref(), user.list("").await.first());
    assert_eq!((user.list("").await.len(), user.open_uploads().await.len()), (6, 0));
    assert_nothing_is_staged(&drive);
}

#[tokio::test]
async fn a_name_and_a_folder_may_be_given() {
    let (drive, source) = (drive_with(&[]), Source::start());
    let user = drive.user().await;
    let folder = user.post("/folder/create").json(&json!({ "name": "in" })).send().await.expect(201).json();
    source.put("/a", Page { bytes: b"hello".to_vec(), ..Page::default() });
    let wish = json!({ "url": source.url("/a"), "name": "b.md", "folder_id": folder["id"], "sha256": sha256_hex(b"hello") });
    let answer = create(&user, &wish).await.expect(202);
    assert!(answer.position() > 0);
    let noted: Offline = answer.read_as();
    assert_eq!((noted.name.as_deref(), noted.file), (Some("b.md"), None));
    let file = ended(&user, &noted.id).await.file.unwrap();
    assert_eq!((file.name.as_str(), file.folder_id.as_deref()), ("b.md", folder["id"].as_str()));
    let nowhere = json!({ "url": source.url("/a"), "folder_id": "0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01" });
    create(&user, &nowhere).await.problem(404, "not_found");
    create(&user, &json!({ "url": source.url("/a"), "name": "a/b" })).await.invalid("name");
    create(&user, &json!({ "url": source.url("/a"), "sha256": "short" })).await.invalid("sha256");
    create(&user, &json!({ "name": "a" })).await.invalid("url");
}

#[tokio::test]
async fn nothing_but_the_public_internet_is_asked_unless_the_operator_lists_it() {
    let (drive, source) = (shared(), Source::start());
    let user = drive.user().await;
    source.put("/a", Page { bytes: b"secret".to_vec(), ..Page::default() });
    let port = source.url("").rsplit_once(':').unwrap().1.to_owned();
    for host in ["127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "0", "[::1]", "[::ffff:127.0.0.1]"] {
        create(&user, &json!({ "url": format!("http://{host}:{port}/a") })).await.problem(422, "url_refused");
    }
    for url in [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://user:password@example.org/",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "nonsense",
        "",
    ] {
        create(&user, &json!({ "url": url })).await.problem(422, "url_refused");
    }
    assert_eq!(source.asked("/a"), [0_u64; 0]);
    assert_eq!((listed(&user).await, user.list("").await), (vec![], vec![]));
}

#[tokio::test]
async fn a_source_does_not_lead_where_nobody_may_go() {
    let (drive, source) = (drive_with(&[("CAIRN_OFFLINE__REDIRECTS_MAX", "3")]), Source::start());
    let user = drive.user().await;
    source.put("/goal", Page { bytes: b"secret".to_vec(), ..Page::default() });
    let port = source.url("").rsplit_once(':').unwrap().1.to_owned();
    let targets = [
        format!("http://[::1]:{port}/goal"),
        format!("http://127.0.0.2:{port}/goal"),
        format!("http://0.0.0.0:{port}/goal"),
        format!("http://[::ffff:127.0.0.1]:{port}/goal"),
        format!("http://a:b@127.0.0.1:{port}/goal"),
        "http://169.254.169.254/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
    ];
    for (number, target) in targets.iter().enumerate() {
        let (path, fields) = (format!("/{number}"), format!("location: {target}\r\n"));
        source.put(&path, Page { status: Some("302 Found"), fields, ..Page::default() });
        failed(&user, &json!({ "url": source.url(&path) }), "url_refused").await;
    }
    assert_eq!(source.asked("/goal"), [0_u64; 0]);
    source.put("/round", Page { status: Some("302 Found"), fields: "location: /round\r\n".to_owned(), ..Page::default() });
    failed(&user, &json!({ "url": source.url("/round") }), "too_many_redirects").await;
    assert_eq!(source.asked("/round").len(), 4);
    assert_eq!(user.list("").await, []);
    assert_nothing_is_staged(&drive);
}

#[tokio::test]
async fn what_breaks_off_goes_on_from_its_last_durable_part_where_the_source_gives_ranges() {
    let (drive, source) = (drive_with(&[]), Source::start());
    let user = drive.user().await;
    let bytes = content(92, 4 * PART + 5);
    let breaking = Page { bytes: bytes.clone(), ends: [(2 * PART + 99, End::Cut)].into(), ..Page::default() };
    source.put("/ranges", Page { tag: Some("\"a\""), ..breaking.clone() });
    source.put("/plain", breaking);
    for (path, second) in [("/ranges", 2 * PART), ("/plain", 0)] {
        let offline = fetched(&user, &source.url(path)).await;
        assert_eq!(user.download(&offline.file.unwrap().id).await, bytes);
        assert_eq!(source.asked(path), [0, second as u64]);
    }
    assert_nothing_is_staged(&drive);
}

#[tokio::test]
async fn a_killed_drive_goes_on_where_it_was() {
    // Over a log that others may share, it goes on when nothing was heard of it for so long; alone, at once.
    let (mut drive, source) = (drive_with(&[("CAIRN_OFFLINE__SILENT_SECONDS_MAX", "6")]), Source::start());
    let user = drive.user().await;
    let bytes = content(93, 4 * PART + 5);
    let page = Page { bytes: bytes.clone(), tag: Some("\"a\""), ..Page::default() };
    source.put("/a", Page { ends: [(3 * PART + 1, End::Hang)].into(), ..page.clone() });
    let id = asked(&user, &source.url("/a")).await.id;
    until_received(&user, &id, 3 * PART as u64 + 1).await;
    // The third part is on the log a moment after its last byte has come.
    let parts = || drive.events().iter().filter(|event| event["type"] == "ChunkReceived").count();
    until_async("three parts are durable", async || (parts() == 3).then_some(())).await;
    drive.kill();
    drive.start_again();
    let user = user.back_on(&drive);
    let offline = ended(&user, &id).await;
    assert_eq!(offline.state, "completed", "{offline:?}");
    assert_eq!(source.asked("/a"), [0, 3 * PART as u64]);
    let files = user.list("").await;
    assert_eq!(files.len(), 1);
    assert_eq!(user.download(&files[0].id).await, bytes);
    assert_nothing_is_staged(&drive);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_source_is_said_and_leaves_nothing() {
    let (drive, source) = (drive_with(&[("CAIRN_OFFLINE__BYTES_MAX", "100000")]), Source::start());
    let user = drive.user().await;
    let url = |path: &str| json!({ "url": source.url(path) });
    failed(&user, &url("/nothing"), "source_refused").await;
    let page = Page { bytes: content(94, 100_001), ..Page::default() };
    source.put("/large", page.clone());
    failed(&user, &url("/large"), "too_large").await;
    source.put("/endless", Page { hides_size: true, ends: [(0, End::Endless)].into(), ..page });
    failed(&user, &url("/endless"), "too_large").await;
    for (path, tag) in [("/ranges", Some("\"a\"")), ("/plain", None)] {
        source.put(path, Page { bytes: content(95, 70_000), tag, ..Page::default() });
        failed(&user, &json!({ "url": source.url(path), "sha256": sha256_hex(b"other") }), "digest_mismatch").await;
    }
    source.put("/ill", Page { status: Some("503 Service Unavailable"), ..Page::default() });
    failed(&user, &url("/ill"), "source_unavailable").await;
    assert_eq!(source.asked("/ill").len(), 2);
    assert_eq!(user.list("").await, []);
    assert_eq!(drive.files_in("blobs"), Vec::<PathBuf>::new());
    assert_nothing_is_staged(&drive);
}

#[tokio::test]
async fn a_source_that_takes_too_long_is_not_waited_for() {
    let (drive, source) = (drive_with(&[("CAIRN_OFFLINE__SECONDS_MAX", "1")]), Source::start());
    let user = drive.user().await;
    source.put("/a", Page { bytes: content(96, 3 * PART), ends: [(PART, End::Hang)].into(), ..Page::default() });
    failed(&user, &json!({ "url": source.url("/a") }), "timed_out").await;
    assert_nothing_is_staged(&drive);
}

#[tokio::test]
async fn whoever_asked_may_cancel_and_nobody_else() {
    let (drive, source) = (drive_with(&[]), Source::start());
    let (user, other) = (drive.user().await, drive.user().await);
    source.put("/ready", Page { bytes: b"ready".to_vec(), ..Page::default() });
    let done = fetched(&user, &source.url("/ready")).await;
    for tag in [Some("\"a\""), None] {
        let ends = [(PART + 1, End::Hang)].into();
        source.put("/a", Page { bytes: content(97, 3 * PART), tag, ends, ..Page::default() });
        let id = asked(&user, &source.url("/a")).await.id;
        until_received(&user, &id, PART as u64 + 1).await;
        cancel(&other, &id).await.problem(404, "not_found");
        other.get("/offline/status").query("id", &id).send().await.problem(404, "not_found");
        for _ in 0..2 {
            assert_eq!(cancel(&user, &id).await.expect(200).read_as::<Offline>().state, "cancelled");
        }
        assert_eq!(status(&user, &id).await.state, "cancelled");
        // Whoever was at it may still be putting its last bytes away.
        until_async("nothing is staged", async || drive.files_in("staging").is_empty().then_some(())).await;
    }
    assert_eq!(cancel(&user, &done.id).await.expect(200).read_as::<Offline>(), done);
    cancel(&user, "0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01").await.problem(404, "not_found");
    assert_eq!(user.list("").await.len(), 1);
    assert_eq!(listed(&other).await, []);
}

#[tokio::test]
async fn a_digest_is_enough_for_what_one_has_and_for_nothing_else() {
    let (drive, source) = (drive_with(&[]), Source::start());
    let (user, other) = (drive.user().await, drive.user().await);
    let bytes = content(98, 20_000);
    user.upload("mine.bin", &bytes).await;
    source.put("/a", Page { bytes: b"not that".to_vec(), ..Page::default() });
    let wish = json!({ "url": source.url("/a"), "sha256": sha256_hex(&bytes) });
    let offline: Offline = create(&user, &wish).await.expect(202).read_as();
    assert_eq!((offline.state.as_str(), offline.total_bytes), ("completed", Some(20_000)));
    let file = offline.file.unwrap();
    assert_eq!((file.name.as_str(), user.download(&file.id).await), ("mine.bin", bytes));
    assert_eq!(source.asked("/a"), [0_u64; 0]);
    failed(&other, &wish, "digest_mismatch").await;
    assert_eq!(other.list("").await, []);
}

#[tokio::test]
async fn an_account_has_so_many_under_way_and_no_more() {
    let (drive, source) = (drive_with(&[("CAIRN_OFFLINE__JOBS_PER_ACCOUNT_MAX", "2")]), Source::start());
    let (user, other) = (drive.user().await, drive.user().await);
    let hanging = || Page { bytes: b"hello".to_vec(), ends: [(1, End::Hang)].into(), ..Page::default() };
    for path in ["/a", "/b", "/c"] {
        source.put(path, hanging());
    }
    let first = asked(&user, &source.url("/a")).await;
    asked(&user, &source.url("/b")).await;
    create(&user, &json!({ "url": source.url("/c") })).await.problem(429, "too_many_jobs");
    asked(&other, &source.url("/c")).await;
    cancel(&user, &first.id).await.expect(200);
    asked(&user, &source.url("/c")).await;
    assert_eq!(listed(&user).await.len(), 3);
}

#[tokio::test]
async fn many_asked_for_at_once_are_no_more_than_may_be() {
    let (drive, source) = (drive_with(&[("CAIRN_OFFLINE__JOBS_PER_ACCOUNT_MAX", "3")]), Source::start());
    let user = drive.user().await;
    let paths: Vec<String> = (0..16).map(|number| format!("/{number}")).collect();
    for path in &paths {
        source.put(path, Page { bytes: b"hello".to_vec(), ends: [(1, End::Hang)].into(), ..Page::default() });
    }
    let answers = join_all(paths.iter().map(async |path| create(&user, &json!({ "url": source.url(path) })).await)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 3);
    assert!(answers.iter().all(|answer| matches!(answer.status, 202 | 429)));
    assert_eq!(listed(&user).await.len(), 3);
}

#[tokio::test]
async fn pages_of_any_size_make_the_same_list_newest_first() {
    let (drive, source) = (drive_with(&[]), Source::start());
    let user = drive.user().await;
    for number in 0..5 {
        fetched_nothing(&user, &source.url(&format!("/{number}"))).await;
    }
    let whole = listed(&user).await;
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let call = user.get("/offline/query").query("limit", 2);
        let call = if cursor.is_empty() { call } else { call.query("cursor", &cursor) };
        let page = call.send().await.expect(200).json();
        items.extend(serde_json::from_value::<Vec<Offline>>(page["items"].clone()).unwrap());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!((items.len(), items), (5, whole));
    user.get("/offline/query").query("limit", 0).send().await.problem(422, "invalid");
    user.get("/offline/query").query("cursor", "x").send().await.problem(422, "invalid");
}

async fn fetched_nothing(user: &User, url: &str) {
    failed(user, &json!({ "url": url }), "source_refused").await;
}

#[tokio::test]
async fn rows_can_be_made_anew_and_say_the_same() {
    let (mut drive, source) = (drive_with(&[]), Source::start());
    let user = drive.user().await;
    source.put("/a", Page { bytes: content(99, 2 * PART), tag: Some("\"a\""), ..Page::default() });
    fetched(&user, &source.url("/a")).await;
    fetched_nothing(&user, &source.url("/b")).await;
    let before = listed(&user).await;
    assert!(drive.stop().success());
    drive.remove_views();
    drive.start_again();
    assert_eq!(listed(&user.back_on(&drive)).await, before);
}
