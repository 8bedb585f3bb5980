use cairn_domain::share::Share;
use cairn_domain::{Position, ShareId, StoredEvent, StreamName, Version};

use super::{ShareError, own_share};
use crate::{Caller, Drive, Trouble};

/// A page of what happened to a share, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// What happened: who downloaded, when and from where stands beside each event.
    pub events: Vec<StoredEvent>,
    /// The version after which the next page goes on; none when there is no more.
    pub next: Option<Version>,
    /// Where the log stood.
    pub position: Position,
}

/// What happened to the caller's share after a version of its stream.
pub async fn activity(
    drive: &Drive,
    caller: &Caller,
    id: ShareId,
    after: Option<Version>,
    limit: usize,
) -> Result<Activity, ShareError> {
    let stream = StreamName::share(id);
    let share = drive.journal.load::<Share>(&stream).await?;
    own_share(&share, caller).ok_or(ShareError::Absent)?;
    let from = after.map_or(Version(0), Version::next);
    let read = drive.ports.log.read_stream(&stream, from, limit.saturating_add(1)).await;
    let mut events = read.map_err(Trouble::from)?;
    let more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| more).map(|last| last.version);
    Ok(Activity { events, next, position: share.position })
}
