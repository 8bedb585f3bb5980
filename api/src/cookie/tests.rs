use std::time::Duration;

use super::*;

const TOKEN: &str = "5f2c";

fn settings(public_url: &str) -> AppSettings {
    AppSettings { public_url: public_url.to_owned(), trusted_proxies: Vec::new(), wait_max: Duration::ZERO, served: Vec::new() }
}

/// Whether a request with these headers and the cookie is signed in.
fn is_signed_in_at(public_url: &str, method: &Method, headers: &[(&str, &str)]) -> bool {
    let name = if public_url.starts_with("https") { SECURE_NAME } else { NAME };
    let cookie = format!("other=1; {name}={TOKEN}");
    let headers = headers.iter().copied().chain([("cookie", cookie.as_str()), ("host", "drive.example:8080")]);
    let headers: HeaderMap = headers
        .map(|(name, value)| (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value")))
        .collect();
    admitted(&settings(public_url), method, &headers) == Some(TOKEN)
}

fn is_signed_in(method: &Method, headers: &[(&str, &str)]) -> bool {
    is_signed_in_at("http://drive.example:8080", method, headers)
}

const PAGE: (&str, &str) = ("cairn-session", "cookie");

#[test]
fn a_page_of_the_drive_reads_and_changes() {
    let here = ("sec-fetch-site", "same-origin");
    assert!(is_signed_in(&Method::GET, &[here]));
    assert!(is_signed_in(&Method::HEAD, &[here]));
    assert!(is_signed_in(&Method::POST, &[here, PAGE]));
    assert!(is_signed_in(&Method::PUT, &[here, PAGE]));
}

#[test]
fn whoever_follows_a_bookmark_reads_and_changes_nothing() {
    let bookmark = ("sec-fetch-site", "none");
    assert!(is_signed_in(&Method::GET, &[bookmark]));
    assert!(!is_signed_in(&Method::POST, &[bookmark, PAGE]));
}

#[test]
fn other_sites_and_siblings_are_strangers() {
    for site in ["cross-site", "same-site", "nonsense", ""] {
        let there = ("sec-fetch-site", site);
        assert!(!is_signed_in(&Method::GET, &[there]), "{site}");
        assert!(!is_signed_in(&Method::POST, &[there, PAGE]), "{site}");
        // What one header says can't be mended by another.
        assert!(!is_signed_in(&Method::POST, &[there, PAGE, ("origin", "http://drive.example:8080")]), "{site}");
    }
}

#[test]
fn a_change_needs_the_header_that_forms_cannot_send() {
    let here = ("sec-fetch-site", "same-origin");
    assert!(!is_signed_in(&Method::POST, &[here]));
    assert!(!is_signed_in(&Method::POST, &[here, ("cairn-session", "yes")]));
    assert!(!is_signed_in(&Method::DELETE, &[here]));
}

#[test]
fn without_sec_fetch_the_origin_tells() {
    let own = ("origin", "http://drive.example:8080");
    assert!(is_signed_in(&Method::POST, &[own, PAGE]));
    assert!(!is_signed_in(&Method::POST, &[own]));
    assert!(!is_signed_in(&Method::POST, &[PAGE]), "it says nothing of where it comes from");
    assert!(is_signed_in(&Method::GET, &[]), "a plain navigation over HTTP says nothing");
    for other in ["http://evil.example", "http://drive.example:9090", "https://drive.example:8080", "null", "http://drive.example"]
    {
        assert!(!is_signed_in(&Method::POST, &[("origin", other), PAGE]), "{other}");
        assert!(!is_signed_in(&Method::GET, &[("origin", other)]), "{other}");
    }
}

#[test]
fn the_drive_may_be_known_by_another_name_than_it_is_asked_by() {
    let proxied = "https://files.example/drive";
    assert!(is_signed_in_at(proxied, &Method::POST, &[("origin", "https://files.example"), PAGE]));
    assert!(is_signed_in_at(proxied, &Method::POST, &[("origin", "https://drive.example:8080"), PAGE]));
    assert!(!is_signed_in_at(proxied, &Method::POST, &[("origin", "http://drive.example:8080"), PAGE]));
}

#[test]
fn a_token_of_its_own_goes_before_the_cookie() {
    assert!(!is_signed_in(&Method::GET, &[("authorization", "Bearer other"), ("sec-fetch-site", "same-origin")]));
}

#[test]
fn over_https_only_the_name_that_is_bound_to_the_host_counts() {
    let headers: HeaderMap =
        [(header::COOKIE, HeaderValue::from_static("cairn_session=planted; __Host-cairn_session="))].into_iter().collect();
    assert_eq!(token(&settings("https://drive.example"), &headers), None);
    assert_eq!(token(&settings("http://drive.example"), &headers), Some("planted"));
}

#[test]
fn no_script_and_no_other_site_gets_the_cookie() {
    let plain = opened(&settings("http://drive.example"), TOKEN, 60);
    assert_eq!(plain, "cairn_session=5f2c; HttpOnly; SameSite=Strict; Path=/; Max-Age=60");
    let secure = opened(&settings("https://drive.example"), TOKEN, 60);
    assert_eq!(secure, "__Host-cairn_session=5f2c; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure");
}

#[test]
fn signing_out_takes_the_cookie_away() {
    let settings = settings("http://drive.example");
    let with = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("cairn_session=5f2c"))]);
    assert_eq!(ended(&settings, &with), Some("cairn_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0".to_owned()));
    assert_eq!(ended(&settings, &HeaderMap::new()), None);
}
