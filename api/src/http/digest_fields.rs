//! `Content-Digest` and `Repr-Digest` (RFC 9530), for SHA-256.

#[cfg(test)]
mod tests;

use base64::{Engine, prelude::BASE64_STANDARD};
use poem::http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{Dictionary, ListEntry, Parser};

use super::problem::{Explain, Problem, common};

/// The digest of the bytes of this message, encodings and ranges included.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
/// The digest of the whole file.
pub const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// The SHA-256 that a header field states, or None if it states none. Other algorithms are ignored (RFC 9530 section 2).
///
/// # Errors
/// 400 `malformed_digest` if the field is no dictionary, or its `sha-256` is not 32 bytes.
pub fn sha256(headers: &HeaderMap, name: &HeaderName) -> Result<Option<[u8; 32]>, Problem> {
    let malformed = || Problem::of(common::malformed_digest).field(name.as_str(), "is malformed");
    let mut lines = headers.get_all(name).iter().peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    // Lines of one field are one value (RFC 9110 section 5.3).
    let value = lines.map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    let dictionary: Dictionary = Parser::new(&value).parse().map_err(|error| malformed().because(error))?;
    match dictionary.get("sha-256") {
        None => Ok(None),
        Some(ListEntry::Item(item)) => {
            let bytes = item.bare_item.as_byte_sequence().ok_or_else(malformed)?;
            Ok(Some(bytes.try_into().map_err(|_| malformed())?))
        }
        Some(ListEntry::InnerList(_)) => Err(malformed()),
    }
}

/// `sha-256=:<base64>:`.
pub fn field_value(sha256: &[u8; 32]) -> HeaderValue {
    let text = format!("sha-256=:{}:", BASE64_STANDARD.encode(sha256));
    // Base64 is always a valid value; an empty dictionary would be one that states nothing.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
