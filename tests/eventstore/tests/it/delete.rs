//! Soft deletion and tombstones.

use kurrentdb::{DeleteStreamOptions, Error, ReadEvent, ReadStreamOptions, StreamPosition, StreamState, TombstoneStreamOptions};

use crate::support::{events, in_time, next, pair};

#[tokio::test]
async fn a_soft_deleted_stream_is_not_found_and_goes_on_where_it_ended() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(3)).await.unwrap();
    let deleted = pair.client.delete_stream("s", &Default::default()).await.unwrap();
    assert!(deleted.is_some());
    assert!(matches!(pair.revisions("s", Default::default()).await, Err(Error::ResourceNotFound)));
    assert_eq!(pair.double.event_count_of("s"), 0);

    let expects_it = pair.append("s", StreamState::StreamExists, events(1)).await;
    assert!(matches!(expects_it, Err(Error::ResourceDeleted)), "{expects_it:?}");
    let written = pair.append("s", StreamState::NoStream, events(2)).await.unwrap();
    assert_eq!(written.next_expected_version, 4);
    assert_eq!(pair.revisions("s", Default::default()).await.unwrap(), [3, 4]);
    let backwards = ReadStreamOptions::default().backwards().position(StreamPosition::End);
    assert_eq!(pair.revisions("s", backwards).await.unwrap(), [4, 3]);
    assert_eq!(pair.double.event_count(), 5, "in $all the deleted ones are still there");
}

#[tokio::test]
async fn after_a_soft_deletion_any_and_the_exact_revision_go_on_too() {
    let pair = pair();
    for (stream, state) in [("any", StreamState::Any), ("exact", StreamState::StreamRevision(1))] {
        pair.append(stream, StreamState::NoStream, events(2)).await.unwrap();
        pair.client.delete_stream(stream, &Default::default()).await.unwrap();
        assert_eq!(pair.append(stream, state, events(1)).await.unwrap().next_expected_version, 2);
    }
}

/// Only when the whole first page of the stream is gone does the server say where it begins now.
#[tokio::test]
async fn a_reader_is_told_where_a_truncated_stream_begins() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(40)).await.unwrap();
    pair.client.delete_stream("s", &Default::default()).await.unwrap();
    pair.append("s", StreamState::Any, events(1)).await.unwrap();
    let mut read = pair.client.read_stream("s", &Default::default()).await.unwrap();
    assert!(matches!(in_time(read.next_read_event()).await, Ok(Some(ReadEvent::FirstStreamPosition(40)))));
    assert!(matches!(in_time(read.next_read_event()).await, Ok(Some(ReadEvent::Event(_)))));
}

#[tokio::test]
async fn a_tombstoned_stream_is_gone_for_good() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(1)).await.unwrap();
    assert!(pair.client.tombstone_stream("s", &Default::default()).await.unwrap().is_some());
    assert!(matches!(pair.client.read_stream("s", &Default::default()).await, Err(Error::ResourceDeleted)));
    for state in [StreamState::Any, StreamState::NoStream, StreamState::StreamRevision(0)] {
        let result = pair.append("s", state, events(1)).await;
        assert!(matches!(result, Err(Error::ResourceDeleted)), "{result:?}");
    }
    assert!(matches!(pair.client.tombstone_stream("s", &Default::default()).await, Err(Error::ResourceDeleted)));
    assert!(matches!(pair.client.delete_stream("s", &Default::default()).await, Err(Error::ResourceDeleted)));
    let mut subscription = pair.client.subscribe_to_stream("s", &Default::default()).await;
    assert_eq!(next(&mut subscription).await, "confirmed");
    assert!(matches!(in_time(subscription.next_subscription_event()).await, Err(Error::ResourceDeleted)));
}

/// This client does not know the conflict of a deletion: it gets a plain status.
#[tokio::test]
async fn a_deletion_has_an_expected_revision_too() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(2)).await.unwrap();
    let conflict = |result: kurrentdb::Result<_>| match result {
        Err(Error::Grpc { message, .. }) => message,
        other => panic!("{other:?}"),
    };
    let wrong = DeleteStreamOptions::default().stream_state(StreamState::StreamRevision(0));
    let message = conflict(pair.client.delete_stream("s", &wrong).await);
    assert!(message.ends_with("WrongExpectedVersion. Stream: s, Expected version: 0, Actual version: 1"), "{message}");
    let wrong = TombstoneStreamOptions::default().stream_state(StreamState::NoStream);
    let message = conflict(pair.client.tombstone_stream("s", &wrong).await);
    assert!(message.ends_with("Expected version: -1, Actual version: 1"), "{message}");
    let message = conflict(pair.client.delete_stream("nothing", &Default::default()).await);
    assert!(message.ends_with("Expected version: -2, Actual version: -1"), "{message}");

    let right = DeleteStreamOptions::default().stream_state(StreamState::StreamRevision(1));
    pair.client.delete_stream("s", &right).await.unwrap();
}
