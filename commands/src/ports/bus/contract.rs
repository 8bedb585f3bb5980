//! What every bus has to pass.

use std::future::Future;
use std::time::Duration;

use cairn_domain::file::{FileEvent, FileTrashed};
use cairn_domain::{CommandId, Event, EventId, Metadata, Position, StoredEvent, StreamName, Timestamp, Version, codec};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{Bus, BusError, Reached, Tip};

/// A bus that never had an event, any number of processes that use it, and somebody outside who follows it.
pub trait Scene {
    /// A process's end of it.
    type Bus: Bus;

    /// One process more.
    fn connect(&self) -> impl Future<Output = Self::Bus>;

    /// Every event that the bus has, as whoever follows it gets to see them.
    fn kept(&self) -> impl Future<Output = Vec<(Position, EventId)>>;
}

/// Runs every check on the one bus.
///
/// # Panics
/// When the bus breaks the contract.
pub async fn suite(scene: &impl Scene) {
    a_new_bus_is_empty_and_asking_changes_nothing(scene).await;
    what_was_published_is_there_in_order(scene).await;
    behind_an_old_tip_nothing_is_published(scene).await;
    of_many_that_publish_the_same_each_event_counts_once(scene).await;
    what_is_told_is_heard_by_others(scene).await;
}

/// The n-th events of a log, the same ones for the same numbers.
pub fn events(numbers: std::ops::Range<u64>) -> Vec<StoredEvent> {
    numbers.map(event).collect()
}

fn event(number: u64) -> StoredEvent {
    let event: Event = FileEvent::FileTrashed(FileTrashed {}).into();
    let stream = StreamName::try_from("file-of the contract".to_owned()).unwrap_or_else(|error| panic!("{error}"));
    StoredEvent {
        id: CommandId(Uuid::NAMESPACE_OID).event(stream.as_str(), usize::try_from(number).unwrap_or(usize::MAX)),
        stream,
        version: Version(number - 1),
        position: Position(number),
        time: Timestamp(1_700_000_000_123_456).plus_seconds(number),
        name: event.name().to_owned(),
        schema: event.schema(),
        metadata: Metadata { correlation: Some(format!("request-{number}")), ..Metadata::default() },
        data: codec::encode(&event),
    }
}

async fn reached(bus: &impl Bus) -> Reached {
    bus.reached().await.unwrap_or_else(|error| panic!("{error:?}"))
}

/// The last position and the tip.
async fn end(bus: &impl Bus) -> (Position, Tip) {
    match reached(bus).await {
        Reached::At { position, event, tip } => {
            assert_eq!(event, self::event(position.0).id);
            (position, tip)
        }
        Reached::Empty(tip) => (Position::START, tip),
        Reached::Forgotten(_) => panic!("the bus has forgotten what was just published"),
    }
}

fn places(events: &[StoredEvent]) -> Vec<(Position, EventId)> {
    events.iter().map(|event| (event.position, event.id)).collect()
}

async fn a_new_bus_is_empty_and_asking_changes_nothing(scene: &impl Scene) {
    let bus = scene.connect().await;
    let first = reached(&bus).await;
    assert!(matches!(first, Reached::Empty(_)), "{first:?}");
    assert_eq!(reached(&bus).await, first);
    assert!(bus.reachable().await.is_ok());
    assert_eq!(scene.kept().await, []);
}

async fn what_was_published_is_there_in_order(scene: &impl Scene) {
    let (bus, other) = (scene.connect().await, scene.connect().await);
    let (_, tip) = end(&bus).await;
    let tip = bus.publish(tip, &events(1..2)).await.unwrap_or_else(|error| panic!("{error:?}"));
    let tip = bus.publish(tip, &events(2..300)).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(end(&bus).await, (Position(299), tip));
    assert_eq!(end(&other).await, (Position(299), tip), "every process sees the same");
    let tip = other.publish(tip, &events(300..301)).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(end(&bus).await, (Position(300), tip));
    assert_eq!(scene.kept().await, places(&events(1..301)));
}

async fn behind_an_old_tip_nothing_is_published(scene: &impl Scene) {
    let bus = scene.connect().await;
    let (position, tip) = end(&bus).await;
    let next = position.0 + 1;
    let newer = bus.publish(tip, &events(next..next + 3)).await.unwrap_or_else(|error| panic!("{error:?}"));
    let late = bus.publish(tip, &events(next + 10..next + 12)).await;
    assert!(matches!(late, Err(BusError::Moved)), "{late:?}");
    assert_eq!(end(&bus).await, (Position(next + 2), newer));
    assert_eq!(scene.kept().await, places(&events(1..next + 3)));
}

/// Each does what a relay does, as fast as it can.
async fn of_many_that_publish_the_same_each_event_counts_once(scene: &impl Scene) {
    let first = end(&scene.connect().await).await.0.0 + 1;
    let last = first + 400;
    join_all((3..7).map(async |page| publish_all(&scene.connect().await, last, page * 7).await)).await;
    assert_eq!(scene.kept().await, places(&events(1..last + 1)));
}

async fn publish_all(bus: &impl Bus, last: u64, page: u64) {
    loop {
        let (Position(mut at), mut tip) = end(bus).await;
        while at < last {
            let next = events(at + 1..(at + 1 + page).min(last + 1));
            match bus.publish(tip, &next).await {
                Ok(newer) => (at, tip) = (at + next.len() as u64, newer),
                Err(BusError::Moved) => break,
                Err(error) => panic!("{error:?}"),
            }
        }
        if at >= last {
            return;
        }
    }
}

async fn what_is_told_is_heard_by_others(scene: &impl Scene) {
    let (bus, other) = (scene.connect().await, scene.connect().await);
    let mut heard = other.heard();
    for position in [7, 8, 5] {
        // A hint may be lost, for instance because the other does not listen yet.
        let told = async {
            loop {
                bus.tell(Position(position));
                let again = Duration::from_millis(500);
                if let Ok(Ok(_)) = tokio::time::timeout(again, heard.wait_for(|heard| heard.0 == position)).await {
                    return;
                }
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), told).await.is_ok(), "nobody heard of {position}");
    }
}
