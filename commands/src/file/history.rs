use cairn_domain::file::File;
use cairn_domain::{FileId, Position, StoredEvent, StreamName, Version};

use super::{FileError, own_entry};
use crate::{Caller, Drive, Trouble};

/// Events that one read asks for.
const PAGE: usize = 1_000;

/// What has happened to a content that an entry's owner may want to know: whose else it is, is nobody's business.
const OF_CONTENT: [&str; 4] = ["BlobRelocated", "BlobCopyRemoved", "BlobDamaged", "BlobRepaired"];

/// What happened to the caller's entry, and since it was made to its content, oldest first, after a position.
pub async fn history(
    drive: &Drive,
    caller: &Caller,
    id: FileId,
    after: Position,
    limit: usize,
) -> Result<Vec<StoredEvent>, FileError> {
    let stream = StreamName::file(id);
    let file = drive.journal.load::<File>(&stream).await?;
    let sha256 = own_entry(&file, caller).ok_or(FileError::Absent)?.added.sha256;
    let mut events = events_after(drive, &stream, after, limit, |_| true).await?;
    let made_at = drive.ports.log.read_stream(&stream, Version(0), 1).await.map_err(Trouble::from)?;
    let since = after.max(made_at.first().map_or(Position::START, |event| event.position));
    let of_content = |event: &StoredEvent| OF_CONTENT.contains(&event.name.as_str());
    events.extend(events_after(drive, &StreamName::blob(sha256), since, limit, of_content).await?);
    events.sort_by_key(|event| event.position);
    events.truncate(limit);
    Ok(events)
}

/// The first of those that are wanted.
async fn events_after(
    drive: &Drive,
    stream: &StreamName,
    after: Position,
    limit: usize,
    wanted: impl Fn(&StoredEvent) -> bool + Send,
) -> Result<Vec<StoredEvent>, Trouble> {
    let (mut found, mut from) = (Vec::new(), Version(0));
    loop {
        let page = drive.ports.log.read_stream(stream, from, PAGE).await?;
        let ended = page.len() < PAGE;
        from = page.last().map_or(from, |last| last.version.next());
        found.extend(page.into_iter().filter(|event| event.position > after && wanted(event)));
        if ended || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}
