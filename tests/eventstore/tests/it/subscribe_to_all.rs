//! Catch-up subscriptions to `$all`.

use kurrentdb::{Position, StreamPosition, StreamState, SubscribeToAllOptions, SubscriptionFilter};

use crate::support::{events, eventually, in_time, next, next_of, pair};

fn from(position: StreamPosition<Position>) -> SubscribeToAllOptions {
    SubscribeToAllOptions::default().position(position)
}

#[tokio::test]
async fn everything_comes_in_order_and_then_the_news() {
    let pair = pair();
    pair.fill("one", &["A"]).await;
    pair.fill("two", &["B"]).await;
    let mut subscription = pair.client.subscribe_to_all(&from(StreamPosition::Start)).await;
    assert_eq!(next_of(&mut subscription, 5).await, ["confirmed", "$metadata", "A", "B", "caught up"]);
    pair.fill("three", &["C"]).await;
    assert_eq!(next(&mut subscription).await, "C");
}

#[tokio::test]
async fn the_position_given_is_not_sent_again() {
    let pair = pair();
    let positions = pair.fill("s", &["A", "B", "C"]).await;
    let mut subscription = pair.client.subscribe_to_all(&from(StreamPosition::Position(positions[1]))).await;
    assert_eq!(next_of(&mut subscription, 3).await, ["confirmed", "C", "caught up"]);
    let mut at_the_last = pair.client.subscribe_to_all(&from(StreamPosition::Position(positions[2]))).await;
    assert_eq!(next_of(&mut at_the_last, 2).await, ["confirmed", "caught up"]);
    pair.fill("s", &["D"]).await;
    assert_eq!(next(&mut subscription).await, "D");
    assert_eq!(next(&mut at_the_last).await, "D");
}

#[tokio::test]
async fn from_the_end_only_news_come() {
    let pair = pair();
    pair.fill("s", &["A"]).await;
    let mut subscription = pair.client.subscribe_to_all(&from(StreamPosition::End)).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
    pair.fill("s", &["B"]).await;
    assert_eq!(next(&mut subscription).await, "B");
}

#[tokio::test]
async fn deletions_are_seen_as_events_of_the_system() {
    let pair = pair();
    pair.fill("s", &["A"]).await;
    let mut subscription = pair.client.subscribe_to_all(&from(StreamPosition::End)).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
    pair.client.delete_stream("s", &Default::default()).await.unwrap();
    pair.fill("s", &["B"]).await;
    pair.client.tombstone_stream("s", &Default::default()).await.unwrap();
    assert_eq!(next_of(&mut subscription, 4).await, ["$metadata", "B", "$metadata", "$streamDeleted"]);
}

/// With a window of 4 and the multiplier 1 that this client always sends, a checkpoint is due after every 4 events looked at.
#[tokio::test]
async fn a_filtered_subscription_tells_how_far_it_has_looked() {
    let pair = pair();
    let filter = SubscriptionFilter::on_event_type().add_prefix("Signal").max(4);
    let kinds = ["Noise", "Noise", "Signal", "Noise", "Noise", "Noise", "Noise", "Signal", "Noise"];
    let positions = pair.fill("s", &kinds).await;
    let options = from(StreamPosition::Position(positions[0])).filter(filter);
    let mut subscription = pair.client.subscribe_to_all(&options).await;
    let checkpoint = |place: usize| format!("checkpoint {}", positions[place].commit);
    let said = next_of(&mut subscription, 6).await;
    assert_eq!(said, ["confirmed", "Signal", &checkpoint(2), "Signal", &checkpoint(7), "caught up"]);

    let news = pair.fill("s", &["Noise", "Signal", "Noise", "Noise", "Noise"]).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["Signal", &format!("checkpoint {}", news[3].commit)]);
}

/// The checkpoint lets a subscription begin again behind what was filtered out.
#[tokio::test]
async fn a_checkpoint_comes_even_if_nothing_matches() {
    let pair = pair();
    let positions = pair.fill("s", &["Noise"; 5]).await;
    let filter = SubscriptionFilter::on_event_type().add_prefix("Signal").max(2);
    let options = from(StreamPosition::Position(positions[0])).filter(filter);
    let mut subscription = pair.client.subscribe_to_all(&options).await;
    let said = next_of(&mut subscription, 4).await;
    let checkpoint = |place: usize| format!("checkpoint {}", positions[place].commit);
    assert_eq!(said, ["confirmed", &checkpoint(1), &checkpoint(3), "caught up"]);
}

#[tokio::test]
async fn a_position_at_which_nothing_begins_is_refused() {
    let pair = pair();
    let inside = pair.fill("s", &["A", "B"]).await[0].commit + 1;
    let position = StreamPosition::Position(Position { commit: inside, prepare: inside });
    let mut subscription = pair.client.subscribe_to_all(&from(position)).await;
    assert_eq!(next(&mut subscription).await, "confirmed");
    assert!(next(&mut subscription).await.contains("InvalidArgument"));
}

#[tokio::test]
async fn of_many_writers_nothing_is_lost_or_out_of_order() {
    let pair = pair();
    let mut subscription = pair.client.subscribe_to_all(&from(StreamPosition::End)).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
    for _ in 0..4 {
        let batches = pair.client.batch_append(&Default::default()).await.unwrap();
        tokio::spawn(async move {
            for _ in 0..100 {
                batches.append_to_stream("busy", StreamState::Any, events(1)).await.unwrap();
            }
        });
    }
    let mut last = None;
    for revision in 0..400 {
        let event = in_time(subscription.next()).await.unwrap();
        let event = event.get_original_event();
        assert_eq!(event.revision, revision);
        assert!(last < Some(event.position), "positions grow");
        last = Some(event.position);
    }
    assert_eq!(pair.double.event_count(), 400);
}

#[tokio::test]
async fn a_subscription_whose_client_goes_is_over() {
    let pair = pair();
    let mut subscription = pair.client.subscribe_to_all(&from(StreamPosition::End)).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
    drop(subscription);
    eventually(|| pair.double.subscriptions() == 0).await;
}
