use cairn_domain::{
    AccountId, EventId, FileId, FolderId, Position, SessionId, Sha1, Sha256, ShareId, Timestamp, TransferId, UploadId,
};

use super::ReadError;
use crate::statement::Value;

/// One row of an answer, its columns in the order of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// The column of that number, from 0, as what it stands for.
    pub fn get<T: FromColumn>(&self, column: usize) -> Result<T, ReadError> {
        let value = self.0.get(column);
        value.and_then(T::from_column).ok_or_else(|| ReadError::Unreadable { column, value: value.cloned() })
    }
}

/// What can stand in a column.
pub trait FromColumn: Sized {
    /// The value, if it is one.
    fn from_column(value: &Value) -> Option<Self>;
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_column(value).map(Some) }
    }
}

impl FromColumn for String {
    fn from_column(value: &Value) -> Option<Self> {
        text(value).map(str::to_owned)
    }
}

impl FromColumn for i64 {
    fn from_column(value: &Value) -> Option<Self> {
        if let Value::Integer(number) = value { Some(*number) } else { None }
    }
}

impl FromColumn for u64 {
    fn from_column(value: &Value) -> Option<Self> {
        i64::from_column(value).and_then(|number| number.try_into().ok())
    }
}

impl FromColumn for u32 {
    fn from_column(value: &Value) -> Option<Self> {
        i64::from_column(value).and_then(|number| number.try_into().ok())
    }
}

impl FromColumn for bool {
    fn from_column(value: &Value) -> Option<Self> {
        i64::from_column(value).map(|number| number != 0)
    }
}

impl FromColumn for Timestamp {
    fn from_column(value: &Value) -> Option<Self> {
        i64::from_column(value).map(Self)
    }
}

impl FromColumn for Position {
    fn from_column(value: &Value) -> Option<Self> {
        u64::from_column(value).map(Self)
    }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

macro_rules! parsed {
    ($($name:ident),+) => {
        $(
            impl FromColumn for $name {
                fn from_column(value: &Value) -> Option<Self> {
                    text(value)?.parse().ok()
                }
            }
        )+
    };
}

parsed!(AccountId, EventId, FileId, FolderId, SessionId, ShareId, TransferId, UploadId, Sha1, Sha256);

impl FromColumn for cairn_domain::StreamName {
    fn from_column(value: &Value) -> Option<Self> {
        text(value)?.to_owned().try_into().ok()
    }
}
