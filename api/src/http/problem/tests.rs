#![expect(clippy::unused_async, reason = "poem-openapi wants async handlers")]

use poem::{
    Endpoint, EndpointExt, Request, Response,
    http::{Method, StatusCode},
};
use poem_openapi::{OpenApi, OpenApiService, param::Query, payload::PlainText};
use serde_json::{Value, json};

use super::*;

problems! {
    /// What the test call refuses.
    TestProblem: unauthorized, invalid, unavailable + JSON_BODY;
    /// Someone else already
    /// has this name.
    409 username_taken;
    /// The digest is another one.
    422 digest_differs;
    /// Wait.
    429 too_eager retry after 30;
}

enum UseCaseError {
    Taken,
    Name(&'static str),
    Store(std::io::Error),
    Eager,
}

impl From<UseCaseError> for TestProblem {
    fn from(error: UseCaseError) -> Self {
        match error {
            UseCaseError::Taken => Self::username_taken(),
            UseCaseError::Name(why) => Self::invalid().field("username", why),
            UseCaseError::Store(cause) => Self::unavailable().because(cause),
            UseCaseError::Eager => Self::too_eager().retry_after(Duration::from_millis(1500)),
        }
    }
}

struct TestApi;

#[OpenApi]
impl TestApi {
    /// A call that fails as it is told.
    #[oai(path = "/fail", method = "post")]
    async fn fail(&self, how: Query<u8>) -> Result<PlainText<&'static str>, TestProblem> {
        Err(match how.0 {
            0 => UseCaseError::Taken,
            1 => UseCaseError::Name("is too short"),
            2 => UseCaseError::Store(std::io::Error::other("password of the database")),
            _ => UseCaseError::Eager,
        })?
    }
}

async fn call(path: &str) -> Response {
    let api = OpenApiService::new(TestApi, "test", "1");
    let request = Request::builder().method(Method::POST).uri(path.parse().unwrap()).finish();
    let endpoint = poem::Route::new().nest("/", api).map_to_response();
    endpoint.call(request).await.unwrap_or_else(answer)
}

async fn body(response: Response) -> Value {
    serde_json::from_str(&response.into_body().into_string().await.unwrap()).unwrap()
}

fn document() -> Value {
    serde_json::from_str(&OpenApiService::new(TestApi, "test", "1").spec()).unwrap()
}

#[tokio::test]
async fn a_declared_problem_is_an_rfc_9457_document() {
    let response = call("/fail?how=0").await;
    assert_eq!(response.status(), StatusCode::CONFLICT);
    assert_eq!(response.content_type(), Some(CONTENT_TYPE));
    let expected = json!({
        "type": "/problems/username_taken",
        "title": "Username taken",
        "status": 409,
        "detail": "Someone else already has this name.",
        "code": "username_taken",
    });
    assert_eq!(body(response).await, expected);
}

#[tokio::test]
async fn fields_are_named() {
    let response = call("/fail?how=1").await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body(response).await["errors"], json!([{"field": "username", "message": "is too short"}]));
}

#[tokio::test]
async fn a_cause_stays_with_the_operator() {
    let response = call("/fail?how=2").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.header("retry-after"), Some("5"));
    let logged = response.data::<Problem>().and_then(Problem::cause).map(ToString::to_string);
    assert_eq!(logged.as_deref(), Some("password of the database"));
    assert!(!body(response).await.to_string().contains("password"));
}

#[tokio::test]
async fn a_wait_is_rounded_up_to_whole_seconds() {
    assert_eq!(call("/fail?how=3").await.header("retry-after"), Some("2"));
}

#[tokio::test]
async fn a_wrong_or_missing_query_parameter_is_invalid_and_named() {
    for path in ["/fail", "/fail?how=", "/fail?how=x", "/fail?how=256", "/fail?how=-1"] {
        let response = call(path).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let document = body(response).await;
        assert_eq!((&document["code"], &document["errors"][0]["field"]), (&json!("invalid"), &json!("how")), "{path}");
    }
}

#[test]
fn the_openapi_document_lists_each_status_once_with_all_its_codes() {
    let document = document();
    let responses = document["paths"]["/fail"]["post"]["responses"].as_object().unwrap();
    let statuses: Vec<&str> = responses.keys().map(String::as_str).collect();
    assert_eq!(statuses, ["200", "400", "401", "408", "409", "413", "415", "422", "429", "503"]);
    let unprocessable = &responses["422"];
    let description = unprocessable["description"].as_str().unwrap();
    assert!(description.contains("`digest_differs`: The digest is another one."), "{description}");
    let schema = &unprocessable["content"][CONTENT_TYPE]["schema"];
    assert_eq!(schema["allOf"][0]["$ref"], "#/components/schemas/Problem");
    assert_eq!(schema["allOf"][1]["properties"]["code"]["enum"], json!(["invalid", "digest_differs"]));
    assert_eq!(schema["example"]["code"], "invalid");
    assert!(responses["429"]["headers"]["Retry-After"].is_object());
    assert!(responses["401"]["headers"]["WWW-Authenticate"].is_object());
}

#[test]
fn the_schema_of_a_problem_is_in_the_document() {
    let document = document();
    let properties = document["components"]["schemas"]["Problem"]["properties"].as_object().unwrap();
    for member in ["type", "title", "status", "detail", "code", "errors", "missing", "request_id"] {
        assert!(properties.contains_key(member), "{member}");
    }
}

#[tokio::test]
async fn errors_of_the_framework_are_problems_too() {
    use poem::error::{MethodNotAllowedError, NotFoundError, ReadBodyError};
    use poem_openapi::error::{AuthorizationError, ContentTypeError};

    let cases: Vec<(poem::Error, u16, &str)> = vec![
        (NotFoundError.into(), 404, "not_found"),
        (MethodNotAllowedError.into(), 405, "method_not_allowed"),
        (AuthorizationError.into(), 401, "unauthorized"),
        (ContentTypeError::ExpectContentType.into(), 415, "unsupported_media_type"),
        (ReadBodyError::PayloadTooLarge.into(), 413, "too_large"),
        (ReadBodyError::Io(std::io::ErrorKind::UnexpectedEof.into()).into(), 400, "incomplete_body"),
        (StatusCode::IM_A_TEAPOT.into(), 418, "malformed"),
        (StatusCode::BAD_GATEWAY.into(), 500, "internal"),
        (poem::error::InternalServerError(std::io::Error::other("secret")), 500, "internal"),
        (poem::Error::from_response(StatusCode::FORBIDDEN.into()), 403, "forbidden"),
    ];
    for (error, status, code) in cases {
        let response = answer(error);
        assert_eq!((response.status().as_u16(), response.content_type()), (status, Some(CONTENT_TYPE)), "{code}");
        let document = body(response).await;
        assert_eq!(document["code"], code);
        assert!(!document.to_string().contains("secret"));
    }
}

#[test]
fn an_error_with_a_document_of_its_own_is_left_alone() {
    let report = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).content_type("application/json").body("{}");
    assert!(plain_error(&report).is_none());
    assert!(plain_error(&StatusCode::SERVICE_UNAVAILABLE.into()).is_some());
    assert!(plain_error(&StatusCode::OK.into()).is_none());
}

#[test]
fn missing_parts_and_headers_are_sent() {
    let problem = Problem::of(Kind::new(409, "parts_missing", "Some parts are missing."))
        .missing([[2, 2], [5, 9]])
        .header(header::CONTENT_RANGE, HeaderValue::from_static("bytes */7"));
    assert_eq!(serde_json::to_value(problem.document()).unwrap()["missing"], json!([[2, 2], [5, 9]]));
    assert_eq!(problem.into_response().header("content-range"), Some("bytes */7"));
}

#[test]
fn a_timeout_closes_the_connection_and_401_names_the_scheme() {
    let timeout = Problem::of(common::request_timeout).into_response();
    assert_eq!(timeout.header("connection"), Some("close"));
    assert_eq!(Problem::of(common::unauthorized).into_response().header("www-authenticate"), Some("Bearer"));
}
