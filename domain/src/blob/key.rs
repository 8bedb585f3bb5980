use crate::Sha256;

/// Under which name a copy of a content lies in its store.
///
/// Each copy that was ever declared removed has used up one name of the content in that store: it is a dead one from then on, which
/// anybody may delete at any time, also a process that had been asleep since, and never the name of a copy that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    /// The content.
    pub sha256: Sha256,
    /// How many copies of it that store had before.
    pub generation: u32,
}

impl BlobKey {
    /// The name of the first copy in a store, and nearly always of the only one ever.
    pub const fn first(sha256: Sha256) -> Self {
        Self { sha256, generation: 0 }
    }
}

/// `<sha256>`, and from the second copy on `<sha256>.<generation>`.
impl std::fmt::Display for BlobKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.generation {
            0 => self.sha256.fmt(f),
            generation => write!(f, "{}.{generation}", self.sha256),
        }
    }
}

/// The text is no name of a copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a copy: a SHA-256 in hexadecimal digits, and a dot and a number from the second copy on")]
pub struct NotAKey(String);

impl std::str::FromStr for BlobKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let (digits, generation) = text.split_once('.').map_or((text, Some(0)), |(digits, number)| (digits, number.parse().ok()));
        let key = digits.parse().ok().zip(generation).map(|(sha256, generation)| Self { sha256, generation });
        // One name for each key: no capital letters, no leading zeros, no ".0".
        key.filter(|key| key.to_string() == text).ok_or_else(|| NotAKey(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_copy_has_the_plain_name_and_later_ones_a_number() {
        let (first, third) = (BlobKey::first(Sha256([7; 32])), BlobKey { sha256: Sha256([7; 32]), generation: 2 });
        assert_eq!(first.to_string(), "07".repeat(32));
        assert_eq!(third.to_string(), format!("{}.2", "07".repeat(32)));
        for key in [first, third] {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
    }

    #[test]
    fn nothing_else_is_a_name() {
        let digits = "07".repeat(32);
        for text in [String::new(), format!("{digits}.0"), format!("{digits}.01"), format!("{digits}.x"), digits.replace('7', "G")]
        {
            assert!(text.parse::<BlobKey>().is_err(), "{text}");
        }
    }
}
