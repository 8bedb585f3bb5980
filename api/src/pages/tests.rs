use poem::endpoint::make_sync;
use poem::{EndpointExt, Route, post};
use uuid::Uuid;

use super::*;

async fn ask(method: Method, path: &str, tag: Option<&str>) -> Response {
    let operation = make_sync(|_| Response::builder().status(StatusCode::CREATED).body("an operation"));
    let service =
        Route::new().at("/user/signup", post(operation)).around(answer).with(super::observe(Observe::new(|| Uuid::from_u128(7))));
    let request = Request::builder().method(method).uri_str(path);
    let request = tag.into_iter().fold(request, |request, tag| request.header(header::IF_NONE_MATCH, tag));
    service.call(request.finish()).await.expect("a response")
}

async fn send(method: Method, path: &str) -> Response {
    ask(method, path, None).await
}

fn paths() -> Vec<String> {
    let assets = Web::iter().filter(|name| name.starts_with("assets/")).map(|name| format!("/{name}"));
    PAGES.iter().map(|(path, ..)| (*path).to_owned()).chain(["/s/token".to_owned()]).chain(assets).collect()
}

#[tokio::test]
async fn a_page_is_read_with_its_policy() {
    for path in paths() {
        for method in [Method::GET, Method::HEAD] {
            let response = send(method, &path).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert!(response.content_type().is_some(), "{path}");
            assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        }
    }
    assert_eq!(send(Method::GET, "/home").await.content_type(), Some("text/html; charset=utf-8"));
    assert_eq!(send(Method::GET, "/assets/home.js").await.content_type(), Some("text/javascript; charset=utf-8"));
}

#[tokio::test]
async fn every_file_is_served_and_nothing_beside_them() {
    assert!(Web::iter().all(|name| content_type(&name).is_some()));
    for path in ["/assets/", "/assets/none.js", "/assets/../home.html", "/assets/../../tests.rs", "/home.html", "/s/", "/s/a/b"] {
        assert_eq!(send(Method::GET, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let first = send(Method::GET, "/assets/home.js").await;
    let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
    let again = ask(Method::GET, "/assets/home.js", Some(&tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()[header::CACHE_CONTROL], "no-cache");
    assert_eq!(ask(Method::GET, "/assets/home.js", Some("\"old\"")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_operation_on_the_path_of_a_page_stays_reachable() {
    let response = send(Method::POST, "/user/signup?from=page").await;
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.into_body().into_string().await.expect("text"), "an operation");
}

#[tokio::test]
async fn other_methods_are_refused_and_told_of() {
    let refused = [
        (Method::POST, "/home", "GET, HEAD"),
        (Method::PUT, "/user/signup", "GET, HEAD, POST"),
        (Method::POST, "/s/token", "GET, HEAD"),
    ];
    for (method, path, allowed) in refused {
        let response = send(method, path).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.headers()[header::ALLOW], allowed);
    }
    assert_eq!(send(Method::GET, "/home/").await.status(), StatusCode::NOT_FOUND);
}

#[test]
fn nothing_is_inline_or_from_elsewhere() {
    for name in Web::iter() {
        let file = Web::get(&name).expect("the file");
        // The name of a language is no address.
        let text = String::from_utf8_lossy(&file.data).replace("http://www.w3.org/2000/svg", "");
        for outside in
            ["http:", "https:", "=\"//", "url(", "@import", " style=", " onclick=", "innerHTML", "outerHTML", "<script>", "eval("]
        {
            assert!(!text.contains(outside), "{name} has {outside}");
        }
    }
}

#[test]
fn every_file_that_one_names_is_there() {
    for name in Web::iter() {
        let file = Web::get(&name).expect("the file");
        let text = String::from_utf8_lossy(&file.data).into_owned();
        let named = text.split(['"', '\'', '#', '`']).filter(|word| word.starts_with("/assets/") || word.starts_with("./"));
        for word in named {
            let asset =
                word.strip_prefix("./").map_or(word.trim_start_matches('/').to_owned(), |beside| format!("assets/{beside}"));
            assert!(Web::get(&asset).is_some(), "{name} names {word}");
        }
    }
}
