//! A browser's session: the token in a cookie that no script can read, and that counts only when a page of this drive asked.
//!
//! The rest of the interface knows bearer tokens and nothing else. Here, before the resources, a cookie becomes one, or is ignored.

use std::sync::Arc;

use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use poem::{Endpoint, Request, Response, Result};

use crate::app::{App, AppSettings};
use crate::service::Section;

/// What pages send along, with the value `cookie`: no other site can have a browser send it without asking this one first.
const WISH: HeaderName = HeaderName::from_static("cairn-session");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the client wants its token in a cookie instead of the body.
pub(crate) fn is_wished(headers: &HeaderMap) -> bool {
    headers.get(WISH).is_some_and(|value| value == "cookie")
}

/// `Set-Cookie` for a session that was opened.
pub(crate) fn opened(settings: &AppSettings, token: &str, seconds: i64) -> String {
    let (name, secure) = if is_https(settings) { (SECURE_NAME, "; Secure") } else { (NAME, "") };
    format!("{name}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}{secure}", seconds.max(0))
}

/// `Set-Cookie` for one that has ended; none for a client that has no cookie.
pub(crate) fn ended(settings: &AppSettings, headers: &HeaderMap) -> Option<String> {
    token(settings, headers).map(|_| opened(settings, "", 0))
}

/// Turns the cookie of a request into its `Authorization`, if the request may be signed in by it. A session that has ended is as if
/// absent: a browser sends its cookie also to what needs none, such as a signed link.
pub(crate) async fn admit<E: Endpoint<Output = Response>>(inner: Arc<E>, mut request: Request) -> Result<Response> {
    if let Some(app) = request.data::<Arc<App>>().map(Arc::clone)
        && Section::of(request.uri().path()).is_some()
        && let Some(token) = admitted(&app.settings, request.method(), request.headers())
        && stands(&app, &request, token).await?
        && let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {token}"))
    {
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
    }
    inner.call(request).await
}

/// Whether there is such a session. If nobody can say so, whoever asks for its owner is told; what needs none goes on.
async fn stands(app: &App, request: &Request, token: &str) -> Result<bool> {
    match app.caller(token).await {
        Ok(None) => {
            app.pace_stranger(request).await?;
            Ok(false)
        }
        Ok(Some(_)) | Err(_) => Ok(true),
    }
}

const NAME: &str = "cairn_session";
/// Browsers take a name that begins like this only over HTTPS, and only from the host itself (RFC 6265bis section 4.1.3.2).
const SECURE_NAME: &str = "__Host-cairn_session";

fn is_https(settings: &AppSettings) -> bool {
    settings.public_url.starts_with("https://")
}

fn token<'a>(settings: &AppSettings, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = if is_https(settings) { SECURE_NAME } else { NAME };
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
}

/// The token by which the request may be signed in.
fn admitted<'a>(settings: &AppSettings, method: &Method, headers: &'a HeaderMap) -> Option<&'a str> {
    let has_own = headers.contains_key(header::AUTHORIZATION);
    if has_own || !is_of_a_page(settings, method, headers) { None } else { token(settings, headers) }
}

/// Whether a page of this drive, or its user, caused the request. `SameSite` alone would trust every port and sibling of the host.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site`, but over plain HTTP only to the machine itself; then `Origin` tells, which
/// stands in whatever changes something, and in whatever another site could read the answer of.
fn is_of_a_page(settings: &AppSettings, method: &Method, headers: &HeaderMap) -> bool {
    let only_reads = matches!(*method, Method::GET | Method::HEAD);
    let comes_from_here = match (headers.get(FETCH_SITE), headers.get(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin" || (only_reads && site == "none"),
        (None, Some(origin)) => origin.to_str().is_ok_and(|origin| is_own(settings, headers, origin)),
        (None, None) => only_reads,
    };
    comes_from_here && (only_reads || is_wished(headers))
}

/// The drive may be reached under more names than the one that it knows itself by.
fn is_own(settings: &AppSettings, headers: &HeaderMap, origin: &str) -> bool {
    let scheme = if is_https(settings) { "https" } else { "http" };
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_asked = asked.is_some_and(|host| origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")));
    is_asked || origin.eq_ignore_ascii_case(origin_of(&settings.public_url))
}

/// A URL up to its path.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |path| &url[..host + path])
}

#[cfg(test)]
mod tests;
