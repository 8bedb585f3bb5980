//! Where an event stands: its stream, its version there and its position in the whole log.

use serde::{Deserialize, Serialize};

use crate::{AccountId, FileId, OfflineId, Sha256, ShareId, TransferId, UploadId, Username};

/// `<category>-<id>`; a category holds no `-`, so the first one ends it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(String);

impl StreamName {
    /// The claim on a name, by its canonical form: what makes names unique.
    pub fn username(username: &Username) -> Self {
        Self(format!("username-{}", username.canonical()))
    }

    /// Where a claim on the name may stand: of earlier versions, as long as there are accounts of theirs, and of this one.
    pub fn usernames(username: &Username) -> impl Iterator<Item = Self> + use<> {
        let earlier = username.earlier_canonical().map(|canonical| Self(format!("username-{canonical}")));
        earlier.into_iter().chain([Self::username(username)])
    }

    /// A person.
    pub fn account(id: AccountId) -> Self {
        Self(format!("account-{id}"))
    }

    /// An upload.
    pub fn upload(id: UploadId) -> Self {
        Self(format!("upload-{id}"))
    }

    /// A content.
    pub fn blob(sha256: Sha256) -> Self {
        Self(format!("blob-{sha256}"))
    }

    /// An entry of a drive.
    pub fn file(id: FileId) -> Self {
        Self(format!("file-{id}"))
    }

    /// Somebody's folders, all together.
    pub fn tree(owner: AccountId) -> Self {
        Self(format!("tree-{owner}"))
    }

    /// A way for others to an entry.
    pub fn share(id: ShareId) -> Self {
        Self(format!("share-{id}"))
    }

    /// What is promised to somebody's new entries.
    pub fn space(owner: AccountId) -> Self {
        Self(format!("space-{owner}"))
    }

    /// A content on its way from one store to another.
    pub fn transfer(id: TransferId) -> Self {
        Self(format!("transfer-{id}"))
    }

    /// A file on its way from elsewhere.
    pub fn offline(id: OfflineId) -> Self {
        Self(format!("offline-{id}"))
    }

    /// What kind of thing the stream is about.
    pub fn category(&self) -> &str {
        self.0.split_once('-').map_or("", |(category, _)| category)
    }

    /// Which one it is about.
    pub fn id(&self) -> &str {
        self.0.split_once('-').map_or("", |(_, id)| id)
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for StreamName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.0
    }
}

impl TryFrom<String> for StreamName {
    type Error = NotAStream;
    fn try_from(text: String) -> Result<Self, NotAStream> {
        match text.split_once('-') {
            Some((category, id)) if !category.is_empty() && !id.is_empty() => Ok(Self(text)),
            _ => Err(NotAStream(text)),
        }
    }
}

/// The text has no category or no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a stream name of the form category-id")]
pub struct NotAStream(pub String);

/// An event's number in its stream, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// An event's number in the whole log, in commit order, without gaps in the embedded log; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What an appender believes about the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever stands there: for events that commute.
    Any,
    /// Nothing stands there yet.
    NoStream,
    /// This is its last version.
    Exact(Version),
}

impl Expected {
    /// True when a stream whose last version is `actual` (none: no stream) is as expected.
    pub fn holds_for(self, actual: Option<Version>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => actual.is_none(),
            Self::Exact(version) => actual == Some(version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_dash_separates() {
        let name = StreamName::try_from("username-jean-luc".to_owned()).expect("a stream name");
        assert_eq!((name.category(), name.id()), ("username", "jean-luc"));
    }

    #[test]
    fn a_name_needs_both_halves() {
        for text in ["", "file", "file-", "-1"] {
            assert!(StreamName::try_from(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
