use cairn_commands::file::{self, History};
use cairn_commands::{Caller, Drive};
use cairn_domain::{FileId, Position};

use super::problems::LookProblem;
use super::types::{HappenedDocument, HistoryList};
use crate::http::problem::{Explain, Problem, common};
use crate::resources::common::{PAGE_DEFAULT, after_cursor, number_cursor};

/// Which page of a file's past is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HistoryPage {
    after: Position,
    limit: usize,
}

impl HistoryPage {
    /// The cursor is the position after which the list goes on. The limit was checked before.
    pub(super) fn read(limit: Option<u64>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = usize::try_from(limit.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
        let after = after_cursor(cursor, number_cursor)?.map_or(Position::START, Position);
        Ok(Self { after, limit })
    }
}

/// One page of what happened, and whether there is another.
pub(super) async fn history(drive: &Drive, caller: &Caller, id: FileId, page: HistoryPage) -> Result<HistoryList, LookProblem> {
    let History { events, next } = file::history(drive, caller, id, page.after, page.limit).await?;
    let items = events.into_iter().map(HappenedDocument::of).collect::<Result<_, _>>();
    let items = items.map_err(|error| Problem::of(common::internal).because(error))?;
    Ok(HistoryList { items, next_cursor: next.map(|position| position.to_string()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_position_and_nothing_else() {
        let after = |cursor| HistoryPage::read(None, Some(cursor)).map(|page| page.after.0).map_err(|problem| problem.kind().code);
        assert_eq!((after("7"), after("")), (Ok(7), Ok(0)));
        for cursor in ["x", "-1", "+7", "007", "9223372036854775808"] {
            assert_eq!(after(cursor), Err("invalid"), "{cursor}");
        }
    }
}
