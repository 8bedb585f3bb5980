//! File names in `Content-Disposition` (RFC 6266), in the encoding of RFC 8187.

#[cfg(test)]
mod tests;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use poem::http::HeaderValue;

/// The `attr-char` of RFC 8187 section 3.2.1; everything else is percent-encoded.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `attachment; filename="..."; filename*=UTF-8''...`, safe for any name.
///
/// The first form is for clients that do not know the second: there, whatever could end the string, name a folder or is
/// not printable ASCII is an underscore.
pub fn attachment(name: &str) -> HeaderValue {
    let fallback: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let encoded = utf8_percent_encode(name, NOT_ATTR_CHAR);
    let text = format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The `filename*` of a field value, if there is one in UTF-8.
pub(crate) fn extended_file_name(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?;
    value.split(';').find_map(|parameter| {
        let (name, encoded) = parameter.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("filename*") {
            return None;
        }
        let (charset, rest) = encoded.trim().split_once('\'')?;
        let (_language, text) = rest.split_once('\'')?;
        if !charset.eq_ignore_ascii_case("utf-8") {
            return None;
        }
        percent_decode(text.as_bytes()).decode_utf8().ok().map(String::from)
    })
}

/// `%` is left out because some clients decode it in this form as well.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '/' | '%')
}
