//! What the tests have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cairn_eventstore_double::Double;
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, Position, ReadStream, ReadStreamOptions, ResolvedEvent, StreamState, Subscription,
    SubscriptionEvent, WriteResult,
};
use uuid::Uuid;

/// What no test should ever wait for.
const TOO_LONG: Duration = Duration::from_secs(20);

/// A double and a client of it.
pub(crate) struct Pair {
    pub(crate) double: Double,
    pub(crate) client: Client,
}

pub(crate) fn pair() -> Pair {
    let double = Double::start().unwrap();
    let client = client(&double);
    Pair { double, client }
}

/// The client waits this interval before its first connection too.
pub(crate) fn client(double: &Double) -> Client {
    let url = format!("{}&discoveryInterval=1", double.url());
    Client::new(url.parse().unwrap()).unwrap()
}

pub(crate) fn id() -> Uuid {
    static MADE: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u64_pair(0x7E57, MADE.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn event(kind: &str) -> EventData {
    EventData::json(kind, &kind).unwrap().id(id())
}

pub(crate) fn events(count: usize) -> Vec<EventData> {
    (0..count).map(|_| event("Happened")).collect()
}

impl Pair {
    pub(crate) async fn append(&self, stream: &str, state: StreamState, events: Vec<EventData>) -> kurrentdb::Result<WriteResult> {
        self.client.append_to_stream(stream, &AppendToStreamOptions::default().stream_state(state), events).await
    }

    /// Appends one event after the other, whatever is there; gives where each one went.
    pub(crate) async fn fill(&self, stream: &str, kinds: &[&str]) -> Vec<Position> {
        let mut positions = Vec::new();
        for kind in kinds {
            positions.push(self.append(stream, StreamState::Any, vec![event(kind)]).await.unwrap().position);
        }
        positions
    }

    pub(crate) async fn revisions(&self, stream: &str, options: ReadStreamOptions) -> kurrentdb::Result<Vec<u64>> {
        let events = all(self.client.read_stream(stream, &options).await?).await?;
        Ok(events.iter().map(|event| event.get_original_event().revision).collect())
    }
}

pub(crate) async fn all(mut read: ReadStream) -> kurrentdb::Result<Vec<ResolvedEvent>> {
    let mut events = Vec::new();
    while let Some(event) = in_time(read.next()).await? {
        events.push(event);
    }
    Ok(events)
}

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TOO_LONG, future).await.expect("it takes too long")
}

pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    in_time(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// What a subscription says next, in one line; an event by its type.
pub(crate) async fn next(subscription: &mut Subscription) -> String {
    match in_time(subscription.next_subscription_event()).await {
        Ok(SubscriptionEvent::Confirmed(_)) => "confirmed".to_owned(),
        Ok(SubscriptionEvent::EventAppeared(event)) => event.get_original_event().event_type.clone(),
        Ok(SubscriptionEvent::Checkpoint(position)) => format!("checkpoint {}", position.commit),
        Ok(SubscriptionEvent::CaughtUp(_)) => "caught up".to_owned(),
        other => format!("{other:?}"),
    }
}

pub(crate) async fn next_of(subscription: &mut Subscription, count: usize) -> Vec<String> {
    let mut said = Vec::new();
    for _ in 0..count {
        said.push(next(subscription).await);
    }
    said
}
