//! SHA-256 and SHA-1 values; computing them is the business of others.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotADigest;
            /// Takes lower- and upper-case hex; it is always written in lower case.
            fn from_str(text: &str) -> Result<Self, NotADigest> {
                let mut bytes = [0; $bytes];
                parse_hex(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut text = [0; $bytes * 2];
                serializer.serialize_str(write_hex(&self.0, &mut text))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(f, "{} hex digits", $bytes * 2)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

digest!(
    /// The address of a content (FIPS 180-4).
    Sha256,
    32
);
digest!(
    /// Kept beside SHA-256 for clients of the older protocol; nothing is trusted because of it.
    Sha1,
    20
);

/// The text is not that many hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} hexadecimal digits")]
pub struct NotADigest {
    /// How many digits were wanted.
    pub digits: usize,
}

fn parse_hex(text: &str, bytes: &mut [u8]) -> Result<(), NotADigest> {
    let wrong = NotADigest { digits: bytes.len() * 2 };
    if text.len() != wrong.digits {
        return Err(wrong);
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16).ok_or(wrong)?;
        let low = char::from(pair[1]).to_digit(16).ok_or(wrong)?;
        *byte = (high * 16 + low) as u8;
    }
    Ok(())
}

fn write_hex<'a>(bytes: &[u8], text: &'a mut [u8]) -> &'a str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_there_and_back_in_lower_case() {
        let text = "00ff10abcdef0123456789abcdef0123456789ab";
        let digest: Sha1 = text.to_uppercase().parse().expect("40 digits");
        assert_eq!(digest.to_string(), text);
        assert_eq!(serde_json::to_string(&digest).expect("json"), format!("\"{text}\""));
    }

    #[test]
    fn other_lengths_and_other_characters_are_refused() {
        assert_eq!("abc".parse::<Sha256>(), Err(NotADigest { digits: 64 }));
        assert!("zz".repeat(20).parse::<Sha1>().is_err());
        assert!("é".repeat(20).parse::<Sha1>().is_err());
    }
}
