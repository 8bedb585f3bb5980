//! Entity tags and the conditions on them (RFC 9110 sections 8.8.3 and 13.1).

#[cfg(test)]
mod tests;

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::problem::{Explain, Problem, common};

/// A parsed entity tag, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EntityTag<'a> {
    weak: bool,
    text: &'a str,
}

/// The strong entity tag with this text, in quotes.
pub fn entity_tag(text: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{text}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether `If-None-Match` names the current tag, so that a GET or HEAD is answered with 304 (section 13.1.2, weak
/// comparison). A malformed field names nothing.
pub fn none_match_holds_current(headers: &HeaderMap, current: &str) -> bool {
    values(headers, &header::IF_NONE_MATCH).any(|value| match tags(value) {
        Some(Tags::Any) => true,
        Some(Tags::List(tags)) => tags.iter().any(|tag| tag.text == current),
        None => false,
    })
}

/// Whether a `Range` may be honoured: there is no `If-Range`, or it is the current tag (section 13.1.5, strong
/// comparison). A date never matches, because tags are what this server gives out.
pub fn range_applies(headers: &HeaderMap, current: &str) -> bool {
    let mut conditions = values(headers, &header::IF_RANGE).peekable();
    if !headers.contains_key(header::IF_RANGE) {
        return true;
    }
    let strong = EntityTag { weak: false, text: current };
    conditions.next().is_some_and(|value| entity_tag_alone(value) == Some(strong)) && conditions.next().is_none()
}

/// The versions that `If-Match` allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// No condition.
    Absent,
    /// `*`: any version, as long as there is one.
    Any,
    /// One of these. Tags that are no version, and weak ones, never match, so the list may be empty.
    OneOf(Vec<u64>),
}

impl IfMatch {
    /// Reads the field as a list of `"<version>"`.
    ///
    /// # Errors
    /// 400 `malformed` if it is no list of entity tags: ignoring it would overwrite what the client wanted to protect.
    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        if !headers.contains_key(header::IF_MATCH) {
            return Ok(Self::Absent);
        }
        let malformed = || Problem::of(common::malformed).field("If-Match", "is written as \"<version>\", with the quotes");
        let mut versions = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            match tags(value.to_str().map_err(|_| malformed())?).ok_or_else(malformed)? {
                Tags::Any => return Ok(Self::Any),
                Tags::List(tags) => {
                    let strong = tags.iter().filter(|tag| !tag.weak);
                    versions.extend(strong.filter_map(|tag| tag.text.parse::<u64>().ok()));
                }
            }
        }
        Ok(Self::OneOf(versions))
    }

    /// Whether the condition is met by what is there now.
    pub fn allows(&self, version: u64) -> bool {
        match self {
            Self::Absent | Self::Any => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}

enum Tags<'a> {
    Any,
    List(Vec<EntityTag<'a>>),
}

/// `*`, or a list of entity tags in which empty elements are ignored (section 5.6.1).
fn tags(text: &str) -> Option<Tags<'_>> {
    let mut rest = text.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut list = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return (!list.is_empty()).then_some(Tags::List(list));
        }
        let (tag, behind) = take_entity_tag(rest)?;
        list.push(tag);
        rest = behind.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

fn entity_tag_alone(text: &str) -> Option<EntityTag<'_>> {
    let (tag, behind) = take_entity_tag(text.trim())?;
    behind.is_empty().then_some(tag)
}

/// `[W/]"..."`: the quotes cannot be escaped, and commas may stand inside.
fn take_entity_tag(text: &str) -> Option<(EntityTag<'_>, &str)> {
    let (weak, quoted) = match text.strip_prefix("W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let (text, behind) = quoted.strip_prefix('"')?.split_once('"')?;
    let is_etagc = |byte: u8| byte == 0x21 || (0x23..=0x7e).contains(&byte) || byte >= 0x80;
    text.bytes().all(is_etagc).then_some((EntityTag { weak, text }, behind))
}

/// The lines of a field that are text.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
}
