use poem::Response;
use poem::http::{HeaderName, HeaderValue, header};

/// What a browser has to know about every answer. An endpoint that has said something else is left alone.
const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox")),
    // Answers are about one person at one time.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

pub(super) async fn secure(mut response: Response) -> Response {
    for (name, value) in DEFAULTS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}
