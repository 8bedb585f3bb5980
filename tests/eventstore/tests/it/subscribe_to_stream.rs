//! Catch-up subscriptions to one stream.

use kurrentdb::{StreamPosition, StreamState, SubscribeToStreamOptions};

use crate::support::{events, next, next_of, pair};

fn from(position: StreamPosition<u64>) -> SubscribeToStreamOptions {
    SubscribeToStreamOptions::default().start_from(position)
}

#[tokio::test]
async fn old_events_come_first_then_the_news() {
    let pair = pair();
    pair.fill("s", &["A", "B"]).await;
    let mut subscription = pair.client.subscribe_to_stream("s", &from(StreamPosition::Start)).await;
    assert_eq!(next_of(&mut subscription, 4).await, ["confirmed", "A", "B", "caught up"]);
    pair.fill("other", &["X"]).await;
    pair.fill("s", &["C"]).await;
    assert_eq!(next(&mut subscription).await, "C");
    assert_eq!(pair.double.subscriptions(), 1);
}

#[tokio::test]
async fn the_revision_given_is_not_sent_again() {
    let pair = pair();
    pair.fill("s", &["A", "B", "C"]).await;
    let mut subscription = pair.client.subscribe_to_stream("s", &from(StreamPosition::Position(1))).await;
    assert_eq!(next_of(&mut subscription, 3).await, ["confirmed", "C", "caught up"]);
}

#[tokio::test]
async fn from_the_end_only_news_come() {
    let pair = pair();
    pair.fill("s", &["A"]).await;
    let mut subscription = pair.client.subscribe_to_stream("s", &from(StreamPosition::End)).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
    pair.fill("s", &["B"]).await;
    assert_eq!(next(&mut subscription).await, "B");
}

#[tokio::test]
async fn a_stream_that_is_not_there_yet_can_be_waited_for() {
    let pair = pair();
    let mut subscription = pair.client.subscribe_to_stream("later", &from(StreamPosition::Start)).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
    pair.fill("later", &["A"]).await;
    assert_eq!(next(&mut subscription).await, "A");
}

#[tokio::test]
async fn a_tombstone_ends_the_subscription() {
    let pair = pair();
    pair.fill("s", &["A"]).await;
    let mut subscription = pair.client.subscribe_to_stream("s", &from(StreamPosition::Start)).await;
    assert_eq!(next_of(&mut subscription, 3).await, ["confirmed", "A", "caught up"]);
    pair.client.tombstone_stream("s", &Default::default()).await.unwrap();
    assert_eq!(next_of(&mut subscription, 2).await, ["$streamDeleted", "Err(ResourceDeleted)"]);
}

#[tokio::test]
async fn more_than_a_page_comes_in_order() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(500)).await.unwrap();
    let mut subscription = pair.client.subscribe_to_stream("s", &from(StreamPosition::Start)).await;
    assert_eq!(next(&mut subscription).await, "confirmed");
    for revision in 0..500 {
        let event = subscription.next().await.unwrap();
        assert_eq!(event.get_original_event().revision, revision);
    }
}
