use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, StreamExt, stream};
use poem::{Request, http::HeaderName};

use super::*;

const CONTENT: &[u8] = b"0123456789";
const DIGEST: [u8; 32] = [0xab; 32];

/// A source in memory that remembers what was opened.
#[derive(Clone, Default)]
struct Memory {
    opened: Arc<Mutex<Vec<Range<u64>>>>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy)]
enum Fault {
    NotThere,
    Known,
    TooShort,
    TooLong,
}

impl Source for Memory {
    fn open(&self, range: Range<u64>) -> BoxFuture<'static, io::Result<SourceStream>> {
        self.opened.lock().unwrap().push(range.clone());
        let mut bytes = CONTENT[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec();
        match self.fault {
            None => {}
            Some(Fault::NotThere) => {
                return async { Err(io::ErrorKind::NotFound.into()) }.boxed();
            }
            Some(Fault::Known) => {
                let problem = Problem::of(common::storage_full);
                return async { Err(io::Error::other(problem)) }.boxed();
            }
            Some(Fault::TooShort) => {
                bytes.pop();
            }
            Some(Fault::TooLong) => bytes.push(b'!'),
        }
        let pieces: Vec<_> = bytes.chunks(3).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        async move { Ok(stream::iter(pieces).boxed()) }.boxed()
    }
}

async fn ask(method: Method, fields: &[(HeaderName, &str)], source: Memory) -> Result<Response, Problem> {
    let mut request = Request::builder().method(method);
    for (name, value) in fields {
        request = request.header(name, *value);
    }
    let download = Download {
        name: "报告.txt".to_owned(),
        content_type: "text/plain".to_owned(),
        length: CONTENT.len() as u64,
        sha256: DIGEST,
        boundary: Uuid::nil(),
    };
    download.answer(&DownloadRequest::from(&request.finish()), source).await
}

async fn get(fields: &[(HeaderName, &str)]) -> (u16, HeaderMap, String) {
    let response = ask(Method::GET, fields, Memory::default()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.into_body().into_string().await.unwrap())
}

fn tag() -> String {
    format!("\"{}\"", "ab".repeat(32))
}

#[tokio::test]
async fn a_whole_file_comes_with_everything_that_a_client_needs() {
    let (status, headers, body) = get(&[]).await;
    assert_eq!((status, body.as_bytes()), (200, CONTENT));
    for (name, value) in [
        ("etag", tag().as_str()),
        ("accept-ranges", "bytes"),
        ("content-length", "10"),
        ("content-type", "text/plain"),
        ("content-disposition", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%8A%A5%E5%91%8A.txt"),
        ("repr-digest", "sha-256=:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=:"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(headers.get(name).map(|value| value.to_str().unwrap()), Some(value), "{name}");
    }
}

#[tokio::test]
async fn one_range_is_206() {
    let (status, headers, body) = get(&[(header::RANGE, "bytes=2-4")]).await;
    assert_eq!((status, body.as_str()), (206, "234"));
    assert_eq!(headers["content-range"], "bytes 2-4/10");
    assert_eq!(headers["content-length"], "3");
    assert_eq!(headers["etag"].to_str().unwrap(), tag());
}

#[tokio::test]
async fn many_ranges_are_a_multipart_with_its_length() {
    let (status, headers, body) = get(&[(header::RANGE, "bytes=7-,0-1")]).await;
    let boundary = "0".repeat(32);
    assert_eq!(status, 206);
    assert_eq!(headers["content-type"], format!("multipart/byteranges; boundary={boundary}").as_str());
    assert_eq!(headers["content-length"].to_str().unwrap(), body.len().to_string());
    assert!(!headers.contains_key("content-range"));
    let first = body.find("bytes 7-9/10\r\n\r\n789\r\n").unwrap();
    let second = body.find("bytes 0-1/10\r\n\r\n01\r\n").unwrap();
    assert!(first < second && body.ends_with(&format!("--{boundary}--\r\n")));
}

#[tokio::test]
async fn a_range_outside_is_416_and_says_the_length() {
    for range in ["bytes=10-", "bytes=5-2", "bytes=x"] {
        let problem = ask(Method::GET, &[(header::RANGE, range)], Memory::default()).await.unwrap_err();
        assert_eq!((problem.kind().status, problem.kind().code), (416, "range_not_satisfiable"));
        assert_eq!(poem::IntoResponse::into_response(problem).header("content-range"), Some("bytes */10"));
    }
}

#[tokio::test]
async fn two_range_fields_are_refused() {
    let fields = [(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=2-3")];
    assert_eq!(ask(Method::GET, &fields, Memory::default()).await.unwrap_err().kind().status, 416);
}

#[tokio::test]
async fn if_range_decides_whether_the_range_counts() {
    let tag = tag();
    assert_eq!(get(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, tag.as_str())]).await.0, 206);
    let (status, _, body) = get(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"other\"")]).await;
    assert_eq!((status, body.as_bytes()), (200, CONTENT));
}

#[tokio::test]
async fn a_current_copy_is_304_before_any_range() {
    let tag = tag();
    let (status, headers, body) = get(&[(header::IF_NONE_MATCH, tag.as_str()), (header::RANGE, "bytes=99-")]).await;
    assert_eq!((status, body.as_str()), (304, ""));
    assert_eq!(headers["etag"].to_str().unwrap(), tag);
    assert!(!headers.contains_key("content-disposition"));
}

#[tokio::test]
async fn head_answers_like_get_without_ranges_and_opens_nothing() {
    let memory = Memory::default();
    let response = ask(Method::HEAD, &[(header::RANGE, "bytes=0-1")], memory.clone()).await.unwrap();
    assert_eq!((response.status(), response.header("content-length")), (StatusCode::OK, Some("10")));
    assert_eq!(response.into_body().into_vec().await.unwrap(), b"");
    assert!(memory.opened.lock().unwrap().is_empty());
}

#[tokio::test]
async fn only_what_is_asked_for_is_opened() {
    let memory = Memory::default();
    let response = ask(Method::GET, &[(header::RANGE, "bytes=8-9,0-0")], memory.clone()).await.unwrap();
    assert_eq!(*memory.opened.lock().unwrap(), vec![8..10]);
    response.into_body().into_vec().await.unwrap();
    assert_eq!(*memory.opened.lock().unwrap(), vec![8..10, 0..1]);
}

#[tokio::test]
async fn a_source_that_is_not_there_is_a_problem_and_no_broken_answer() {
    let memory = Memory { fault: Some(Fault::NotThere), ..Memory::default() };
    assert_eq!(ask(Method::GET, &[], memory).await.unwrap_err().kind().status, 503);
}

#[tokio::test]
async fn a_problem_that_the_source_knows_is_the_answer() {
    let memory = Memory { fault: Some(Fault::Known), ..Memory::default() };
    assert_eq!(ask(Method::GET, &[], memory).await.unwrap_err().kind().code, "storage_full");
}

#[tokio::test]
async fn a_source_of_the_wrong_length_breaks_the_answer() {
    for fault in [Fault::TooShort, Fault::TooLong] {
        let memory = Memory { fault: Some(fault), ..Memory::default() };
        let response = ask(Method::GET, &[], memory).await.unwrap();
        assert!(response.into_body().into_vec().await.is_err());
    }
}

#[tokio::test]
async fn an_empty_file_is_an_empty_answer() {
    let download = Download {
        name: String::new(),
        content_type: "not a\nmedia type".to_owned(),
        length: 0,
        sha256: DIGEST,
        boundary: Uuid::nil(),
    };
    let response = download.answer(&DownloadRequest::from(&Request::default()), Memory::default()).await.unwrap();
    assert_eq!(response.header("content-length"), Some("0"));
    assert_eq!(response.content_type(), Some("application/octet-stream"));
    assert_eq!(response.into_body().into_vec().await.unwrap(), b"");
}
