//! Values within the text of a statement.
//!
//! Statements that carry their values can travel together, a whole transaction in one trip. Everything but a number is written in
//! hexadecimal digits, so that nothing in it can be taken for SQL.

use std::fmt::Write;

use cairn_projections::statement::Value;

/// Appends bytes: `x'63616972'`.
pub(super) fn bytes(text: &mut String, bytes: &[u8]) {
    text.push_str("x'");
    text.push_str(&hex::encode(bytes));
    text.push('\'');
}

/// Appends a text.
pub(super) fn characters(text: &mut String, characters: &str) {
    text.push_str("_utf8mb4 ");
    bytes(text, characters.as_bytes());
}

/// Appends a number.
pub(super) fn number(text: &mut String, number: impl Into<i128>) {
    // Writing to a text can't fail.
    let _ = write!(text, "{}", number.into());
}

/// Appends items with commas between them.
pub(super) fn list<T>(text: &mut String, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut String, T)) {
    for (place, value) in items.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        item(text, value);
    }
}

/// The text with its values in the place of its question marks.
pub(super) fn fill(text: &str, values: &[Value]) -> String {
    debug_assert_eq!(text.matches('?').count(), values.len(), "{text}");
    let mut pieces = text.split('?');
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for (piece, value) in pieces.zip(values) {
        match value {
            Value::Null => filled.push_str("NULL"),
            Value::Integer(value) => number(&mut filled, *value),
            Value::Text(value) => characters(&mut filled, value),
        }
        filled.push_str(piece);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_is_sql() {
        let values = [Value::Null, Value::Integer(-7), "a'; DROP TABLE x; -- ?".into()];
        let filled = fill("INSERT INTO t VALUES (?, ?, ?);", &values);
        assert_eq!(filled, "INSERT INTO t VALUES (NULL, -7, _utf8mb4 x'61273b2044524f50205441424c4520783b202d2d203f');");
    }
}
