use cairn_domain::offline::{SOURCE_URL_BYTES_MAX, SourceUrl};
use url::Url;

use super::rules::Refused;

/// Reads a URL as browsers do (the WHATWG's standard): what comes out has one meaning only, whatever forms the text used for a host. Texts that other
/// readers could take for something else are refused.
pub(super) fn parse(text: &str) -> Result<Url, Refused> {
    if text.len() > SOURCE_URL_BYTES_MAX {
        return Err(Refused("it is longer than 2048 bytes"));
    }
    check_characters(text)?;
    checked(Url::parse(text).map_err(|_| Refused("it is no URL"))?)
}

/// The URL to which another one leads: whole, or in relation to that.
pub(super) fn follow(from: &Url, location: &str) -> Result<Url, Refused> {
    check_characters(location)?;
    checked(from.join(location).map_err(|_| Refused("it leads to something that is no URL"))?)
}

fn check_characters(text: &str) -> Result<(), Refused> {
    let is_fine = |c: char| c != '\\' && !c.is_whitespace() && !c.is_control();
    if text.chars().all(is_fine) { Ok(()) } else { Err(Refused("it holds characters that stand in no URL")) }
}

/// What every URL must be like, also one to which a source leads.
fn checked(mut url: Url) -> Result<Url, Refused> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refused("it begins neither with http nor with https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused("it holds a user or a password"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Refused("it names no host"));
    }
    url.set_fragment(None);
    Ok(url)
}

pub(super) fn source_url(url: &Url) -> Result<SourceUrl, Refused> {
    url.as_str().parse().map_err(|_| Refused("it is longer than 2048 bytes"))
}
