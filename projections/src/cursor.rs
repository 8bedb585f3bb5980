//! Where a list goes on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cairn_domain::Position;

/// The place after the last row of a page, in lists that go by the log position of what made the row, newest first.
///
/// Its text is opaque to clients. Positions are unique, so a list that goes on from one neither repeats nor skips a row, whatever
/// happened meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub Position);

/// The text is not one that this program gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that was given out")]
pub struct NotACursor;

/// Says what the number is, so that another kind of cursor can be told from it.
const PREFIX: &str = "before:";

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("{PREFIX}{}", self.0)))
    }
}

impl std::str::FromStr for Cursor {
    type Err = NotACursor;
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| NotACursor)?;
        let digits = text.strip_prefix(PREFIX).ok_or(NotACursor)?;
        let position = digits.parse().map_err(|_| NotACursor)?;
        let cursor = Self(Position(position));
        // One cursor, one text: "+1" and "01" are numbers, too.
        if digits == position.to_string() && i64::try_from(position).is_ok() { Ok(cursor) } else { Err(NotACursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_there_and_back() {
        let cursor = Cursor(Position(1_234_567));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn what_was_not_given_out_is_refused() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let negative = encode("before:-1");
        let beyond = encode("before:18446744073709551615");
        let padded = encode("before:007");
        for text in ["", "x", "%%%", "MTIz", &negative, &beyond, &padded, &format!("{}=", Cursor(Position(1)))] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
