#![expect(clippy::unused_async, reason = "poem-openapi wants async handlers")]

use poem::{Body, Endpoint, Request, Response, http::Method};
use poem_openapi::{Object, OpenApi, OpenApiService, payload::PlainText};
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::http::problem;

#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
struct Order {
    name: String,
    size: u64,
    folder: Option<String>,
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize, Object)]
#[serde(deny_unknown_fields)]
struct Line {
    count: i32,
}

struct TestApi;

#[OpenApi]
impl TestApi {
    /// Takes an order.
    #[oai(path = "/order", method = "post")]
    async fn order(&self, body: JsonBody<Order>) -> PlainText<String> {
        let Order { name, size, folder, lines } = body.0;
        let counts: i32 = lines.iter().map(|line| line.count).sum();
        PlainText(format!("{name} {size} {folder:?} {counts}"))
    }
}

async fn send(content_type: Option<&str>, body: Body) -> Response {
    use poem::IntoEndpoint;
    let mut request = Request::builder().method(Method::POST).uri_str("/order");
    if let Some(content_type) = content_type {
        request = request.content_type(content_type);
    }
    let endpoint = OpenApiService::new(TestApi, "test", "1").into_endpoint();
    endpoint.call(request.body(body)).await.unwrap_or_else(problem::answer)
}

async fn refusal(content_type: Option<&str>, body: impl Into<Body>) -> (u16, Value) {
    let response = send(content_type, body.into()).await;
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.into_body().into_string().await.unwrap()).unwrap())
}

async fn invalid_fields(body: &'static str) -> Value {
    let (status, document) = refusal(Some("application/json"), body).await;
    assert_eq!((status, &document["code"]), (422, &json!("invalid")), "{body}");
    document["errors"].clone()
}

#[tokio::test]
async fn a_body_that_fits_is_read() {
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let response = send(Some(content_type), r#"{"name":"a","size":1,"lines":[{"count":2}]} "#.into()).await;
        assert_eq!(response.into_body().into_string().await.unwrap(), "a 1 None 2");
    }
}

#[tokio::test]
async fn another_media_type_is_refused() {
    for content_type in [None, Some("text/plain"), Some("application/json-seq"), Some("application/problem+json"), Some("")] {
        let (status, document) = refusal(content_type, "{}").await;
        assert_eq!((status, &document["code"]), (415, &json!("unsupported_media_type")), "{content_type:?}");
    }
}

#[tokio::test]
async fn no_body_at_all_is_malformed() {
    for content_type in [None, Some("application/json")] {
        let (status, document) = refusal(content_type, Body::empty()).await;
        assert_eq!((status, &document["code"]), (400, &json!("malformed_json")));
    }
}

#[tokio::test]
async fn broken_json_is_malformed_with_its_place() {
    for (body, place) in [
        ("{\n  \"name\": x}", "line 2, column 11"),
        ("{", "line 1, column 1"),
        (r#"{"name":"a","size":1} {}"#, "line 1, column 23"),
        (r#"{"name":1, "size":}"#, "line 1, column 19"),
    ] {
        let (status, document) = refusal(Some("application/json"), body).await;
        assert_eq!((status, &document["code"]), (400, &json!("malformed_json")), "{body}");
        assert!(document["detail"].as_str().unwrap().contains(place), "{body}: {document}");
    }
    for bytes in [b"\xff\xfe".to_vec(), b"{\"name\":\"\xff\",\"size\":1}".to_vec(), [b"[".repeat(200)].concat()] {
        assert_eq!(refusal(Some("application/json"), bytes).await.0, 400);
    }
}

#[tokio::test]
async fn json_that_does_not_fit_names_the_field() {
    for (body, field, message) in [
        (r#"{"size":1}"#, "name", "is required"),
        (r#"{"name":"a","size":1,"nmae":2}"#, "nmae", "is not a field of this call; expected one of `name`"),
        (r#"{"name":"a","name":"b","size":1}"#, "name", "is given more than once"),
        (r#"{"name":"a","size":"1"}"#, "size", "a whole number, not negative"),
        (r#"{"name":"a","size":-1}"#, "size", "a whole number, not negative"),
        (r#"{"name":"a","size":1.5}"#, "size", "a whole number, not negative"),
        (r#"{"name":null,"size":1}"#, "name", "expected a string"),
        (r#"{"name":"a","size":1,"lines":[{"count":1},{"count":"x"}]}"#, "lines[1].count", "a whole number"),
        (r#"{"name":"a","size":1,"lines":[{}]}"#, "lines[0].count", "is required"),
        (r#"{"name":"a","size":1,"lines":[{"count":1,"more":1}]}"#, "lines[0].more", "is not a field of this call"),
        ("7", "body", "an object"),
    ] {
        let errors = invalid_fields(body).await;
        assert_eq!(errors[0]["field"], field, "{body}");
        assert!(errors[0]["message"].as_str().unwrap().contains(message), "{body}: {errors}");
    }
}

#[tokio::test]
async fn a_mebibyte_is_the_limit_with_and_without_a_length() {
    let pad = |bytes: usize| format!("{{\"name\":\"{}\",\"size\":1}}", "a".repeat(bytes - 20));
    let limit = usize::try_from(JSON_BYTES_MAX).unwrap();
    assert_eq!(send(Some("application/json"), pad(limit).into()).await.status().as_u16(), 200);
    assert_eq!(refusal(Some("application/json"), pad(limit + 1)).await.0, 413);
    let pieces = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 4096]));
    assert_eq!(refusal(Some("application/json"), Body::from_bytes_stream(pieces)).await.0, 413);
}

#[test]
fn the_body_is_documented() {
    let document: Value = serde_json::from_str(&OpenApiService::new(TestApi, "test", "1").spec()).unwrap();
    let body = &document["paths"]["/order"]["post"]["requestBody"];
    assert_eq!(body["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Order");
    assert_eq!(body["required"], true);
}
