//! The three pages for people, out of the program itself: plain HTML with one script and one style, and nothing from
//! elsewhere. They are clients of the same interface as everybody else.

use std::sync::Arc;

use poem::error::MethodNotAllowedError;
use poem::http::{Method, header};
use poem::web::Redirect;
use poem::{Endpoint, Error, IntoResponse, PathPattern, Request, Response, Result};

use crate::http::observe::Observe;

/// Answers GET and HEAD of the pages and hands everything else on, also a POST to the path of a page.
pub(crate) async fn answer<E: Endpoint<Output = Response>>(inner: Arc<E>, request: Request) -> Result<Response> {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some((from, to)) = MOVED.iter().find(|(from, _)| is_read && *from == path) {
        let mut response = Redirect::see_other(to).into_response();
        response.set_data(PathPattern((*from).into()));
        return Ok(response);
    }
    let Some(page) = PAGES.iter().find(|page| page.path == path) else {
        return inner.call(request).await;
    };
    match *request.method() {
        // hyper sends the length but not the body when the method is HEAD.
        Method::GET | Method::HEAD => Ok(page.response()),
        _ if page.is_also_operation => inner.call(request).await,
        _ => {
            let mut error = Error::from(MethodNotAllowedError);
            error.set_data(page.pattern());
            Err(error)
        }
    }
}

/// Tells what the pages' paths may be asked.
pub(crate) fn observe(observe: Observe) -> Observe {
    let observe = MOVED.iter().fold(observe, |observe, (from, _)| observe.path(from, &[Method::GET]));
    PAGES.iter().fold(observe, |observe, page| {
        let methods: &[Method] = if page.is_also_operation { &[Method::GET, Method::POST] } else { &[Method::GET] };
        observe.path(page.path, methods)
    })
}

struct Page {
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
    /// Whether the interface has a POST on the same path.
    is_also_operation: bool,
}

/// What people type, and where it is.
const MOVED: [(&str, &str); 2] = [("/", "/home"), ("/docs/", "/docs")];

const HTML: &str = "text/html; charset=utf-8";

const PAGES: [Page; 5] = [
    Page { path: "/user/signup", content_type: HTML, body: include_str!("pages/signup.html"), is_also_operation: true },
    Page { path: "/user/signin", content_type: HTML, body: include_str!("pages/signin.html"), is_also_operation: true },
    Page { path: "/home", content_type: HTML, body: include_str!("pages/home.html"), is_also_operation: false },
    Page {
        path: "/assets/cairn.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_str!("pages/cairn.js"),
        is_also_operation: false,
    },
    Page {
        path: "/assets/cairn.css",
        content_type: "text/css; charset=utf-8",
        body: include_str!("pages/cairn.css"),
        is_also_operation: false,
    },
];

/// Nothing inline, nothing from elsewhere, no frame around a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
base-uri 'none'; frame-ancestors 'none'";

impl Page {
    fn response(&self) -> Response {
        let mut response = Response::builder()
            .content_type(self.content_type)
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            // Page and script belong together: after an upgrade neither may be an old one.
            .header(header::CACHE_CONTROL, "no-cache")
            .body(self.body);
        response.set_data(self.pattern());
        response
    }

    /// The route, for metrics and for the `Allow` of a 405.
    fn pattern(&self) -> PathPattern {
        PathPattern(self.path.into())
    }
}

#[cfg(test)]
mod tests;
