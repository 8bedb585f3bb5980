#![expect(clippy::unused_async, reason = "poem-openapi wants async handlers")]

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use poem::{Body, EndpointExt, Route, endpoint::make_sync, get, post};
use poem_openapi::{OpenApiService, payload::PlainText};
use serde_json::Value;

use super::*;

struct TestApi;

#[OpenApi]
impl TestApi {
    /// Reads.
    #[oai(path = "/thing", method = "get")]
    async fn read(&self) -> PlainText<&'static str> {
        PlainText("thing")
    }

    /// Writes.
    #[oai(path = "/thing", method = "post")]
    async fn write(&self) -> PlainText<&'static str> {
        PlainText("written")
    }
}

fn app() -> impl Endpoint<Output = Response> {
    let observe = Observe::new(|| Uuid::from_u128(7)).api::<TestApi>().path("/panic", &[Method::GET]);
    Route::new()
        .nest("/", OpenApiService::new(TestApi, "test", "1"))
        .at("/panic", get(make_sync(|_| -> &'static str { panic!("the secret reason") })))
        .at("/broken", get(make_sync(|_| Err::<(), _>(poem::error::InternalServerError(std::io::Error::other("secret"))))))
        .at("/plain", post(make_sync(|_| StatusCode::CONFLICT)))
        .at("/context", get(make_sync(|request| format!("{:?}", request.data::<RequestContext>()))))
        .at(
            "/cut",
            get(make_sync(|_| {
                Response::builder().header("content-length", 10).body(Body::from_bytes_stream(futures_util::stream::iter([
                    Ok(&b"abc"[..]),
                    Err(std::io::Error::other("the disk is gone")),
                ])))
            })),
        )
        .with(observe)
}

async fn send(method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri_str(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app().call(request.finish()).await.unwrap()
}

async fn document(response: Response) -> Value {
    serde_json::from_str(&response.into_body().into_string().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_request_id_is_taken_if_it_is_visible_ascii() {
    let long = "x".repeat(128);
    for given in ["a", "7f-/!~", long.as_str()] {
        let response = send(Method::GET, "/thing", &[("x-request-id", given)]).await;
        assert_eq!(response.header("x-request-id"), Some(given));
    }
}

#[tokio::test]
async fn another_request_id_is_replaced() {
    let made = Uuid::from_u128(7).to_string();
    let too_long = "x".repeat(129);
    for given in [&[][..], &[("x-request-id", "")], &[("x-request-id", "a b")], &[("x-request-id", too_long.as_str())]] {
        let response = send(Method::GET, "/thing", given).await;
        assert_eq!(response.header("x-request-id"), Some(made.as_str()));
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let response = send(Method::GET, "/nothing", &[]).await;
    assert_eq!((response.status(), response.content_type()), (StatusCode::NOT_FOUND, Some(problem::CONTENT_TYPE)));
    assert_eq!(document(response).await["code"], "not_found");
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let response = send(Method::DELETE, "/thing", &[]).await;
    assert_eq!(response.header("allow"), Some("GET, HEAD, POST"));
    assert_eq!(document(response).await["code"], "method_not_allowed");
    assert_eq!(send(Method::POST, "/panic", &[]).await.header("allow"), Some("GET, HEAD"));
}

#[tokio::test]
async fn faults_are_500_and_leak_nothing() {
    for path in ["/panic", "/broken"] {
        let response = send(Method::GET, path, &[("x-request-id", "abc")]).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let document = document(response).await;
        assert_eq!((&document["code"], &document["request_id"]), (&"internal".into(), &"abc".into()));
        assert!(!document.to_string().contains("secret"), "{document}");
    }
}

#[tokio::test]
async fn an_error_without_a_document_gets_one() {
    let response = send(Method::POST, "/plain", &[]).await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(document(response).await["code"], "conflict");
}

#[tokio::test]
async fn handlers_see_the_id_and_the_trace() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let response = send(Method::GET, "/context", &[("traceparent", parent), ("x-request-id", "abc")]).await;
    let seen = response.into_body().into_string().await.unwrap();
    assert!(seen.contains("\"abc\"") && seen.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{seen}");
}

#[test]
fn trace_parents_are_read_strictly() {
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let read = TraceParent::parse(&format!("00-{trace}-{parent}-01")).unwrap();
    assert_eq!((read.trace_id.as_str(), read.parent_id.as_str(), read.sampled), (trace, parent, true));
    assert!(!TraceParent::parse(&format!("00-{trace}-{parent}-00")).unwrap().sampled);
    assert!(TraceParent::parse(&format!("01-{trace}-{parent}-01-more")).is_some());
    for bad in [
        String::new(),
        format!("00-{trace}-{parent}"),
        format!("00-{trace}-{parent}-01-more"),
        format!("ff-{trace}-{parent}-01"),
        format!("00-{}-{parent}-01", "0".repeat(32)),
        format!("00-{trace}-{}-01", "0".repeat(16)),
        format!("00-{}-{parent}-01", trace.to_uppercase()),
        format!("00-{trace}-{parent}-0x"),
        format!("00-{trace}é-{parent}-01"),
    ] {
        assert_eq!(TraceParent::parse(&bad), None, "{bad}");
    }
}

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log of one request whose answer was read, or thrown away unread.
async fn log_of(path: &str, headers: &[(&str, &str)], read: bool) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let response = send(Method::GET, path, headers).await;
    if read {
        let _ = response.into_body().into_vec().await;
    } else {
        drop(response);
    }
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn one_line_is_logged_without_query_and_token() {
    let headers = [("authorization", "Bearer token-of-a-user"), ("x-request-id", "abc")];
    let log = log_of("/thing?token=hidden", &headers, true).await;
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in ["INFO", "answered", "status=200", "bytes=5", "method=GET", "path=\"/thing\"", "request_id=abc"] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
    assert!(!log.contains("hidden") && !log.contains("token"), "{log}");
}

#[tokio::test]
async fn causes_are_logged() {
    let log = log_of("/panic", &[], true).await;
    assert!(log.contains("ERROR") && log.contains("the secret reason") && log.contains("code=\"internal\""), "{log}");
    assert!(log_of("/broken", &[], true).await.contains("cause=\"secret\""));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_logged_as_such() {
    let log = log_of("/cut", &[], true).await;
    assert!(log.contains("WARN") && log.contains("bytes=3") && log.contains("the disk is gone"), "{log}");
    assert!(log_of("/thing", &[], false).await.contains("cut off"));
}

#[test]
fn a_secret_in_a_path_is_not_logged() {
    let observe = Observe::new(Uuid::nil).secret_below("/s/");
    assert_eq!((observe.shown("/s/5f2c"), observe.shown("/share/info")), ("/s/", "/share/info"));
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let waiting = Route::new().at("/", poem::endpoint::make(|_| std::future::pending::<Result<()>>()));
    let endpoint = waiting.with(Observe::new(Uuid::nil));
    let unanswered = endpoint.call(Request::default()).now_or_never();
    assert!(unanswered.is_none());
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("the client left before the answer"), "{log}");
}

/// Keeps the counters of this thread.
#[derive(Default)]
struct Counters(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(name).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let counters = Counters::default();
    let guard = metrics::set_default_local_recorder(&counters);
    let odd = Method::from_bytes(b"BREW").unwrap();
    for (method, path) in [
        (Method::GET, "/thing?a=1"),
        (Method::GET, "/thing?a=2"),
        (Method::DELETE, "/thing"),
        (Method::GET, "/made-up-1"),
        (Method::GET, "/made-up-2"),
        (odd, "/thing"),
    ] {
        send(method, path, &[]).await.into_body().into_vec().await.unwrap();
    }
    drop(guard);
    let counted: HashMap<String, u64> =
        counters.0.lock().unwrap().iter().map(|(name, count)| (name.clone(), count.load(Ordering::Relaxed))).collect();
    let expected = [
        ("cairn_http_requests_total{method=GET,route=/thing,status=200}", 2),
        ("cairn_http_requests_total{method=DELETE,route=/thing,status=405}", 1),
        ("cairn_http_requests_total{method=GET,route=none,status=404}", 2),
        ("cairn_http_requests_total{method=OTHER,route=/thing,status=405}", 1),
    ];
    assert_eq!(counted, expected.map(|(name, count)| (name.to_owned(), count)).into());
}
