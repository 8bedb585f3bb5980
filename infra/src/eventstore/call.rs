//! The calls to the server, each with a deadline.

use std::time::Duration;

use cairn_domain::{Position, StoredEvent, Version};
use eventstore::{
    Client, Position as AllPosition, ReadAllOptions, ReadStream, ReadStreamOptions, RecordedEvent, StreamPosition,
    SubscriptionFilter,
};
use tokio::time::timeout;

use super::record::{PREFIX, decode};
use super::trouble::{Failure, Late};

/// How long the server may take for the first or the next event of a page.
const ANSWER_MAX: Duration = Duration::from_millis(1_300);

/// The same, where it may have to pass by very many events of others first.
const SEARCH_MAX: Duration = Duration::from_secs(10);

/// Where a page of `$all` begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    Start,
    End,
    /// At the event with this position, which must be one: the server refuses any other number.
    At(Position),
}

/// At most `limit` of our events that come after a position, read from `begin` on.
pub(super) async fn page_of_all(client: &Client, begin: Begin, after: Position, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    // Forwards the event at which a page begins belongs to it.
    let records = records(client, from(begin).forwards(), limit + 1).await?;
    let wanted = records.into_iter().filter(|record| record.position.commit > after.0).take(limit);
    wanted.map(decode).collect()
}

/// Where at most `limit` of our events stand from `begin` on, that one included.
pub(super) async fn positions_from(client: &Client, begin: Begin, limit: usize) -> Result<Vec<Position>, Failure> {
    Ok(positions(records(client, from(begin).forwards(), limit).await?))
}

/// Where at most `limit` of our events stand before `begin`, that one excluded, the last first.
pub(super) async fn positions_before(client: &Client, begin: Begin, limit: usize) -> Result<Vec<Position>, Failure> {
    Ok(positions(records(client, from(begin).backwards(), limit).await?))
}

/// The last events of the server before `begin`, whoever wrote them, the last first: where each stands, and whether it is ours. However
/// many events others write, this is answered at once.
pub(super) async fn anything_before(client: &Client, begin: Begin, limit: usize) -> Result<Vec<(Position, bool)>, Failure> {
    let options = from(begin).backwards().max_count(limit).deadline(SEARCH_MAX).requires_leader(true);
    let page = in_time(ANSWER_MAX, Box::pin(client.read_all(&options))).await?;
    let records = rest_of(page, ANSWER_MAX, limit).await?;
    Ok(records.iter().map(|record| (Position(record.position.commit), record.stream_id().starts_with(PREFIX))).collect())
}

/// The direction has to be given afterwards: this sets it, too.
fn from(begin: Begin) -> ReadAllOptions {
    ReadAllOptions::default().position(match begin {
        Begin::Start => StreamPosition::Start,
        Begin::End => StreamPosition::End,
        Begin::At(Position(position)) => StreamPosition::Position(AllPosition { commit: position, prepare: position }),
    })
}

async fn records(client: &Client, options: ReadAllOptions, limit: usize) -> Result<Vec<RecordedEvent>, Failure> {
    let options = options.filter(ours()).max_count(limit).deadline(SEARCH_MAX).requires_leader(true);
    rest_of(in_time(SEARCH_MAX, Box::pin(client.read_all(&options))).await?, SEARCH_MAX, limit).await
}

fn positions(records: Vec<RecordedEvent>) -> Vec<Position> {
    records.into_iter().map(|record| Position(record.position.commit)).collect()
}

/// At most `limit` events of a stream, from this version on. No events if there is no such stream.
pub(super) async fn page_of_stream(client: &Client, name: &str, from: Version, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    let options = ReadStreamOptions::default().position(StreamPosition::Position(from.0)).forwards().max_count(limit);
    let options = options.deadline(SEARCH_MAX).requires_leader(true);
    let read = async { rest_of(in_time(ANSWER_MAX, Box::pin(client.read_stream(name, &options))).await?, ANSWER_MAX, limit).await };
    match read.await {
        Err(Failure::Absent) => Ok(Vec::new()),
        page => whole(page?.into_iter().map(decode).collect::<Result<_, _>>()?, from),
    }
}

/// Nothing may be missing from a stream: not even what somebody has truncated.
fn whole(events: Vec<StoredEvent>, from: Version) -> Result<Vec<StoredEvent>, Failure> {
    let misplaced = events.iter().zip(from.0..).find(|(event, due)| event.version.0 != *due);
    if let Some((event, due)) = misplaced {
        let text = format!("the stream {} has no event {due} on the server: somebody has truncated it", event.stream);
        return Err(Failure::Unreadable(event.position, text.into()));
    }
    Ok(events)
}

/// Our streams only: the server leaves out its own and those of others.
fn ours() -> SubscriptionFilter {
    SubscriptionFilter::on_stream_name().add_prefix(PREFIX)
}

async fn rest_of(mut page: ReadStream, patience: Duration, limit: usize) -> Result<Vec<RecordedEvent>, Failure> {
    let mut records = Vec::new();
    while records.len() < limit
        && let Some(resolved) = in_time(patience, page.next()).await?
    {
        records.extend(resolved.event);
    }
    Ok(records)
}

/// The client's own futures are large; what begins a call comes boxed.
async fn in_time<T>(patience: Duration, answer: impl Future<Output = eventstore::Result<T>>) -> Result<T, Failure> {
    match timeout(patience, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::Away(Late(patience).into())),
    }
}
