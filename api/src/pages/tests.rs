use poem::endpoint::make_sync;
use poem::http::StatusCode;
use poem::{EndpointExt, Route, post};
use uuid::Uuid;

use super::*;

async fn send(method: Method, path: &str) -> Response {
    let operation = make_sync(|_| Response::builder().status(StatusCode::CREATED).body("an operation"));
    let service =
        Route::new().at("/user/signup", post(operation)).around(answer).with(super::observe(Observe::new(|| Uuid::from_u128(7))));
    let request = Request::builder().method(method).uri_str(path).finish();
    service.call(request).await.expect("a response")
}

#[tokio::test]
async fn a_page_is_read_with_its_policy() {
    for page in PAGES {
        for method in [Method::GET, Method::HEAD] {
            let response = send(method, page.path).await;
            assert_eq!(response.status(), StatusCode::OK, "{}", page.path);
            assert_eq!(response.content_type(), Some(page.content_type));
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        }
    }
}

#[tokio::test]
async fn an_operation_on_the_path_of_a_page_stays_reachable() {
    let response = send(Method::POST, "/user/signup?from=page").await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.into_body().into_string().await.expect("text"), "an operation");
}

#[tokio::test]
async fn other_methods_are_refused_and_told_of() {
    for (method, path, allowed) in [(Method::POST, "/home", "GET, HEAD"), (Method::PUT, "/user/signup", "GET, HEAD, POST")] {
        let response = send(method, path).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.headers()[header::ALLOW], allowed);
    }
    assert_eq!(send(Method::GET, "/home/").await.status(), StatusCode::NOT_FOUND);
}

#[test]
fn nothing_is_inline_or_from_elsewhere() {
    for page in PAGES {
        for outside in ["http:", "https:", "=\"//", "url(", "@import", " style=", " onclick=", "innerHTML", "<script>"] {
            assert!(!page.body.contains(outside), "{} has {outside}", page.path);
        }
    }
}
