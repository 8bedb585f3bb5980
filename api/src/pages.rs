//! The pages for people, out of the program itself: plain HTML, scripts and styles, and nothing from elsewhere. They are clients
//! of the same interface as everybody else.

use std::sync::Arc;

use poem::error::MethodNotAllowedError;
use poem::http::{Method, StatusCode, header};
use poem::web::Redirect;
use poem::{Endpoint, Error, IntoResponse, PathPattern, Request, Response, Result};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::app::App;
use crate::http::conditional::{entity_tag, none_match_holds_current};
use crate::http::observe::Observe;
use crate::resources::share::leads_nowhere;

/// Answers GET and HEAD of the pages and hands everything else on, also a POST to the path of a page.
pub(crate) async fn answer<E: Endpoint<Output = Response>>(inner: Arc<E>, request: Request) -> Result<Response> {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some((from, to)) = MOVED.iter().find(|(from, _)| is_read && *from == path) {
        let mut response = Redirect::see_other(to).into_response();
        response.set_data(PathPattern((*from).into()));
        return Ok(response);
    }
    match Page::at(path) {
        // hyper sends the length but not the body when the method is HEAD.
        Some(page) if is_read => {
            let status = page.status(&request).await?;
            Ok(page.response(&request, status))
        }
        Some(page) if !page.is_also_operation => {
            let mut error = Error::from(MethodNotAllowedError);
            error.set_data(PathPattern(page.pattern.into()));
            Err(error)
        }
        _ => inner.call(request).await,
    }
}

/// Tells what the pages' paths may be asked.
pub(crate) fn observe(observe: Observe) -> Observe {
    let observe = MOVED.iter().fold(observe, |observe, (from, _)| observe.path(from, &[Method::GET]));
    let observe = observe.secret_below("/s/");
    let observe = [SHARED, ASSETS].iter().fold(observe, |observe, pattern| observe.path(pattern, &[Method::GET]));
    PAGES.iter().fold(observe, |observe, (path, _, is_also_operation)| {
        let methods: &[Method] = if *is_also_operation { &[Method::GET, Method::POST] } else { &[Method::GET] };
        observe.path(path, methods)
    })
}

/// What people type, and where it is.
const MOVED: [(&str, &str); 2] = [("/", "/home"), ("/docs/", "/docs")];

/// Paths, the files behind them, and whether the interface has a POST on the same path.
const PAGES: [(&str, &str, bool); 3] =
    [("/user/signup", "signup.html", true), ("/user/signin", "signin.html", true), ("/home", "home.html", false)];

/// Somebody's share. The script of the page reads the token from the address.
const SHARED: &str = "/s/:token";
const ASSETS: &str = "/assets/*";

/// In a release they are in the program. Another build reads them from the disk each time, so that whoever works on them sees what they do.
#[derive(RustEmbed)]
#[folder = "src/pages/web/"]
struct Web;

struct Page {
    /// The route, for metrics and for the `Allow` of a 405.
    pattern: &'static str,
    content_type: &'static str,
    file: EmbeddedFile,
    is_also_operation: bool,
}

/// Nothing inline, nothing from elsewhere, no frame around a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; \
form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl Page {
    fn at(path: &str) -> Option<Self> {
        let of = |pattern, name: &str, is_also_operation| {
            Some(Self { pattern, content_type: content_type(name)?, file: Web::get(name)?, is_also_operation })
        };
        if let Some((pattern, name, is_also_operation)) = PAGES.iter().find(|(at, ..)| *at == path) {
            return of(pattern, name, *is_also_operation);
        }
        let name = path.strip_prefix('/')?;
        match name.strip_prefix("s/") {
            Some(token) if !token.is_empty() && !token.contains('/') => of(SHARED, "share.html", false),
            // A build that reads from the disk would follow it.
            _ if name.starts_with("assets/") && !name.contains("..") => of(ASSETS, name, false),
            _ => None,
        }
    }

    /// 404 of a share that is not there, or no longer: the page says so in words. Without a drive behind it, a page is as it is.
    async fn status(&self, request: &Request) -> Result<StatusCode> {
        let token = request.uri().path().strip_prefix("/s/").filter(|_| self.pattern == SHARED);
        let (Some(token), Some(app)) = (token, request.data::<Arc<App>>()) else { return Ok(StatusCode::OK) };
        app.pace_stranger(request).await?;
        Ok(if leads_nowhere(&app.drive, token).await { StatusCode::NOT_FOUND } else { StatusCode::OK })
    }

    /// Pages and their scripts belong together: after an upgrade none may be an old one, so a browser asks each time.
    fn response(self, request: &Request, status: StatusCode) -> Response {
        let tag = hex::encode(self.file.metadata.sha256_hash());
        let response = Response::builder()
            .header(header::ETAG, entity_tag(&tag))
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::CONTENT_SECURITY_POLICY, POLICY);
        let mut response = if status == StatusCode::OK && none_match_holds_current(request.headers(), &tag) {
            response.status(StatusCode::NOT_MODIFIED).finish()
        } else {
            response.status(status).content_type(self.content_type).body(self.file.data.into_owned())
        };
        response.set_data(PathPattern(self.pattern.into()));
        response
    }
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
