//! What no client should send: each has its status and its code, stores nothing, and is no server error.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Drive, RawConnection, User, shared, until_async};

/// Every call that takes JSON, with a body that it would take.
const JSON_CALLS: &[(&str, &str)] = &[
    ("/user/signup", r#"{"username":"somebody","password":"12345678"}"#),
    ("/user/signin", r#"{"username":"somebody","password":"12345678"}"#),
    ("/user/password", r#"{"old_password":"12345678","new_password":"12345678"}"#),
    ("/file/downloadurl", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/file/update", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01","name":"a"}"#),
    ("/file/delete", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/file/restore", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/folder/create", r#"{"name":"a"}"#),
    ("/folder/update", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01","name":"a"}"#),
    ("/folder/delete", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/folder/restore", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/file/versions/restore", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01","version":1}"#),
    ("/share/create", r#"{"file_id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/share/update", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01","max_downloads":7}"#),
    ("/share/revoke", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/share/save", r#"{"token":"a"}"#),
    ("/file/fastupload", r#"{"sha1":"a9993e364706816aba3e25717850c26c9cd0d89d","size":1,"name":"a"}"#),
    (
        "/file/fastupload/prove",
        r#"{"challenge_id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01","proof":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#,
    ),
    ("/offline/create", r#"{"url":"http://example.org/"}"#),
    ("/offline/cancel", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/file/mpupload/init", r#"{"name":"a","size":1}"#),
    ("/file/mpupload/complete", r#"{"upload_id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/file/mpupload/cancel", r#"{"upload_id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    ("/admin/transfers/retry", r#"{"id":"0b7cf7d6-52c1-4c5e-9f5b-6f9c0f3f7a01"}"#),
    (REBUILD, r#"{"name":"users"}"#),
    ("/admin/users/quota", r#"{"username":"somebody","quota_bytes":1}"#),
];

/// It takes an empty object as well.
const REBUILD: &str = "/admin/projections/rebuild";

/// Somebody who may call all of them.
async fn operator() -> User {
    let drive = shared();
    let user = drive.user().await;
    drive.cairn(&["user", "grant", &user.name, "admin"]).success();
    until_async("the role counts", async || (user.get("/admin/events").send().await.status == 200).then_some(())).await;
    user
}

async fn post(user: &User, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    user.post(path).header("content-type", "application/json").body(body).send().await
}

#[tokio::test]
async fn bodies_that_are_no_json_are_malformed() {
    let user = operator().await;
    for (path, good) in JSON_CALLS {
        for bad in ["", "{", "nonsense", "[1,", "{\"a\":1}{", "\u{feff}{}", "{'a':1}", &good[..good.len() - 1], &format!("{good},")]
        {
            post(&user, path, bad.to_owned()).await.problem(400, "malformed_json");
        }
        post(&user, path, &b"{\"name\":\"\xff\xfe\"}"[..]).await.problem(400, "malformed_json");
        post(&user, path, "[".repeat(100_000)).await.problem(400, "malformed_json");
    }
}

#[tokio::test]
async fn json_that_does_not_fit_names_the_field() {
    let user = operator().await;
    for (path, good) in JSON_CALLS {
        let good: Value = serde_json::from_str(good).unwrap();
        let with = |field: &str, value: Value| {
            let mut body = good.clone();
            body[field] = value;
            body.to_string()
        };
        post(&user, path, with("surprise", json!(1))).await.invalid("surprise");
        for (field, value) in good.as_object().unwrap() {
            let wrong = if value.is_string() { json!(17) } else { json!("text") };
            post(&user, path, with(field, wrong)).await.invalid(field);
            post(&user, path, with(field, json!({ "a": [1] }))).await.invalid(field);
            let twice = good.to_string().replacen('{', &format!("{{\"{field}\":{value},"), 1);
            post(&user, path, twice).await.invalid(field);
        }
        for body in ["[]", "null", "1", "\"text\""] {
            post(&user, path, body).await.problem(422, "invalid");
        }
        if *path != REBUILD {
            post(&user, path, "{}").await.problem(422, "invalid");
        }
    }
}

#[tokio::test]
async fn bodies_of_another_kind_or_size_are_refused() {
    let user = operator().await;
    for (path, good) in JSON_CALLS {
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "nonsense", "multipart/form-data; boundary=b"]
        {
            let call = user.post(path).header("content-type", media_type).body(*good);
            call.send().await.problem(415, "unsupported_media_type");
        }
        user.post(path).body(*good).send().await.problem(415, "unsupported_media_type");
        let large = format!("{{\"name\":\"{}\"}}", "a".repeat(2_000_000));
        post(&user, path, large.clone()).await.problem(413, "too_large");
        let pieces: Vec<_> =
            large.into_bytes().chunks(50_000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec().into())).collect();
        let call = user.post(path).header("content-type", "application/json").stream(futures_util::stream::iter(pieces));
        call.send().await.problem(413, "too_large");
    }
    for media_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let call = user.post("/file/mpupload/init").header("content-type", media_type).body(r#"{"name":"a","size":1}"#);
        assert!(matches!(call.send().await.status, 200 | 201));
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_said_so() {
    let user = shared().user().await;
    for path in ["/nowhere", "/file", "/file/upload/", "/file//upload", "/FILE/UPLOAD", "/user/info/x"] {
        user.get(path).send().await.problem(404, "not_found");
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/file/query", "GET"),
        (Method::GET, "/file/update", "POST"),
        (Method::PATCH, "/file/mpupload/uppart", "PUT"),
        (Method::PUT, "/file/upload", "POST"),
        (Method::POST, "/user/info", "GET"),
    ] {
        let answer = user.call(method, path).send().await;
        answer.problem(405, "method_not_allowed");
        assert!(answer.header("allow").unwrap().split(", ").any(|known| known == allowed), "{answer:?}");
    }
}

#[tokio::test]
async fn names_that_could_leave_their_folder_or_deceive_are_refused_everywhere() {
    let drive = Drive::start();
    let user = drive.user().await;
    let file = user.upload("good.txt", b"good").await;
    let events = drive.events();
    let long = "x".repeat(256);
    let long_in_bytes = "长".repeat(86);
    let names = [
        "",
        " ",
        ".",
        "..",
        "a/b",
        "/etc/passwd",
        "../a",
        "..\\a",
        "a\\b",
        "nul\0",
        "line\nfeed",
        "bell\u{7}",
        "del\u{7f}",
        "c1\u{85}",
        "\u{202e}gpj.exe",
        "rtl\u{200f}",
        "iso\u{2066}late",
        "bom\u{feff}",
        &long,
        &long_in_bytes,
    ];
    for name in names {
        user.raw_upload(name, "x").send().await.invalid("name");
        user.post("/file/update").json(&json!({ "id": file.id, "name": name })).send().await.invalid("name");
        user.post("/file/mpupload/init").json(&json!({ "name": name, "size": 1 })).send().await.invalid("name");
        let offer = json!({ "name": name, "size": 4, "sha256": file.sha256 });
        user.post("/file/fastupload").json(&offer).send().await.invalid("name");
        if !name.contains(['\0', '\n', '\u{7}', '\u{7f}', '\u{85}']) {
            let part = reqwest::multipart::Part::text("x").file_name(name.to_owned());
            user.post("/file/upload").form(reqwest::multipart::Form::new().part("file", part)).send().await.invalid("name");
        }
    }
    assert_eq!(drive.events(), events);
    assert_eq!(user.list("").await, [file]);
    assert_eq!(drive.files_in("blobs").len(), 1);
    assert_eq!(drive.files_in("staging").len(), 0);
}

#[tokio::test]
async fn names_of_the_longest_kind_and_of_every_script_are_taken() {
    let user = shared().user().await;
    let long = "x".repeat(255);
    let long_in_bytes = "长".repeat(85);
    for name in [
        "报告.pdf",
        "пример.txt",
        "😀.png",
        "עברית.txt",
        ".hidden",
        "a..b",
        "...",
        "CON",
        "a b",
        "100%",
        "a'b\"c",
        &long,
        &long_in_bytes,
    ] {
        assert_eq!(user.upload(name, b"x").await.name, name);
    }
    assert_eq!(user.upload("cafe\u{301}", b"x").await.name, "caf\u{e9}", "kept in NFC");
}

#[tokio::test]
async fn ids_that_are_none_or_anothers_are_refused() {
    let drive = shared();
    let (user, other) = (drive.user().await, drive.user().await);
    let file = other.upload("theirs.txt", b"theirs").await;
    for (path, field) in [
        ("/file/downloadurl", "id"),
        ("/file/update", "id"),
        ("/file/delete", "id"),
        ("/file/restore", "id"),
        ("/folder/update", "id"),
        ("/folder/delete", "id"),
        ("/folder/restore", "id"),
        ("/file/mpupload/complete", "upload_id"),
        ("/file/mpupload/cancel", "upload_id"),
    ] {
        user.post(path).json(&json!({ field: "not-an-id" })).send().await.invalid(field);
        user.post(path).json(&json!({ field: file.id })).send().await.problem(404, "not_found");
    }
    for (path, field) in
        [("/file/meta", "id"), ("/file/history", "id"), ("/file/download", "id"), ("/file/mpupload/status", "upload_id")]
    {
        for bad in ["not-an-id", "", "0", "../../etc/passwd", "' OR 1=1 --"] {
            user.get(path).query(field, bad).send().await.invalid(field);
        }
        user.get(path).query(field, &file.id).send().await.problem(404, "not_found");
    }
    assert_eq!(other.list("").await, [file]);
}

#[tokio::test]
async fn an_empty_cursor_is_none() {
    let user = shared().user().await;
    let file = user.upload("a.txt", b"a").await;
    let share = user.post("/share/create").json(&json!({ "file_id": file.id })).send().await.expect(201).json();
    let share = share["id"].as_str().unwrap();
    for (path, items) in [
        ("/file/query".to_owned(), 1),
        (format!("/file/history?id={}", file.id), 1),
        ("/folder/query".to_owned(), 0),
        ("/file/mpupload/query".to_owned(), 0),
        ("/share/query".to_owned(), 1),
        (format!("/share/history?id={share}"), 1),
        ("/offline/query".to_owned(), 0),
    ] {
        let all = user.get(&path).send().await.expect(200).items();
        assert!(all.len() >= items, "{path}: {all:?}");
        assert_eq!(user.get(&path).query("cursor", "").send().await.expect(200).items(), all, "{path}");
        user.get(&path).query("cursor", "nonsense").send().await.invalid("cursor");
    }
}

/// The drive would keep U+FFFD in place of what nobody can read.
#[tokio::test]
async fn a_query_that_is_not_utf8_is_refused_everywhere() {
    let user = shared().user().await;
    for bad in ["name=%ff", "name=a%C3.txt", "%fe=1", "name=caf%e9&folder_id="] {
        let call = user.post(&format!("/file/upload?{bad}")).header("content-type", "text/plain").body("x");
        call.send().await.problem(400, "malformed");
        for path in ["/file/query", "/folder/query", "/file/mpupload/query", "/user/info", "/livez", "/home"] {
            user.get(&format!("{path}?{bad}")).send().await.problem(400, "malformed");
        }
    }
    assert_eq!(user.list("").await, []);
    user.get("/file/query?name=caf%C3%A9").send().await.expect(200);
}

#[tokio::test]
async fn keys_and_positions_have_a_shape() {
    let user = shared().user().await;
    for key in ["", " ", "with space", &"k".repeat(256)] {
        let call = user.raw_upload("a", "a").header("idempotency-key", key);
        call.send().await.invalid("Idempotency-Key");
    }
    for position in ["-1", "first", "1.5"] {
        let answer = user.get("/file/query").header("cairn-min-position", position).send().await;
        assert!(answer.json()["errors"][0]["field"].as_str().unwrap().eq_ignore_ascii_case("cairn-min-position"), "{answer:?}");
        answer.problem(422, "invalid");
    }
    assert_eq!(user.list("").await, []);
}

/// What hyper itself refuses has no body, but a status, and the drive goes on.
#[tokio::test]
async fn what_is_hardly_http_is_refused_and_the_drive_goes_on() {
    let drive = shared();
    let long_header = format!("GET /livez HTTP/1.1\r\nHost: drive\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many_headers = format!("GET /livez HTTP/1.1\r\nHost: drive\r\n{}\r\n", "X: x\r\n".repeat(1_000));
    for (bytes, statuses) in [
        ("nonsense\r\n\r\n", &[400][..]),
        ("GET /file/../livez HTTP/1.1\r\nHost: drive\r\nConnection: close\r\n\r\n", &[404]),
        ("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: drive\r\nConnection: close\r\n\r\n", &[404]),
        ("GET /livez HTTP/9.9\r\n\r\n", &[400, 505]),
        ("GET /livez HTTP/1.1\r\nHost: drive\r\nContent-Length: x\r\n\r\n", &[400]),
        ("POST /user/signin HTTP/1.1\r\nHost: drive\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", &[400]),
        ("POST /user/signin HTTP/1.1\r\nHost: drive\r\nTransfer-Encoding: gzip\r\n\r\n", &[400, 501]),
        (
            "POST /user/signin HTTP/1.1\r\nHost: drive\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            &[400],
        ),
        (&long_header, &[431]),
        (&many_headers, &[431]),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}", &[400]),
    ] {
        let mut connection = RawConnection::open(drive.address());
        connection.try_send(bytes);
        if !bytes.contains("Connection: close") {
            // Who hangs up before the answer to a good request may get none.
            connection.finish();
        }
        let answer = connection.answer();
        if answer.is_empty() && statuses == [431] {
            // Of a header that was not read to its end, the reset may overtake the answer.
            continue;
        }
        let status: u16 = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"));
        assert!(statuses.contains(&status), "{answer:?} for {:?}", &bytes[..bytes.len().min(80)]);
    }
    drive.client().get("/livez").send().await.expect(200);
}

#[tokio::test]
async fn every_answer_echoes_its_request_id() {
    let client = shared().client();
    let given = client.get("/livez").header("x-request-id", "abc-123").send().await;
    assert_eq!(given.header("x-request-id"), Some("abc-123"));
    let made = client.get("/nowhere").header("x-request-id", "x".repeat(1000)).send().await;
    let id = made.header("x-request-id").unwrap().to_owned();
    assert!((1..=128).contains(&id.len()), "{id}");
    assert_eq!(made.problem(404, "not_found")["request_id"], id);
}
