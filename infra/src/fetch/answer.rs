use std::io;

use cairn_commands::ports::fetch::{FetchError, Resume, Source};
use cairn_domain::offline::SourceUrl;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED,
};
use reqwest::{Response, StatusCode};

use super::is_transient;

/// What an answer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// All of the content.
    All,
    /// What was asked for.
    Rest,
    /// A part of a content that is not the one of before, or none.
    Other,
    /// Nothing, for some other reason.
    Nothing,
}

pub(super) fn given(response: &Response, from: Option<&Resume>) -> Given {
    match (response.status(), from) {
        (StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION, _) => Given::All,
        (StatusCode::PARTIAL_CONTENT, Some(from)) if is_rest(response.headers(), from) => Given::Rest,
        (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => Given::Other,
        _ => Given::Nothing,
    }
}

/// The range is the one that was asked for, of a content that is not known to be another.
fn is_rest(headers: &HeaderMap, from: &Resume) -> bool {
    let expected = format!("bytes {}-{}/{}", from.offset, from.size.saturating_sub(1), from.size);
    let of_another = |name: HeaderName| text(headers, name).is_some_and(|told| told != from.validator);
    let is_tag = from.validator.starts_with('"');
    let changed = if is_tag { of_another(ETAG) } else { of_another(LAST_MODIFIED) };
    text(headers, CONTENT_RANGE) == Some(expected.as_str()) && !changed
}

/// The content, or why there is none.
pub(super) fn source(url: SourceUrl, response: Response, from: Option<&Resume>) -> Result<Source, FetchError> {
    let offset = match (given(&response, from), from) {
        (Given::All, _) => 0,
        (Given::Rest, Some(from)) => from.offset,
        _ => return Err(denied(response.status())),
    };
    let headers = response.headers();
    let told = |name: HeaderName| text(headers, name).map(str::to_owned);
    Ok(Source {
        url,
        offset,
        size: response.content_length().map(|rest| offset.saturating_add(rest)),
        validator: validator(headers).filter(|_| offset > 0 || gives_ranges(headers)),
        disposition: disposition(headers),
        content_type: told(CONTENT_TYPE),
        body: response.bytes_stream().map_err(|error| io::Error::other(error.without_url())).boxed(),
    })
}

fn denied(status: StatusCode) -> FetchError {
    if is_transient(status) {
        FetchError::Unavailable(format!("it answered {status}").into())
    } else {
        FetchError::Denied { status: status.as_u16() }
    }
}

fn gives_ranges(headers: &HeaderMap) -> bool {
    text(headers, ACCEPT_RANGES).is_some_and(|units| units.eq_ignore_ascii_case("bytes"))
}

/// What a range can be asked for under: a strong entity tag, or else a date that is strong because the answer is younger (RFC 9110 sections 8.8.2.2
/// and 13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    let tag = text(headers, ETAG);
    let strong = tag.filter(|tag| tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"'));
    let date = || text(headers, LAST_MODIFIED).filter(|date| tag.is_none() && text(headers, DATE).is_some_and(|now| now != *date));
    strong.or_else(date).filter(|validator| validator.len() <= VALIDATOR_BYTES_MAX).map(str::to_owned)
}

/// A longer one is not kept.
const VALIDATOR_BYTES_MAX: usize = 256;

/// Many servers write names in it as they are, in UTF-8.
fn disposition(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_DISPOSITION)?;
    std::str::from_utf8(value.as_bytes()).ok().map(str::to_owned)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
