use serde::{Deserialize, Serialize};

use crate::Invalid;

/// Where a file is fetched from: 1 to 2,048 visible ASCII characters that begin with `http://` or `https://`, with a host, and without the name
/// or the password of anybody. Whether it may be asked is not for this type to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceUrl(String);

/// Longer ones are no addresses of files.
pub const SOURCE_URL_BYTES_MAX: usize = 2_048;

impl SourceUrl {
    /// The text as it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and port, as they stand in it.
    pub fn authority(&self) -> &str {
        authority(&self.0).unwrap_or_default()
    }

    /// What stands between the last slash of the path and its end, still encoded; empty when the path ends with a slash.
    pub fn last_segment(&self) -> &str {
        let behind = self.0.split_once("://").map_or("", |(_, behind)| behind);
        let path = behind.split(['?', '#']).next().unwrap_or_default();
        path.rsplit_once('/').map_or("", |(_, segment)| segment)
    }
}

fn authority(text: &str) -> Option<&str> {
    let behind = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
    behind.split(['/', '?', '#']).next()
}

impl std::fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for SourceUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for SourceUrl {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if text.len() > SOURCE_URL_BYTES_MAX {
            return Err(Invalid("a URL must not be longer than 2048 bytes"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid("a URL holds visible ASCII characters only"));
        }
        match authority(&text) {
            None => Err(Invalid("a URL begins with http:// or https://")),
            Some("") => Err(Invalid("a URL names a host")),
            Some(authority) if authority.contains(['@', '\\']) => Err(Invalid("a URL must not hold a user or a password")),
            Some(_) => Ok(Self(text)),
        }
    }
}

impl From<SourceUrl> for String {
    fn from(url: SourceUrl) -> Self {
        url.0
    }
}
