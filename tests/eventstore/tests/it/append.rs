//! Appends, their expected revisions and their limits.

use std::time::UNIX_EPOCH;

use kurrentdb::{CurrentRevision, Error, EventData, StreamState};
use tonic::Code;

use crate::support::{all, event, events, in_time, pair};

#[tokio::test]
async fn an_append_happens_only_where_the_stream_is_expected_to_be() {
    let pair = pair();
    let missing = CurrentRevision::NoStream;
    let at = CurrentRevision::Current;
    // The stream gets as many events as its last two letters say; then one more is appended with that expectation.
    let cases = [
        ("a-0", StreamState::Any, None),
        ("b-0", StreamState::NoStream, None),
        ("c-0", StreamState::StreamExists, Some(missing)),
        ("d-0", StreamState::StreamRevision(0), Some(missing)),
        ("e-2", StreamState::Any, None),
        ("f-2", StreamState::NoStream, Some(at(1))),
        ("g-2", StreamState::StreamExists, None),
        ("h-2", StreamState::StreamRevision(1), None),
        ("i-2", StreamState::StreamRevision(0), Some(at(1))),
        ("j-2", StreamState::StreamRevision(2), Some(at(1))),
    ];
    for (stream, state, conflict) in cases {
        if stream.ends_with('2') {
            pair.append(stream, StreamState::NoStream, events(2)).await.unwrap();
        }
        let before = pair.double.event_count_of(stream);
        match (pair.append(stream, state, events(1)).await, conflict) {
            (Ok(written), None) => assert_eq!(written.next_expected_version, before as u64, "{stream}"),
            (Err(Error::WrongExpectedVersion { expected, current }), Some(conflict)) => {
                assert_eq!((expected, current), (state, conflict), "{stream}");
                assert_eq!(pair.double.event_count_of(stream), before, "{stream}");
            }
            (result, _) => panic!("{stream}: {result:?}"),
        }
    }
}

#[tokio::test]
async fn of_two_appends_at_the_same_revision_one_wins() {
    let pair = pair();
    let (one, two) =
        tokio::join!(pair.append("race", StreamState::NoStream, events(1)), pair.append("race", StreamState::NoStream, events(1)));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    assert_eq!(pair.double.event_count(), 1);
}

#[tokio::test]
async fn what_is_appended_is_read_as_it_was() {
    let pair = pair();
    let seconds = || UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed();
    let before = seconds();
    let binary = EventData::binary("Drawn", vec![0, 159, 146, 150].into()).metadata(b"about it".as_slice().into());
    let written = pair.append("kept", StreamState::NoStream, vec![event("Told"), binary]).await.unwrap();
    let read = all(pair.client.read_stream("kept", &Default::default()).await.unwrap()).await.unwrap();

    let told = read[0].get_original_event();
    assert!(told.is_json);
    assert_eq!(told.as_json::<String>().unwrap(), "Told");
    let drawn = read[1].get_original_event();
    assert!(!drawn.is_json);
    assert_eq!((&*drawn.data, &*drawn.custom_metadata), (&[0, 159, 146, 150][..], &b"about it"[..]));
    assert_eq!((drawn.stream_id(), drawn.revision, drawn.event_type.as_str()), ("kept", 1, "Drawn"));
    assert_eq!(drawn.position, written.position);
    assert!(told.position < drawn.position);
    // The wire has whole ticks of 100 ns; the client keeps whole seconds of them.
    assert!((before..=seconds()).contains(&drawn.created.timestamp()));
    assert_eq!(drawn.created.timestamp_subsec_nanos(), 0);
    assert_eq!(pair.double.event_count(), 2);
}

#[tokio::test]
async fn an_append_of_nothing_changes_nothing() {
    let pair = pair();
    // The client can't say "no stream" here and makes it 0.
    assert_eq!(pair.append("empty", StreamState::Any, Vec::new()).await.unwrap().next_expected_version, 0);
    pair.append("empty", StreamState::NoStream, events(3)).await.unwrap();
    assert_eq!(pair.append("empty", StreamState::StreamRevision(2), Vec::new()).await.unwrap().next_expected_version, 2);
    assert!(matches!(
        pair.append("empty", StreamState::StreamRevision(1), Vec::new()).await,
        Err(Error::WrongExpectedVersion { .. })
    ));
    assert_eq!(pair.double.event_count(), 3);
}

/// Type, data and metadata count, the type twice.
#[tokio::test]
async fn an_append_may_have_one_mebibyte_and_no_more() {
    let pair = pair();
    let big = |data: usize| EventData::binary("Big", vec![0; data].into()).metadata(vec![0; 10].into());
    let fits = vec![big((1 << 19) - 16), big((1 << 19) - 16)];
    pair.append("big", StreamState::NoStream, fits).await.unwrap();
    let too_big = vec![big((1 << 19) - 16), big((1 << 19) - 15)];
    let refused = in_time(pair.append("too-big", StreamState::NoStream, too_big)).await;
    match refused {
        Err(Error::Grpc { code: Code::InvalidArgument, message }) => assert!(message.contains("1048576"), "{message}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(pair.double.event_count_of("too-big"), 0);
}

#[tokio::test]
async fn many_events_in_one_append_keep_their_order() {
    let pair = pair();
    let many: Vec<_> = (0..1000).map(|number| EventData::json("Counted", &number).unwrap()).collect();
    pair.append("many", StreamState::NoStream, many).await.unwrap();
    let read = all(pair.client.read_stream("many", &Default::default()).await.unwrap()).await.unwrap();
    let numbers: Vec<u32> = read.iter().map(|event| event.get_original_event().as_json().unwrap()).collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
}
