use cairn_commands::{Caller, Drive, file};
use cairn_domain::{FileId, Version};

use super::problems::LookProblem;
use super::types::{HappenedDocument, HistoryList};
use crate::http::problem::{Explain, Problem, common};
use crate::resources::common::PAGE_DEFAULT;

/// Which page of a file's past is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HistoryPage {
    from: Version,
    limit: usize,
}

impl HistoryPage {
    /// The cursor is the version at which the list goes on. The limit was checked before.
    pub(super) fn read(limit: Option<u64>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = usize::try_from(limit.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let Some(cursor) = cursor else { return Ok(Self { from: Version(0), limit }) };
        let version = cursor.parse::<u64>().ok().filter(|version| version.to_string() == cursor && i64::try_from(*version).is_ok());
        let version = version.ok_or_else(|| Problem::invalid("cursor", "is not one that was given out"))?;
        Ok(Self { from: Version(version), limit })
    }
}

/// One page of what happened, and whether there is another.
pub(super) async fn history(drive: &Drive, caller: &Caller, id: FileId, page: HistoryPage) -> Result<HistoryList, LookProblem> {
    let mut events = file::history(drive, caller, id, page.from, page.limit + 1).await?;
    let more = events.len() > page.limit;
    events.truncate(page.limit);
    let next = events.last().filter(|_| more).map(|event| event.version.next().0.to_string());
    let items = events.into_iter().map(HappenedDocument::of).collect::<Result<_, _>>();
    let items = items.map_err(|error| Problem::of(common::internal).because(error))?;
    Ok(HistoryList { items, next_cursor: next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_version_and_nothing_else() {
        let from = |cursor| HistoryPage::read(None, Some(cursor)).map(|page| page.from.0).map_err(|problem| problem.kind().code);
        assert_eq!(from("7"), Ok(7));
        for cursor in ["", "x", "-1", "+7", "007", "9223372036854775808"] {
            assert_eq!(from(cursor), Err("invalid"), "{cursor}");
        }
    }
}
