//! Health, metrics, and the documentation that the drive serves itself.

use crate::harness::{Drive, shared};

#[tokio::test]
async fn the_drive_says_that_it_lives_and_is_ready() {
    let client = shared().client();
    client.get("/livez").send().await.expect(200);
    let ready = client.get("/readyz").send().await.expect(200).json();
    assert!(ready.is_object(), "{ready}");
}

#[tokio::test]
async fn metrics_tell_of_requests_appends_projections_bytes_and_uploads() {
    let drive = Drive::start();
    let user = drive.user().await;
    user.upload("a.bin", &[1; 10_000]).await;
    user.init(&serde_json::json!({ "name": "open", "size": 1 })).await;
    user.get("/file/meta").query("id", "not-an-id").send().await.expect(422);
    let metrics = user.get("/metrics").send().await.expect(200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"), "{metrics:?}");
    let text = String::from_utf8(metrics.body).unwrap();
    for name in [
        "cairn_http_requests_total",
        "cairn_http_request_duration_seconds",
        "cairn_http_request_bytes_total",
        "cairn_http_response_bytes_total",
        "cairn_http_connections",
    ] {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name}:\n{text}");
    }
    for words in [&["append"][..], &["projection", "lag"], &["uploads", "open"]] {
        let told = text.lines().any(|line| line.starts_with("# TYPE cairn_") && words.iter().all(|word| line.contains(word)));
        assert!(told, "{words:?}:\n{text}");
    }
    let counted = |route: &str, status: &str| {
        let parts = [format!("route=\"{route}\""), format!("status=\"{status}\"")];
        text.lines().any(|line| line.starts_with("cairn_http_requests_total{") && parts.iter().all(|part| line.contains(part)))
    };
    assert!(counted("/file/upload", "201") && counted("/file/meta", "422"), "{text}");
    assert!(!text.contains(&user.id) && !text.contains("not-an-id"), "labels must not grow with use");
}

#[tokio::test]
async fn the_documentation_is_swagger_ui_and_loads_nothing_from_elsewhere() {
    let client = shared().client();
    let page = client.get("/docs").send().await.expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
    let text = String::from_utf8(page.body).unwrap();
    assert!(text.to_lowercase().contains("swagger"), "{}", &text[..text.len().min(500)]);
    for tag in ["src=\"http", "href=\"http", "src=\"//", "href=\"//", "@import", "unpkg.com", "cdn."] {
        let at = text.find(tag);
        assert!(at.is_none(), "{tag}: {:?}", at.map(|at| &text[at..(at + 120).min(text.len())]));
    }
}

#[tokio::test]
async fn what_people_type_leads_to_a_page() {
    let client = shared().client();
    for (typed, page) in [("/", "/home"), ("/docs/", "/docs")] {
        assert_eq!(client.get(typed).send().await.expect(303).header("location"), Some(page), "{typed}");
    }
    client.post("/").send().await.expect(404);
}

#[tokio::test]
async fn logs_are_json_for_machines_and_name_the_request() {
    let drive = Drive::start();
    let client = drive.client();
    client.get("/nowhere?token=secret-query").header("x-request-id", "find-me").send().await.problem(404, "not_found");
    let line = crate::harness::until("the request is logged", || {
        drive.log().lines().find(|line| line.contains("find-me")).map(str::to_owned)
    });
    let logged: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(logged.is_object() && !line.contains("secret-query"), "{line}");
    for line in drive.log().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}
