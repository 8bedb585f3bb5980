use cairn_commands::share::{Activity, activity};
use cairn_commands::{Caller, Drive};
use cairn_domain::{ShareId, Version};

use super::problems::HistoryProblem;
use super::types::{HistoryList, UsedDocument};
use crate::http::problem::Problem;
use crate::resources::common::{PAGE_DEFAULT, after_cursor, number_cursor};

/// After which version of a share's stream a page begins. The cursor is its number.
pub(super) fn version_of(cursor: Option<&str>) -> Result<Option<Version>, Problem> {
    Ok(after_cursor(cursor, number_cursor)?.map(Version))
}

/// One page of what happened to a share.
pub(super) async fn history(
    drive: &Drive,
    caller: &Caller,
    id: ShareId,
    after: Option<Version>,
    limit: Option<u64>,
) -> Result<HistoryList, HistoryProblem> {
    let limit = usize::try_from(limit.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
    let Activity { events, next, .. } = activity(drive, caller, id, after, limit).await?;
    let items = events.iter().map(UsedDocument::of).collect();
    Ok(HistoryList { items, next_cursor: next.map(|version| version.0.to_string()) })
}
