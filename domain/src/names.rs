//! Names that people give: parsed at the edge, valid ever after.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Why a text can't be such a name, in a sentence for the person who gave it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub &'static str);

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $parse:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it is kept.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                $parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

text!(
    /// The name of a file: 1 to 255 bytes of UTF-8 in NFC, no path separator, no control or direction-changing
    /// character, neither `.` nor `..`.
    FileName,
    parse_file_name
);
text!(
    /// A name to sign in with: 3 to 64 letters, digits, marks and `. _ - @ +`, kept as given in NFKC. Two names with the
    /// same [`canonical`](Username::canonical) form are the same name.
    Username,
    parse_username
);
text!(
    /// An address for mail, at most 254 bytes (RFC 5321 section 4.5.3.1.3); only its shape is checked.
    EmailAddress,
    parse_email
);
text!(
    /// A telephone number as written by people, 3 to 32 characters.
    PhoneNumber,
    parse_phone
);

/// Bytes that the common file systems take for one name.
pub const FILE_NAME_BYTES_MAX: usize = 255;

impl Username {
    /// The form that makes names unique: NFKC, without case, NFKC again (to lose the case can leave NFKC). Its own canonical form is itself.
    pub fn canonical(&self) -> String {
        let mut form: String = self.0.nfkc().collect();
        for _ in 0..FOLDINGS_MAX {
            let folded: String = form.chars().flat_map(without_case).nfkc().collect();
            if folded == form {
                break;
            }
            form = folded;
        }
        form
    }

    /// The canonical form of earlier versions, which knew lower case only; none where it is the same. Accounts that were made then keep it
    /// (ADR 0036).
    pub fn earlier_canonical(&self) -> Option<String> {
        let earlier: String = self.0.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        Some(earlier).filter(|earlier| *earlier != self.canonical())
    }
}

/// How often a form is folded until it stays. No character of Unicode 17 needs more than two times; a test tries them all.
const FOLDINGS_MAX: u32 = 4;

/// What all cases of a character have in common. Lower case alone leaves two letters that have one capital: ς and σ, ß and ss.
fn without_case(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}

fn parse_file_name(text: &str) -> Result<String, Invalid> {
    let name: String = text.nfc().collect();
    if name.trim().is_empty() {
        return Err(Invalid("a name must not be empty"));
    }
    if name.len() > FILE_NAME_BYTES_MAX {
        return Err(Invalid("a name must not be longer than 255 bytes"));
    }
    if name == "." || name == ".." {
        return Err(Invalid("'.' and '..' are not names"));
    }
    if name.contains(['/', '\\']) {
        return Err(Invalid("a name must not contain a path separator"));
    }
    if name.chars().any(char::is_control) {
        return Err(Invalid("a name must not contain control characters"));
    }
    if name.chars().any(is_deceptive) {
        return Err(Invalid("a name must not contain direction marks or line separators"));
    }
    Ok(name)
}

/// Characters that make a name look like another: direction marks, embeddings and isolates (UAX #9), line and
/// paragraph separators, and the byte order mark.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn parse_username(text: &str) -> Result<String, Invalid> {
    let name: String = text.nfkc().collect();
    if !(3..=64).contains(&name.chars().count()) {
        return Err(Invalid("a user name has 3 to 64 characters"));
    }
    let allowed = |c: char| c.is_alphanumeric() || is_combining(c) || "._-@+".contains(c);
    if !name.chars().all(allowed) {
        return Err(Invalid("a user name holds letters, digits and . _ - @ + only"));
    }
    Ok(name)
}

fn is_combining(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn parse_email(text: &str) -> Result<String, Invalid> {
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_control() || c.is_whitespace() || c == '@');
    match text.rsplit_once('@') {
        Some((local, domain)) if text.len() <= 254 && plain(local) && plain(domain) => Ok(text.to_owned()),
        _ => Err(Invalid("an e-mail address looks like name@example.org and has at most 254 bytes")),
    }
}

fn parse_phone(text: &str) -> Result<String, Invalid> {
    let allowed = |c: char| c.is_ascii_digit() || "+-() .".contains(c);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits < 3 || text.len() > 32 || !text.chars().all(allowed) {
        return Err(Invalid("a phone number has 3 to 32 digits, spaces and + - ( ) ."));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_every_script_are_names() {
        for name in ["报告 2026.pdf", "a..b", ".bashrc", "пример.txt", "😀.png", "עברית.txt"] {
            assert_eq!(name.parse::<FileName>().map(|n| n.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn a_decomposed_name_is_kept_composed() {
        assert_eq!("e\u{301}.txt".parse::<FileName>().expect("a name").as_str(), "é.txt");
    }

    #[test]
    fn names_that_could_leave_their_folder_or_deceive_are_refused() {
        let long = "x".repeat(256);
        let cases = ["", "  ", ".", "..", "a/b", "..\\x", "a\0b", "a\nb", "\u{202e}gpj.exe", "a\u{200f}", "\u{2066}x", &long];
        for name in cases {
            assert!(name.parse::<FileName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn usernames_that_differ_in_case_or_form_are_one() {
        let canonical = |name: &str| name.parse::<Username>().expect("a name").canonical();
        assert_eq!(canonical("Alice"), canonical("aLICE"));
        assert_eq!(canonical("Zoe\u{308}"), canonical("zoë"));
        assert_eq!(canonical("ａｌｉｃｅ"), canonical("alice"));
        for (one, other) in [("straße", "STRASSE"), ("straße", "STRAẞE"), ("σοφος", "σοφοσ"), ("ΣΟΦΟΣ", "σοφος"), ("ΑΙΔΗΣ", "ᾳδης")]
        {
            assert_eq!(canonical(one), canonical(other), "{one} {other}");
        }
        assert_ne!(canonical("strase"), canonical("straße"));
    }

    #[test]
    fn plain_names_are_as_they_were() {
        for name in ["Alice", "jean-luc", "Zoë", "小明同学", "пример", "a.b_c-d@e+f", "ADA.L", "Ærø", "Łódź", "ÅNGSTRÖM"]
        {
            assert_eq!(name.parse::<Username>().expect("a name").earlier_canonical(), None, "{name}");
        }
        let earlier = |name: &str| name.parse::<Username>().expect("a name").earlier_canonical();
        assert_eq!((earlier("Straße").as_deref(), earlier("STRASSE")), (Some("straße"), None));
        assert_eq!((earlier("Σοφος").as_deref(), earlier("σοφοσ")), (Some("σοφος"), None));
    }

    fn is_stable(name: &Username) {
        let canonical = Username(name.canonical());
        assert_eq!(canonical.canonical(), canonical.0, "{name:?}");
        assert_eq!(canonical.earlier_canonical(), None, "{name:?}");
        if let Some(earlier) = name.earlier_canonical() {
            assert_eq!(Username(earlier).canonical(), canonical.0, "{name:?}");
        }
    }

    #[test]
    fn the_canonical_form_of_every_character_is_its_own() {
        for c in (char::MIN..=char::MAX).filter(|c| c.is_alphanumeric() || is_combining(*c)) {
            is_stable(&Username(c.nfkc().collect()));
            is_stable(&Username(['a', c].into_iter().nfkc().collect()));
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_of_every_name_is_its_own(text in r"[\p{L}\p{M}\p{N}._@+-]{3,64}") {
            // NFKC may have made it too long.
            if let Ok(name) = text.parse::<Username>() {
                is_stable(&name);
            }
        }

        #[test]
        fn a_name_is_one_in_either_case(text in r"[\p{L}\p{N}]{3,20}") {
            let canonical = |text: &str| Username(text.nfkc().collect()).canonical();
            prop_assert_eq!(canonical(&text.to_uppercase()), canonical(&text));
            prop_assert_eq!(canonical(&text.to_lowercase()), canonical(&text));
        }
    }

    #[test]
    fn usernames_have_a_shape() {
        let long = "x".repeat(65);
        for name in ["ab", "a b", "a/b/c", "a\0bc", "abc\u{202e}", &long] {
            assert!(name.parse::<Username>().is_err(), "{name:?}");
        }
        assert!("小明同学".parse::<Username>().is_ok());
    }

    #[test]
    fn addresses_and_numbers_have_a_shape() {
        assert!("ada@example.org".parse::<EmailAddress>().is_ok());
        assert!(["a@", "@b", "a b@c", "a@b@c"].iter().all(|text| text.parse::<EmailAddress>().is_err()));
        assert!("+86 (10) 1234-5678".parse::<PhoneNumber>().is_ok());
        assert!(["12", "call me", "1;2;3"].iter().all(|text| text.parse::<PhoneNumber>().is_err()));
    }
}
