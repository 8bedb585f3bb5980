//! Pages of `$all`.

use kurrentdb::{Error, Position, ReadAllOptions, StreamPosition, SubscriptionFilter};
use tonic::Code;

use crate::support::{Pair, all, pair};

fn forwards(position: StreamPosition<Position>) -> ReadAllOptions {
    ReadAllOptions::default().position(position).forwards()
}

fn backwards(position: StreamPosition<Position>) -> ReadAllOptions {
    ReadAllOptions::default().position(position).backwards()
}

async fn kinds(pair: &Pair, options: ReadAllOptions) -> Vec<String> {
    let events = all(pair.client.read_all(&options).await.unwrap()).await.unwrap();
    events.iter().map(|event| event.get_original_event().event_type.clone()).collect()
}

#[tokio::test]
async fn events_of_all_streams_come_in_the_order_of_their_positions() {
    let pair = pair();
    let mut positions = pair.fill("one", &["A", "B"]).await;
    positions.extend(pair.fill("two", &["C"]).await);
    positions.extend(pair.fill("one", &["D"]).await);
    let read = all(pair.client.read_all(&forwards(StreamPosition::Start)).await.unwrap()).await.unwrap();
    let of_clients: Vec<_> = read.iter().filter(|event| !event.get_original_stream_id().starts_with('$')).collect();
    assert!(of_clients.len() < read.len(), "the system has events of its own");
    let read: Vec<Position> = of_clients.iter().map(|event| event.get_original_event().position).collect();
    assert_eq!(read, positions);
    assert!(positions.is_sorted());
    assert!(positions.iter().all(|position| position.commit == position.prepare));
    assert_eq!(kinds(&pair, backwards(StreamPosition::End)).await[..4], ["D", "C", "B", "A"]);
}

/// Forwards a position is read; backwards it is not: the server takes it for the end of what comes before.
#[tokio::test]
async fn a_page_begins_at_a_position() {
    let pair = pair();
    let positions = pair.fill("s", &["A", "B", "C", "D"]).await;
    let at = |place: usize| StreamPosition::Position(positions[place]);
    assert_eq!(kinds(&pair, forwards(at(1))).await, ["B", "C", "D"]);
    assert_eq!(kinds(&pair, forwards(at(1)).max_count(2)).await, ["B", "C"]);
    assert_eq!(kinds(&pair, forwards(StreamPosition::End)).await, [""; 0]);
    assert_eq!(kinds(&pair, backwards(at(2)).max_count(2)).await, ["B", "A"]);
    assert_eq!(kinds(&pair, backwards(StreamPosition::End).max_count(1)).await, ["D"]);
    assert_eq!(kinds(&pair, backwards(StreamPosition::Start)).await, [""; 0]);
}

#[tokio::test]
async fn a_position_at_which_nothing_begins_is_refused() {
    let pair = pair();
    let inside = pair.fill("s", &["A", "B"]).await[0].commit + 1;
    let position = StreamPosition::Position(Position { commit: inside, prepare: inside });
    let read = match pair.client.read_all(&forwards(position)).await {
        Ok(read) => all(read).await,
        Err(error) => Err(error),
    };
    assert!(matches!(read, Err(Error::ServerError(ref text)) if text.contains("InvalidPosition")), "{read:?}");
}

#[tokio::test]
async fn filters_choose_by_stream_or_type_with_prefixes_or_a_regex() {
    let pair = pair();
    pair.fill("user-1", &["Born", "Baptised"]).await;
    pair.fill("order-1", &["Bought", "Returned"]).await;
    let stream = SubscriptionFilter::on_stream_name;
    let kind = SubscriptionFilter::on_event_type;
    let cases = [
        (stream().add_prefix("user-"), vec!["Born", "Baptised"]),
        (stream().add_prefix("nobody").add_prefix("order-"), vec!["Bought", "Returned"]),
        (stream().regex("r-1$"), vec!["Born", "Baptised", "Bought", "Returned"]),
        (stream().exclude_system_events(), vec!["Born", "Baptised", "Bought", "Returned"]),
        (kind().add_prefix("Bo"), vec!["Born", "Bought"]),
        (kind().regex("ed$"), vec!["Baptised", "Returned"]),
        (kind().regex(r"^(?!\$|B)"), vec!["Returned"]),
        (kind().add_prefix("Nothing"), vec![]),
    ];
    for (number, (filter, mut expected)) in cases.into_iter().enumerate() {
        assert_eq!(kinds(&pair, forwards(StreamPosition::Start).filter(filter.clone())).await, expected, "case {number}");
        expected.reverse();
        assert_eq!(kinds(&pair, backwards(StreamPosition::End).filter(filter)).await, expected, "case {number} backwards");
    }
}

/// The limit counts what matches, not what was looked at.
#[tokio::test]
async fn a_filtered_page_is_full_if_there_is_enough() {
    let pair = pair();
    for _ in 0..3 {
        pair.fill("s", &["Noise", "Noise", "Signal"]).await;
    }
    let filter = SubscriptionFilter::on_event_type().add_prefix("Signal");
    assert_eq!(kinds(&pair, forwards(StreamPosition::Start).filter(filter).max_count(2)).await, ["Signal", "Signal"]);
}

#[tokio::test]
async fn a_filter_that_can_not_be_understood_is_refused() {
    let pair = pair();
    let filter = SubscriptionFilter::on_event_type().regex("(");
    let read = pair.client.read_all(&forwards(StreamPosition::Start).filter(filter)).await;
    assert!(matches!(read, Err(Error::Grpc { code: Code::InvalidArgument, .. })));
}
