use cairn_commands::ports::fetch::Resume;
use cairn_domain::offline::SourceUrl;
use futures_util::TryStreamExt;

use super::*;

fn resume(validator: &str) -> Resume {
    Resume { offset: 4, size: 10, validator: validator.to_owned() }
}

fn local() -> HttpFetch {
    fetch(&["127.0.0.1"], Names::of(&[]))
}

fn url(server: &Server, path: &str) -> SourceUrl {
    server.url(path).parse().expect("a URL")
}

fn answer(status: &str, fields: &[&str], body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{}\r\n{body}", body.len(), fields.concat())
}

async fn read(source: cairn_commands::ports::fetch::Source) -> String {
    let pieces: Vec<bytes::Bytes> = source.body.try_collect().await.expect("bytes");
    String::from_utf8(pieces.concat()).expect("text")
}

#[tokio::test]
async fn a_source_says_what_it_has() {
    let fields = [
        "etag: \"abc\"\r\n",
        "accept-ranges: bytes\r\n",
        "content-type: text/plain\r\n",
        "content-disposition: attachment; filename=\"报告.txt\"\r\n",
    ];
    let server = Server::answering(move |_| answer("200 OK", &fields, "0123456789")).await;
    let source = local().open(&url(&server, "/a"), None).await.expect("a source");
    assert_eq!((source.offset, source.size, source.validator.as_deref()), (0, Some(10), Some("\"abc\"")));
    assert_eq!(source.content_type.as_deref(), Some("text/plain"));
    assert_eq!(source.disposition.as_deref(), Some("attachment; filename=\"报告.txt\""));
    assert_eq!(read(source).await, "0123456789");
    let heard = &server.heard()[0].to_lowercase();
    assert!(heard.starts_with("get /a http/1.1\r\n") && heard.contains("accept-encoding: identity\r\n"), "{heard}");
    for field in ["cookie:", "referer:", "authorization:", "range:", "if-range:"] {
        assert!(!heard.contains(&format!("\n{field}")), "{heard}");
    }
}

#[tokio::test]
async fn a_validator_is_one_under_which_a_range_can_be_had() {
    const DATE: &str = "date: Sun, 06 Nov 1994 08:49:38 GMT\r\n";
    const CASES: [(&[&str], Option<&str>); 6] = [
        (&["etag: \"a\"\r\n"], None),
        (&["etag: \"a\"\r\n", "accept-ranges: none\r\n"], None),
        (&["etag: W/\"a\"\r\n", "accept-ranges: bytes\r\n"], None),
        (
            &["last-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "accept-ranges: bytes\r\n", DATE],
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
        ),
        (&["last-modified: Sun, 06 Nov 1994 08:49:38 GMT\r\n", "accept-ranges: bytes\r\n", DATE], None),
        (&["etag: \"a\"\r\n", "last-modified: x\r\n", "accept-ranges: bytes\r\n"], Some("\"a\"")),
    ];
    for (fields, validator) in CASES {
        let server = Server::answering(move |_| answer("200 OK", fields, "x")).await;
        let source = local().open(&url(&server, "/"), None).await.expect("a source");
        assert_eq!(source.validator.as_deref(), validator, "{fields:?}");
    }
}

#[tokio::test]
async fn the_rest_is_asked_for_and_told_from_another_content() {
    let (range, tag) = ("content-range: bytes 4-9/10\r\n", "etag: \"a\"\r\n");
    let server = Server::answering(move |_| answer("206 Partial Content", &[range, tag], "456789")).await;
    let source = local().open(&url(&server, "/"), Some(&resume("\"a\""))).await.expect("a source");
    assert_eq!((source.offset, source.size, source.validator.as_deref()), (4, Some(10), Some("\"a\"")));
    assert_eq!(read(source).await, "456789");
    let heard = &server.heard()[0].to_lowercase();
    assert!(heard.contains("range: bytes=4-\r\n") && heard.contains("if-range: \"a\"\r\n"), "{heard}");

    let whole = Server::answering(|_| answer("200 OK", &[], "0123")).await;
    let source = local().open(&url(&whole, "/"), Some(&resume("\"a\""))).await.expect("a source");
    assert_eq!((source.offset, source.size), (0, Some(4)));
    // These give a range of another content, or none: all is asked for then.
    for odd in [
        ("206 Partial Content", ["content-range: bytes 4-9/10\r\n", "etag: \"b\"\r\n"]),
        ("206 Partial Content", ["content-range: bytes 0-9/10\r\n", "etag: \"a\"\r\n"]),
        ("206 Partial Content", ["content-range: bytes 4-9/11\r\n", "etag: \"a\"\r\n"]),
        ("416 Range Not Satisfiable", ["content-range: bytes */3\r\n", ""]),
    ] {
        let answers = move |head: &str| {
            let (status, fields) = odd;
            if head.to_lowercase().contains("range: ") { answer(status, &fields, "456789") } else { answer("200 OK", &[], "all") }
        };
        let server = Server::answering(answers).await;
        let source = local().open(&url(&server, "/"), Some(&resume("\"a\""))).await.expect("a source");
        assert_eq!((source.offset, read(source).await.as_str()), (0, "all"), "{odd:?}");
    }
}

#[tokio::test]
async fn an_answer_says_whether_it_helps_to_ask_again() {
    for (status, denied) in [
        ("404 Not Found", true),
        ("403 Forbidden", true),
        ("401 Unauthorized", true),
        ("204 No Content", true),
        ("206 Partial Content", true),
        ("304 Not Modified", true),
        ("501 Not Implemented", true),
        ("408 Request Timeout", false),
        ("429 Too Many Requests", false),
        ("500 Internal Server Error", false),
        ("503 Service Unavailable", false),
    ] {
        let server = Server::answering(move |_| answer(status, &[], "")).await;
        let opened = local().open(&url(&server, "/"), None).await.map(|_| ());
        match opened {
            Err(FetchError::Denied { .. }) => assert!(denied, "{status}"),
            Err(FetchError::Unavailable(_)) => assert!(!denied, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn redirects_are_followed_and_not_for_ever() {
    let server = Server::answering(|head| {
        let number: u32 = head["GET /".len()..].split(' ').next().and_then(|path| path.parse().ok()).expect("a number");
        let location = format!("location: {}\r\n", number.saturating_sub(1));
        if number == 0 { answer("200 OK", &[], "here") } else { answer("307 Temporary Redirect", &[&location], "") }
    });
    let server = server.await;
    let source = local().open(&url(&server, "/3"), None).await.expect("a source");
    assert_eq!(source.url.as_str(), server.url("/0"));
    assert_eq!(read(source).await, "here");
    let lost = local().open(&url(&server, "/4"), None).await.map(|_| ());
    assert!(matches!(lost, Err(FetchError::TooManyRedirects { limit: 3 })), "{lost:?}");
    assert_eq!(server.asked(), 8);
}

#[tokio::test]
async fn a_source_that_says_nothing_is_not_waited_for() {
    let silent = Server::answering(|_| "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1234".to_owned()).await;
    let source = local().open(&url(&silent, "/"), None).await.expect("a source");
    let read: io::Result<Vec<bytes::Bytes>> = source.body.try_collect().await;
    assert!(read.is_err());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mute: SourceUrl = format!("http://127.0.0.1:{port}/").parse().expect("a URL");
    assert!(matches!(local().open(&mute, None).await, Err(FetchError::Unavailable(_))));
}

/// Errors go into the log of the operator.
#[tokio::test]
async fn no_error_tells_what_a_url_asks_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let url: SourceUrl = format!("http://127.0.0.1:{port}/a?key=secret").parse().expect("a URL");
    let Err(error) = local().open(&url, None).await else { panic!("nobody listens there") };
    let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let told: Vec<String> = chain.map(ToString::to_string).collect();
    assert!(told.len() > 1 && !told.concat().contains("secret"), "{told:?}");
}
