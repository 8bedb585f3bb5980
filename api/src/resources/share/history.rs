use std::collections::BTreeMap;

use cairn_commands::Caller;
use cairn_commands::share::{Activity, activity};
use cairn_domain::{AccountId, ShareId, StoredEvent, Version};
use cairn_projections::queries::users::user_by_id;

use super::problems::HistoryProblem;
use super::types::{HistoryList, UsedDocument};
use crate::app::App;
use crate::http::problem::Problem;
use crate::resources::common::{PAGE_DEFAULT, after_cursor, number_cursor};

/// After which version of a share's stream a page begins. The cursor is its number.
pub(super) fn version_of(cursor: Option<&str>) -> Result<Option<Version>, Problem> {
    Ok(after_cursor(cursor, number_cursor)?.map(Version))
}

/// One page of what happened to a share.
pub(super) async fn history(
    app: &App,
    caller: &Caller,
    id: ShareId,
    after: Option<Version>,
    limit: Option<u64>,
) -> Result<HistoryList, HistoryProblem> {
    let limit = usize::try_from(limit.unwrap_or(PAGE_DEFAULT)).unwrap_or(usize::MAX);
    let Activity { events, next, .. } = activity(&app.drive, caller, id, after, limit).await?;
    let names = names_of(app, &events).await?;
    let items = events.iter().map(|event| UsedDocument::of(event, &names)).collect();
    Ok(HistoryList { items, next_cursor: next.map(|version| version.0.to_string()) })
}

/// What those are called who caused the events, each asked for once.
async fn names_of(app: &App, events: &[StoredEvent]) -> Result<BTreeMap<AccountId, String>, Problem> {
    let mut names = BTreeMap::new();
    for actor in events.iter().filter_map(|event| event.metadata.actor) {
        if !names.contains_key(&actor)
            && let Some(user) = user_by_id(&*app.tables, actor).await?
        {
            names.insert(actor, user.username);
        }
    }
    Ok(names)
}
