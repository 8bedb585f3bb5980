//! Many appends over one call.

use cairn_eventstore_double::Method;
use kurrentdb::{BatchAppendOptions, Error, EventData, StreamState};
use tonic::Code;

use crate::support::{events, in_time, pair};

#[tokio::test]
async fn each_batch_is_answered_with_its_own_revision() {
    let pair = pair();
    let batches = pair.client.batch_append(&Default::default()).await.unwrap();
    let (one, two) = tokio::join!(
        batches.append_to_stream("one", StreamState::NoStream, events(2)),
        batches.append_to_stream("two", StreamState::Any, events(3))
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.stream_name(), one.current_revision()), ("one", Some(1)));
    assert_eq!((two.stream_name(), two.current_revision()), ("two", Some(2)));
    assert!(one.current_position().is_some());
    assert_eq!(pair.double.calls(Method::BatchAppend), 2);
}

#[tokio::test]
async fn a_repeated_batch_is_not_done_again() {
    let pair = pair();
    let batches = pair.client.batch_append(&Default::default()).await.unwrap();
    let batch = events(2);
    let first = batches.append_to_stream("twice", StreamState::NoStream, batch.clone()).await.unwrap();
    let second = batches.append_to_stream("twice", StreamState::NoStream, batch).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(pair.double.event_count(), 2);
}

/// That the details say what was expected is seen by the judges; this client throws them away.
#[tokio::test]
async fn a_refused_batch_has_a_status_of_its_own() {
    let pair = pair();
    pair.append("full", StreamState::NoStream, events(1)).await.unwrap();
    pair.append("gone", StreamState::NoStream, events(1)).await.unwrap();
    pair.client.tombstone_stream("gone", &Default::default()).await.unwrap();
    let too_big = vec![EventData::binary("Big", vec![0; 1 << 20].into())];
    let cases = [
        ("full", StreamState::NoStream, events(1), Code::AlreadyExists, "WrongExpectedVersion"),
        ("gone", StreamState::Any, events(1), Code::NotFound, "StreamDeleted"),
        ("big", StreamState::Any, too_big, Code::InvalidArgument, "MaximumAppendSizeExceeded"),
    ];
    for (stream, state, batch, expected_code, expected_message) in cases {
        let batches = pair.client.batch_append(&Default::default()).await.unwrap();
        match in_time(batches.append_to_stream(stream, state, batch)).await {
            Err(Error::Grpc { code, message }) => assert_eq!((code, message.as_str()), (expected_code, expected_message)),
            other => panic!("{stream}: {other:?}"),
        }
    }
    assert_eq!(pair.double.event_count(), 3);
}

/// Not the double's doing: the client closes its session after the first batch that is refused.
#[tokio::test]
async fn after_a_refused_batch_the_client_needs_a_new_session() {
    let pair = pair();
    let batches = pair.client.batch_append(&Default::default()).await.unwrap();
    batches.append_to_stream("s", StreamState::StreamExists, events(1)).await.unwrap_err();
    let result = in_time(batches.append_to_stream("s", StreamState::Any, events(1))).await;
    assert!(matches!(result, Err(Error::ServerError(_))), "{result:?}");
}

/// It is a deadline for the whole call; the session is over although every batch was answered.
#[tokio::test]
async fn a_deadline_ends_the_session() {
    let pair = pair();
    let options = BatchAppendOptions::default().deadline(std::time::Duration::from_millis(50));
    let batches = pair.client.batch_append(&options).await.unwrap();
    in_time(async { while batches.append_to_stream("s", StreamState::Any, events(1)).await.is_ok() {} }).await;
}
