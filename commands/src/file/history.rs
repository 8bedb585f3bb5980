use cairn_domain::file::File;
use cairn_domain::{FileId, Position, StoredEvent, StreamName, Version};

use super::{FileError, own_entry};
use crate::ports::event_store::EventStore;
use crate::{Caller, Drive, Trouble};

/// Events that one read asks for.
const PAGE: usize = 1_000;
/// Reads of a stream for one answer, once its place is found. What a much-shared content has in between is of no interest to the caller.
const READS_MAX: usize = 10;

/// What has happened to a content that an entry's owner may want to know: whose else it is, is nobody's business.
const OF_CONTENT: [&str; 4] = ["BlobRelocated", "BlobCopyRemoved", "BlobDamaged", "BlobRepaired"];

/// A page of what happened, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// May be fewer than were asked for, even none, although there are more.
    pub events: Vec<StoredEvent>,
    /// Where the next page goes on; none when there is no more.
    pub next: Option<Position>,
}

/// What happened to the caller's entry, and since it was made to its content, after a position.
pub async fn history(drive: &Drive, caller: &Caller, id: FileId, after: Position, limit: usize) -> Result<History, FileError> {
    let (log, stream) = (&*drive.ports.log, StreamName::file(id));
    let file = drive.journal.load::<File>(&stream).await?;
    let sha256 = own_entry(id, &file, caller).ok_or(FileError::Absent)?.content().sha256;
    let of_file = select(log, &stream, after, limit, |_| true).await?;
    let made_at = log.read_stream(&stream, Version(0), 1).await.map_err(Trouble::from)?;
    let since = after.max(made_at.first().map_or(Position::START, |event| event.position));
    let of_content = |event: &StoredEvent| OF_CONTENT.contains(&event.name.as_str());
    let of_content = select(log, &StreamName::blob(sha256), since, limit, of_content).await?;
    Ok(together(of_file, of_content, limit))
}

/// Some events of a stream.
struct Selected {
    events: Vec<StoredEvent>,
    /// Up to where it was looked through; none for its end.
    until: Option<Position>,
}

/// Both in the order of the log. Neither may go further than the other has looked.
fn together(one: Selected, other: Selected, limit: usize) -> History {
    let until = one.until.into_iter().chain(other.until).min();
    let mut events = [one.events, other.events].concat();
    events.sort_by_key(|event| event.position);
    events.retain(|event| until.is_none_or(|until| event.position <= until));
    if events.len() <= limit {
        return History { events, next: until };
    }
    events.truncate(limit);
    let next = events.last().map(|event| event.position);
    History { events, next }
}

/// The first of those that are wanted, and one more than the limit, so that one sees whether there is more.
async fn select(
    log: &dyn EventStore,
    stream: &StreamName,
    after: Position,
    limit: usize,
    wanted: impl Fn(&StoredEvent) -> bool + Send,
) -> Result<Selected, Trouble> {
    let mut events = Vec::new();
    let mut page = log.read_stream(stream, Version(0), PAGE).await?;
    if page.len() == PAGE && page.last().is_some_and(|last| last.position <= after) {
        page = log.read_stream(stream, shortly_before(log, stream, after).await?, PAGE).await?;
    }
    for reads in 1.. {
        let seen = page.last().filter(|_| page.len() == PAGE).map(|last| (last.position, last.version.next()));
        events.extend(page.into_iter().filter(|event| event.position > after && wanted(event)));
        if events.len() > limit {
            events.truncate(limit + 1);
            let until = events.last().map(|last| last.position);
            return Ok(Selected { events, until });
        }
        let Some((until, next)) = seen else { break };
        if reads == READS_MAX {
            return Ok(Selected { events, until: Some(until) });
        }
        page = log.read_stream(stream, next, PAGE).await?;
    }
    Ok(Selected { events, until: None })
}

/// A version of the stream that is not behind the position, and at most a page before what is: found by halving, however long the stream is.
/// The first page of the stream must lie before the position.
async fn shortly_before(log: &dyn EventStore, stream: &StreamName, position: Position) -> Result<Version, Trouble> {
    let is_before = async |version: u64| -> Result<bool, Trouble> {
        let event = log.read_stream(stream, Version(version), 1).await?;
        Ok(event.first().is_some_and(|event| event.position <= position))
    };
    let mut before = PAGE as u64 - 1;
    let mut behind = before * 2;
    while is_before(behind).await? {
        (before, behind) = (behind, behind * 2);
    }
    while behind - before > PAGE as u64 {
        let middle = before + (behind - before) / 2;
        if is_before(middle).await? {
            before = middle;
        } else {
            behind = middle;
        }
    }
    Ok(Version(before))
}
