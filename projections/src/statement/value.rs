use std::borrow::Cow;

use cairn_domain::{
    AccountId, EventId, FileId, FolderId, Position, SessionId, Sha1, Sha256, ShareId, Timestamp, TransferId, UploadId,
};

/// What a column can hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(Cow<'static, str>),
}

/// The number is beyond what a column can hold, 2^63 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not fit into a column")]
pub struct TooLarge(pub u64);

/// A size or a count as columns hold it.
pub fn integer(number: u64) -> Result<i64, TooLarge> {
    i64::try_from(number).map_err(|_| TooLarge(number))
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.0)
    }
}

impl TryFrom<Position> for Value {
    type Error = TooLarge;
    fn try_from(position: Position) -> Result<Self, TooLarge> {
        integer(position.0).map(Self::Integer)
    }
}

impl From<Sha256> for Value {
    fn from(digest: Sha256) -> Self {
        hex::encode(digest.0).into()
    }
}

impl From<Sha1> for Value {
    fn from(digest: Sha1) -> Self {
        hex::encode(digest.0).into()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! ids {
    ($($id:ident),+) => {
        $(
            impl From<$id> for Value {
                fn from(id: $id) -> Self {
                    id.0.to_string().into()
                }
            }
        )+
    };
}

ids!(AccountId, EventId, FileId, FolderId, SessionId, ShareId, TransferId, UploadId);
