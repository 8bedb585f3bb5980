//! Downloads: ranges, conditions, names, and links that need no token.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, File, User, content, digest_field, sha256_hex, shared, until_async};

const SIZE: usize = 400_000;

async fn user_with_file() -> (User, File, Vec<u8>) {
    let user = shared().user().await;
    let bytes = content(11, SIZE);
    let file = user.upload("数据 \"a\"; b/../.bin".replace('/', "_").as_str(), &bytes).await;
    (user, file, bytes)
}

async fn range(user: &User, file: &File, range: &str) -> Answer {
    user.get("/file/download").query("id", &file.id).header("range", range).send().await
}

#[tokio::test]
async fn a_whole_download_says_what_it_is() {
    let drive = shared();
    let user = drive.user().await;
    let bytes = content(11, SIZE);
    let file = user.upload("报告 2026.html", &bytes).await;
    let answer = user.get("/file/download").query("id", &file.id).send().await.expect(200);
    assert_eq!(answer.body, bytes);
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", file.sha256).as_str()));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.number("content-length"), Some(SIZE as u64));
    assert_eq!(answer.header("repr-digest"), Some(digest_field(&bytes).as_str()));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("content-security-policy").unwrap().contains("sandbox"), "{answer:?}");
    let disposition = answer.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    assert!(disposition.contains("filename*=UTF-8''%E6%8A%A5%E5%91%8A%202026.html"), "{disposition}");

    let head = user.call(Method::HEAD, "/file/download").query("id", &file.id).send().await.expect(200);
    assert!(head.body.is_empty());
    for name in ["etag", "accept-ranges", "content-length", "repr-digest", "content-disposition", "content-type"] {
        assert_eq!(head.header(name), answer.header(name), "{name}");
    }
}

#[tokio::test]
async fn one_range_is_answered_with_that_range() {
    let (user, file, bytes) = user_with_file().await;
    let last = SIZE - 1;
    let cases = [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=399990-", 399_990, last),
        ("bytes=-5", SIZE - 5, last),
        ("bytes=399990-500000", 399_990, last),
        ("bytes=-9999999", 0, last),
        ("bytes=0-99999999999999999999999999", 0, last),
        ("bytes=5-9, 7-12,13-13", 5, 13),
        ("bytes=5-9,9999999-", 5, 9),
    ];
    for (field, first, last) in cases {
        let answer = range(&user, &file, field).await.expect(206);
        assert_eq!(answer.header("content-range"), Some(format!("bytes {first}-{last}/{SIZE}").as_str()), "{field}");
        assert_eq!(answer.body, &bytes[first..=last], "{field}");
    }
}

#[tokio::test]
async fn many_ranges_are_answered_in_parts() {
    let (user, file, bytes) = user_with_file().await;
    let answer = range(&user, &file, "bytes=0-9,200000-299999,-1").await.expect(206);
    let content_type = answer.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let wanted = [(0, 9), (200_000, 299_999), (SIZE - 1, SIZE - 1)];
    let mut rest = answer.body.as_slice();
    for (place, (first, last)) in wanted.into_iter().enumerate() {
        let opening = format!("{}--{boundary}\r\n", if place == 0 { "" } else { "\r\n" });
        rest = rest.strip_prefix(opening.as_bytes()).unwrap();
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&rest[..end]);
        assert!(head.contains(&format!("Content-Range: bytes {first}-{last}/{SIZE}")), "{head}");
        rest = rest[end + 4..].strip_prefix(&bytes[first..=last]).unwrap();
    }
    assert_eq!(rest, format!("\r\n--{boundary}--\r\n").as_bytes());
}

#[tokio::test]
async fn ranges_that_make_no_sense_are_refused_or_ignored() {
    let (user, file, bytes) = user_with_file().await;
    let too_many = format!("bytes={}", (0..40).map(|n| format!("{}-{}", n * 10, n * 10 + 1)).collect::<Vec<_>>().join(","));
    for field in ["bytes=9-5", "bytes=400000-", "bytes=-0", "bytes=", "bytes=a-b", "bytes=1-2,9-5", "bytes=--5", &too_many] {
        let answer = range(&user, &file, field).await;
        answer.problem(416, "range_not_satisfiable");
        assert_eq!(answer.header("content-range"), Some(format!("bytes */{SIZE}").as_str()), "{field}");
    }
    for field in ["lines=1-2", "pages=1-"] {
        assert_eq!(range(&user, &file, field).await.expect(200).body, bytes);
    }
    let empty = user.upload("empty", b"").await;
    range(&user, &empty, "bytes=0-0").await.problem(416, "range_not_satisfiable");
    assert_eq!(range(&user, &empty, "bytes=-5").await.expect(200).body, b"");
    // A range counts for GET alone (RFC 9110 section 14.2).
    let head = user.call(Method::HEAD, "/file/download").query("id", &file.id).header("range", "bytes=0-1");
    assert_eq!(head.send().await.expect(200).number("content-length"), Some(SIZE as u64));
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let (user, file, bytes) = user_with_file().await;
    let get = |name: &str, value: String| user.get("/file/download").query("id", &file.id).header(name, value);
    let tag = format!("\"{}\"", file.sha256);
    for value in [tag.clone(), format!("W/{tag}"), "*".to_owned(), format!("\"other\", {tag}")] {
        let answer = get("if-none-match", value.clone()).send().await.expect(304);
        assert!(answer.body.is_empty());
        assert_eq!(answer.header("etag"), Some(tag.as_str()), "{value}");
    }
    get("if-none-match", "\"other\"".to_owned()).send().await.expect(200);
    let part = |value: String| get("range", "bytes=0-4".to_owned()).header("if-range", value).send();
    assert_eq!(part(tag.clone()).await.expect(206).body, &bytes[..5]);
    for value in ["\"other\"".to_owned(), format!("W/{tag}"), "Wed, 21 Oct 2026 07:28:00 GMT".to_owned()] {
        assert_eq!(part(value).await.expect(200).body.len(), SIZE);
    }
}

#[tokio::test]
async fn a_hash_means_the_callers_newest_entry_with_that_content() {
    let drive = shared();
    let (user, other) = (drive.user().await, drive.user().await);
    let bytes = content(12, 5_000);
    user.upload("older.bin", &bytes).await;
    let newer = user.upload("newer.bin", &bytes).await;
    for hash in [&newer.sha256, &newer.sha1, &newer.sha256.to_uppercase()] {
        let answer = user.get("/file/download").query("filehash", hash).send().await.expect(200);
        assert!(answer.header("content-disposition").unwrap().contains("newer.bin"), "{answer:?}");
        let meta: File = user.get("/file/meta").query("filehash", hash).send().await.expect(200).read_as();
        assert_eq!(meta, newer);
        other.get("/file/download").query("filehash", hash).send().await.problem(404, "not_found");
        other.get("/file/meta").query("filehash", hash).send().await.problem(404, "not_found");
    }
    user.get("/file/download").query("filehash", "0".repeat(64)).send().await.problem(404, "not_found");
    for (name, value) in [("filehash", "abc"), ("id", "abc")] {
        user.get("/file/download").query(name, value).send().await.invalid(name);
    }
    let neither = user.get("/file/download").send().await;
    neither.problem(422, "invalid");
}

#[tokio::test]
async fn a_link_works_without_a_token_until_it_ends() {
    let (user, file, bytes) = user_with_file().await;
    let anonymous = user.anonymous();
    let link = |wish: serde_json::Value| user.post("/file/downloadurl").json(&wish).send();
    let answer = link(json!({ "id": file.id })).await.expect(200).json();
    let url = answer["url"].as_str().unwrap();
    assert!(answer["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(anonymous.get(url).send().await.expect(200).body, bytes);
    anonymous.call(Method::HEAD, url).send().await.expect(200);
    assert_eq!(anonymous.get(url).header("range", "bytes=1-3").send().await.expect(206).body, &bytes[1..4]);

    let (path, query) = url.split_once('?').unwrap();
    for place in (0..query.len()).filter(|place| query.as_bytes()[*place].is_ascii_alphanumeric()) {
        let mut changed = query.as_bytes().to_vec();
        changed[place] = if changed[place] == b'1' { b'2' } else { b'1' };
        let changed = format!("{path}?{}", String::from_utf8(changed).unwrap());
        let status = anonymous.get(&changed).send().await.status;
        assert!((400..500).contains(&status), "{status} for {changed}");
    }

    link(json!({ "id": file.id, "expires_in": 0 })).await.invalid("expires_in");
    link(json!({ "id": file.id, "expires_in": 7 * 24 * 3600 + 1 })).await.invalid("expires_in");
    let brief = link(json!({ "id": file.id, "expires_in": 1 })).await.expect(200).json();
    until_async("the link ends", async || {
        let status = anonymous.get(brief["url"].as_str().unwrap()).send().await.status;
        (400..500).contains(&status).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_link_ends_with_its_file() {
    let (user, file, _) = user_with_file().await;
    let answer = user.post("/file/downloadurl").json(&json!({ "id": file.id })).send().await.expect(200).json();
    user.post("/file/delete").json(&json!({ "id": file.id, "purge": true })).send().await.expect(204);
    let status = user.anonymous().get(answer["url"].as_str().unwrap()).send().await.status;
    assert!((400..500).contains(&status), "{status}");
    user.get("/file/download").query("id", &file.id).send().await.problem(404, "not_found");
}

#[tokio::test]
async fn many_read_one_file_at_once() {
    let (user, file, bytes) = user_with_file().await;
    let reads = (0..16).map(|_| user.download(&file.id));
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(sha256_hex(&read), sha256_hex(&bytes));
    }
}
