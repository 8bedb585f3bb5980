//! One page of a list of objects: where it begins, what it groups, and where the next one begins.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use s3s::{S3Result, s3_error};

use crate::store::Object;

pub(super) enum Entry {
    Object(String, Arc<Object>),
    /// All keys that begin so, up to and with the delimiter.
    Prefix(String),
}

/// Where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Start,
    /// After this key.
    AfterKey(String),
    /// After all keys that begin so.
    AfterPrefix(String),
}

pub(super) struct Query<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    place: Place,
}

impl<'a> Query<'a> {
    /// A token counts more than a key to start after.
    pub(super) fn new(prefix: &'a str, delimiter: Option<&'a str>, token: Option<&str>, after: Option<&str>) -> S3Result<Self> {
        let place = match (token, after) {
            (Some(token), _) => {
                Place::of(token).ok_or_else(|| s3_error!(InvalidArgument, "The continuation token is not one of this bucket."))?
            }
            (None, Some(key)) => Place::AfterKey(key.to_owned()),
            (None, None) => Place::Start,
        };
        Ok(Self { prefix, delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()), place })
    }

    /// So many entries at most, and a token if there are more.
    pub(super) fn page(&self, objects: &BTreeMap<String, Arc<Object>>, max: usize) -> (Vec<Entry>, Option<String>) {
        let mut entries = Vec::new();
        let mut place = self.place.clone();
        while let Some(entry) = self.next(objects, &place) {
            if entries.len() == max {
                return (entries, Some(place.token()));
            }
            place = match &entry {
                Entry::Object(key, _) => Place::AfterKey(key.clone()),
                Entry::Prefix(prefix) => Place::AfterPrefix(prefix.clone()),
            };
            entries.push(entry);
        }
        (entries, None)
    }

    fn next(&self, objects: &BTreeMap<String, Arc<Object>>, place: &Place) -> Option<Entry> {
        let begin = match place {
            Place::AfterKey(key) if key.as_str() >= self.prefix => Bound::Excluded(key.as_str()),
            Place::AfterPrefix(prefix) if prefix.as_str() >= self.prefix => Bound::Included(prefix.as_str()),
            _ => Bound::Included(self.prefix),
        };
        let is_done = |key: &str| matches!(place, Place::AfterPrefix(prefix) if key.starts_with(prefix));
        let (key, object) = objects.range::<str, _>((begin, Bound::Unbounded)).find(|(key, _)| !is_done(key))?;
        let rest = key.strip_prefix(self.prefix)?;
        let group = self.delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        Some(match group {
            Some(end) => Entry::Prefix(key[..self.prefix.len() + end].to_owned()),
            None => Entry::Object(key.clone(), Arc::clone(object)),
        })
    }
}

impl Place {
    fn token(&self) -> String {
        let (kind, text) = match self {
            Self::Start => ('s', ""),
            Self::AfterKey(key) => ('k', key.as_str()),
            Self::AfterPrefix(prefix) => ('p', prefix.as_str()),
        };
        format!("{kind}{}", hex::encode(text))
    }

    fn of(token: &str) -> Option<Self> {
        let text = |encoded| String::from_utf8(hex::decode(encoded).ok()?).ok();
        match token.split_at_checked(1)? {
            ("k", key) => text(key).map(Self::AfterKey),
            ("p", prefix) => text(prefix).map(Self::AfterPrefix),
            _ => None,
        }
    }
}
