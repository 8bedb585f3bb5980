use std::fmt::Display;
use std::str::FromStr;

use cairn_domain::{FolderId, Sha1, Sha256};
use cairn_projections::queries::PageOf;
use cairn_projections::queries::files::ByHash;

use crate::http::problem::{Explain, Problem, common};

/// Reads the fields of one request and keeps whatever is wrong with any of them, so that a client hears of all at once.
#[derive(Debug, Default)]
pub(in crate::resources) struct Fields(Option<Problem>);

impl Fields {
    /// Reads a text; none when it is wrong.
    pub(in crate::resources) fn read<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.refuse(field, error.to_string()),
        }
    }

    /// Reads a text that may be absent; `Some(None)` when it is, none when it is wrong.
    pub(in crate::resources) fn read_optional<T: FromStr<Err: Display>>(
        &mut self,
        field: &str,
        text: Option<&str>,
    ) -> Option<Option<T>> {
        match text {
            Some(text) => self.read(field, text).map(Some),
            None => Some(None),
        }
    }

    /// Says what is wrong with a field.
    pub(in crate::resources) fn refuse<T>(&mut self, field: &str, message: impl Into<String>) -> Option<T> {
        let problem = self.0.take().unwrap_or(Problem::of(common::invalid));
        self.0 = Some(problem.field(field, message));
        None
    }

    /// Says what a problem says of its fields.
    pub(in crate::resources) fn refuse_all<T>(&mut self, problem: &Problem) -> Option<T> {
        problem.errors().iter().find_map(|error| self.refuse(&error.field, error.message.as_str()))
    }

    /// What was read, if all of it is right.
    pub(in crate::resources) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match (value, self.0) {
            (Some(value), None) => Ok(value),
            (_, problem) => Err(problem.unwrap_or(Problem::of(common::invalid))),
        }
    }
}

/// A folder in a query or a form, where an empty text is the top.
pub(in crate::resources) fn optional_folder(text: &str) -> Result<Option<FolderId>, &'static str> {
    match text {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| "is a UUID, or empty for the top"),
    }
}

/// A content by its SHA-256 (64 hex digits) or its SHA-1 (40).
pub(in crate::resources) fn content_hash(text: &str) -> Result<ByHash, &'static str> {
    let sha256 = text.parse::<Sha256>().map(ByHash::Sha256);
    let content = sha256.or_else(|_| text.parse::<Sha1>().map(ByHash::Sha1));
    content.map_err(|_| "is a SHA-256 (64 hexadecimal digits) or a SHA-1 (40)")
}

/// Rows of a page when the client says nothing.
pub(in crate::resources) const PAGE_DEFAULT: u64 = 100;

/// Which page of a list is asked for. The limit was checked before.
pub(in crate::resources) fn page_of(limit: Option<u64>, cursor: Option<&str>) -> Result<PageOf, Problem> {
    let after = after_cursor(cursor, |cursor| cursor.parse().ok())?;
    Ok(PageOf { after, limit: limit.unwrap_or(PAGE_DEFAULT) })
}

/// Where a list goes on, read from a cursor that was given out. Without one, and with an empty one, the list begins at its beginning.
pub(in crate::resources) fn after_cursor<T>(
    cursor: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    read(cursor).map(Some).ok_or_else(|| Problem::invalid("cursor", "is not one that was given out"))
}

/// A cursor that is a number of the log or of a stream, written as it was given out.
pub(in crate::resources) fn number_cursor(cursor: &str) -> Option<u64> {
    cursor.parse::<u64>().ok().filter(|number| number.to_string() == cursor && i64::try_from(*number).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_named() {
        let mut fields = Fields::default();
        let first: Option<u32> = fields.read("first", "x");
        let second: Option<Option<u32>> = fields.read_optional("second", Some("y"));
        let third: Option<Option<u32>> = fields.read_optional("third", None);
        assert_eq!((first, second, third), (None, None, Some(None)));
        let problem = fields.finish(third).unwrap_err();
        let names: Vec<&str> = problem.errors().iter().map(|error| error.field.as_str()).collect();
        assert_eq!(names, ["first", "second"]);
    }

    #[test]
    fn contents_are_told_apart_by_the_length_of_their_hash() {
        assert!(matches!(content_hash(&"a".repeat(64)), Ok(ByHash::Sha256(_))));
        assert!(matches!(content_hash(&"A".repeat(40)), Ok(ByHash::Sha1(_))));
        assert!(["", "a", &"g".repeat(64), &"a".repeat(41)].iter().all(|text| content_hash(text).is_err()));
    }

    #[test]
    fn an_empty_cursor_is_none() {
        let page = |cursor| page_of(None, cursor).map(|page| page.after.is_some()).map_err(|problem| problem.kind().code);
        assert_eq!((page(None), page(Some(""))), (Ok(false), Ok(false)));
        assert_eq!(page(Some("nonsense")), Err("invalid"));
        let number = |cursor| after_cursor(Some(cursor), number_cursor).map_err(|problem| problem.kind().code);
        assert_eq!((number(""), number("7")), (Ok(None), Ok(Some(7))));
        for cursor in ["x", "-1", "+7", "007", " ", "9223372036854775808"] {
            assert_eq!(number(cursor), Err("invalid"), "{cursor}");
        }
    }

    #[test]
    fn an_empty_folder_is_the_top() {
        assert_eq!(optional_folder(""), Ok(None));
        assert!(optional_folder("x").is_err());
    }
}
