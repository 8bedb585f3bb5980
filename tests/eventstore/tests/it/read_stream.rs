//! Pages of one stream.

use kurrentdb::{Error, ReadEvent, ReadStreamOptions, StreamPosition, StreamState};

use crate::support::{events, in_time, pair};

fn forwards(position: StreamPosition<u64>) -> ReadStreamOptions {
    ReadStreamOptions::default().position(position).forwards()
}

fn backwards(position: StreamPosition<u64>) -> ReadStreamOptions {
    ReadStreamOptions::default().position(position).backwards()
}

#[tokio::test]
async fn a_page_begins_where_it_is_asked_to() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(4)).await.unwrap();
    let at = StreamPosition::Position;
    let cases = [
        (forwards(StreamPosition::Start), vec![0, 1, 2, 3]),
        (forwards(at(2)), vec![2, 3]),
        (forwards(at(9)), vec![]),
        (forwards(StreamPosition::End), vec![]),
        (forwards(StreamPosition::Start).max_count(2), vec![0, 1]),
        (forwards(at(1)).max_count(2), vec![1, 2]),
        (backwards(StreamPosition::End), vec![3, 2, 1, 0]),
        (backwards(at(2)), vec![2, 1, 0]),
        (backwards(at(9)), vec![3, 2, 1, 0]),
        (backwards(StreamPosition::Start), vec![0]),
        (backwards(StreamPosition::End).max_count(1), vec![3]),
        (backwards(at(2)).max_count(2), vec![2, 1]),
    ];
    for (number, (options, expected)) in cases.into_iter().enumerate() {
        assert_eq!(pair.revisions("s", options).await.unwrap(), expected, "case {number}");
    }
}

#[tokio::test]
async fn a_page_ends_with_the_last_revision_of_the_stream() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(4)).await.unwrap();
    let mut read = pair.client.read_stream("s", &forwards(StreamPosition::Start).max_count(1)).await.unwrap();
    assert!(matches!(in_time(read.next_read_event()).await, Ok(Some(ReadEvent::Event(_)))));
    assert!(matches!(in_time(read.next_read_event()).await, Ok(Some(ReadEvent::LastStreamPosition(3)))));
    assert!(matches!(in_time(read.next_read_event()).await, Ok(None)));
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_not_found() {
    let pair = pair();
    for options in [forwards(StreamPosition::Start), backwards(StreamPosition::End)] {
        let read = pair.revisions("nothing", options).await;
        assert!(matches!(read, Err(Error::ResourceNotFound)), "{read:?}");
    }
}

#[tokio::test]
async fn streams_do_not_mix() {
    let pair = pair();
    pair.append("a", StreamState::NoStream, events(2)).await.unwrap();
    pair.append("a-longer", StreamState::NoStream, events(3)).await.unwrap();
    assert_eq!(pair.revisions("a", forwards(StreamPosition::Start)).await.unwrap(), [0, 1]);
    assert_eq!(pair.double.event_count_of("a-longer"), 3);
}
