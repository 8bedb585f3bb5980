use bytes::Bytes;
use poem::endpoint::make_sync;
use poem::{Endpoint, Response};
use poem_openapi::OpenApiService;

/// Swagger UI, out of the program itself: nothing is loaded from anywhere else, and the policy forbids that it could be.
pub(super) struct SwaggerUi {
    script: Bytes,
    style: Bytes,
}

const PAGE: &str = include_str!("swagger/page.html");
const START: &str = include_str!("swagger/start.js");

/// Swagger UI sets style attributes and shows images from the data that it has itself; everything else comes from this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl SwaggerUi {
    /// poem-openapi has Swagger UI as one page with everything in it. Taken apart, it can be cached, and needs no inline script.
    pub(super) fn new() -> Self {
        let page = OpenApiService::new((), "", "").swagger_ui_html();
        let style = between(&page, r#"<style charset="UTF-8">"#, "</style>\n    <script").unwrap_or_default();
        let script = between(&page, r#"<script charset="UTF-8">"#, "</script>\n</head>").unwrap_or_default();
        Self { script: Bytes::copy_from_slice(script.as_bytes()), style: Bytes::copy_from_slice(style.as_bytes()) }
    }

    pub(super) fn style(&self) -> impl Endpoint<Output = Response> + 'static {
        asset("text/css; charset=utf-8", self.style.clone())
    }

    pub(super) fn script(&self) -> impl Endpoint<Output = Response> + 'static {
        asset("text/javascript; charset=utf-8", self.script.clone())
    }
}

/// The page that holds it.
pub(super) fn page() -> impl Endpoint<Output = Response> + 'static {
    make_sync(|_| {
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header("Content-Security-Policy", POLICY)
            .header("Cache-Control", "no-cache")
            .body(PAGE)
    })
}

/// What starts it in that page.
pub(super) fn start() -> impl Endpoint<Output = Response> + 'static {
    asset("text/javascript; charset=utf-8", Bytes::from_static(START.as_bytes()))
}

fn asset(content_type: &'static str, body: Bytes) -> impl Endpoint<Output = Response> + 'static {
    make_sync(move |_| {
        Response::builder().content_type(content_type).header("Cache-Control", "public, max-age=3600").body(body.clone())
    })
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = text.split_once(start)?.1;
    Some(rest.split_once(end)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_taken_apart() {
        let ui = SwaggerUi::new();
        assert!(ui.style.starts_with(b".swagger-ui"), "the style begins otherwise");
        assert!(ui.style.len() > 100_000 && ui.script.len() > 1_000_000);
        assert!(String::from_utf8_lossy(&ui.script).contains("SwaggerUIBundle"));
    }

    #[test]
    fn nothing_is_named_that_lies_elsewhere() {
        for text in [PAGE, START, POLICY] {
            assert!(!text.contains("//"), "{text}");
        }
    }
}
