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

/// How long the server may take to send the first or the next event of a page.
const ANSWER_MAX: Duration = Duration::from_millis(1_300);

/// How long the server itself works on a page before it gives up.
const PAGE_MAX: Duration = Duration::from_secs(10);

/// Where a page of `$all` begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    Start,
    /// With the event at this position, which must be one: the server refuses any other number.
    At(Position),
}

/// At most `limit` of our events, in the order of the log.
pub(super) async fn page_of_all(client: &Client, begin: Begin, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    let from = match begin {
        Begin::Start => StreamPosition::Start,
        Begin::At(Position(position)) => StreamPosition::Position(AllPosition { commit: position, prepare: position }),
    };
    // The position first: it sets the direction.
    let options = ReadAllOptions::default().position(from).forwards().filter(ours()).max_count(limit);
    let options = options.deadline(PAGE_MAX).requires_leader(true);
    let page = in_time(client.read_all(&options)).await?;
    rest_of(page, limit).await?.into_iter().map(decode).collect()
}

/// The position of our last event.
pub(super) async fn head(client: &Client) -> Result<Position, Failure> {
    let options = ReadAllOptions::default().position(StreamPosition::End).backwards().filter(ours()).max_count(1);
    let options = options.deadline(PAGE_MAX).requires_leader(true);
    let page = in_time(client.read_all(&options)).await?;
    let last = rest_of(page, 1).await?;
    Ok(last.first().map_or(Position::START, |record| Position(record.position.commit)))
}

/// At most `limit` events of a stream, from this version on. No events if there is no such stream.
pub(super) async fn page_of_stream(client: &Client, name: &str, from: Version, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    let options = ReadStreamOptions::default().position(StreamPosition::Position(from.0)).forwards().max_count(limit);
    let options = options.deadline(PAGE_MAX).requires_leader(true);
    let read = async { rest_of(in_time(client.read_stream(name, &options)).await?, limit).await };
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

async fn rest_of(mut page: ReadStream, limit: usize) -> Result<Vec<RecordedEvent>, Failure> {
    let mut records = Vec::new();
    while records.len() < limit
        && let Some(resolved) = in_time(page.next()).await?
    {
        records.extend(resolved.event);
    }
    Ok(records)
}

async fn in_time<T>(answer: impl Future<Output = eventstore::Result<T>>) -> Result<T, Failure> {
    match timeout(ANSWER_MAX, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::Away(Late(ANSWER_MAX).into())),
    }
}
