//! Appends that come twice, as after an answer that got lost.

use kurrentdb::{Error, StreamState};

use crate::support::{event, events, pair};

#[tokio::test]
async fn a_repeated_append_is_answered_as_before_and_not_done_again() {
    let pair = pair();
    pair.append("twice", StreamState::NoStream, events(1)).await.unwrap();
    for state in [StreamState::StreamRevision(0), StreamState::Any, StreamState::StreamExists] {
        let batch = events(2);
        let state = match state {
            StreamState::StreamRevision(_) => StreamState::StreamRevision(pair.double.event_count_of("twice") as u64 - 1),
            other => other,
        };
        let first = pair.append("twice", state, batch.clone()).await.unwrap();
        // Others may have appended meanwhile.
        pair.append("twice", StreamState::Any, events(1)).await.unwrap();
        let count = pair.double.event_count();
        let second = pair.append("twice", state, batch).await.unwrap();
        assert_eq!((second.next_expected_version, second.position), (first.next_expected_version, first.position), "{state:?}");
        assert_eq!(pair.double.event_count(), count, "{state:?}");
    }
}

#[tokio::test]
async fn the_first_append_of_a_stream_can_be_repeated() {
    let pair = pair();
    let batch = events(3);
    for _ in 0..2 {
        assert_eq!(pair.append("new", StreamState::NoStream, batch.clone()).await.unwrap().next_expected_version, 2);
    }
    assert_eq!(pair.double.event_count(), 3);
}

#[tokio::test]
async fn other_events_at_an_old_revision_are_a_conflict() {
    let pair = pair();
    let batch = events(2);
    pair.append("other", StreamState::NoStream, batch.clone()).await.unwrap();
    let longer = [batch.clone(), events(1)].concat();
    let turned = vec![batch[1].clone(), batch[0].clone()];
    for wrong in [events(2), longer, turned] {
        let result = pair.append("other", StreamState::NoStream, wrong).await;
        assert!(matches!(result, Err(Error::WrongExpectedVersion { .. })), "{result:?}");
    }
    // A beginning of what was appended then is seen as a repetition too.
    assert_eq!(pair.append("other", StreamState::NoStream, batch[..1].to_vec()).await.unwrap().next_expected_version, 0);
    assert_eq!(pair.double.event_count(), 2);
}

/// Without an expected revision the first event decides whether it is a repetition.
#[tokio::test]
async fn with_any_revision_half_a_repetition_is_a_conflict() {
    let pair = pair();
    let batch = events(2);
    pair.append("half", StreamState::Any, batch.clone()).await.unwrap();
    let known_first = vec![batch[0].clone(), event("New")];
    assert!(matches!(pair.append("half", StreamState::Any, known_first).await, Err(Error::WrongExpectedVersion { .. })));
    let new_first = vec![event("New"), batch[0].clone()];
    assert_eq!(pair.append("half", StreamState::Any, new_first).await.unwrap().next_expected_version, 3);
}

#[tokio::test]
async fn the_same_ids_in_another_stream_are_not_a_repetition() {
    let pair = pair();
    let batch = events(1);
    pair.append("here", StreamState::Any, batch.clone()).await.unwrap();
    pair.append("there", StreamState::Any, batch).await.unwrap();
    assert_eq!(pair.double.event_count(), 2);
}
