//! Planned trouble, and what the client makes of it.

use std::time::{Duration, Instant};

use cairn_eventstore_double::{Double, Fault, Method, Scope};
use kurrentdb::{AppendToStreamOptions, Error, StreamState};
use tonic::Code;

use crate::support::{Pair, client, events, eventually, in_time, pair};

#[tokio::test]
async fn refused_calls_do_nothing_and_the_next_one_succeeds() {
    let pair = pair();
    let cases =
        [(Fault::Unavailable, "ServerError"), (Fault::DeadlineExceeded, "DeadlineExceeded"), (Fault::OperationTimedOut, "Aborted")];
    for (fault, expected) in cases {
        pair.double.inject(2, Method::Append, fault);
        for _ in 0..2 {
            let error = pair.append("s", StreamState::NoStream, events(1)).await.unwrap_err();
            assert!(format!("{error:?}").contains(expected), "{error:?}");
        }
    }
    assert_eq!(pair.double.event_count(), 0);
    pair.append("s", StreamState::NoStream, events(1)).await.unwrap();
    assert_eq!(pair.double.calls(Method::Append), 7);
}

#[tokio::test]
async fn a_client_is_sent_to_the_leader() {
    let follower = pair();
    let leader = Double::start().unwrap();
    let address = leader.address();
    follower.double.inject(1, Method::Append, Fault::NotLeader { host: address.ip().to_string(), port: address.port() });
    let error = follower.append("s", StreamState::NoStream, events(1)).await.unwrap_err();
    assert!(matches!(error, Error::NotLeaderException(ref endpoint) if endpoint.port == u32::from(address.port())), "{error:?}");
    in_time(follower.append("s", StreamState::NoStream, events(1))).await.unwrap();
    assert_eq!((follower.double.event_count(), leader.event_count()), (0, 1));
}

#[tokio::test]
async fn a_fault_for_all_methods_meets_whatever_comes_next() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(1)).await.unwrap();
    pair.double.inject(2, Scope::All, Fault::DeadlineExceeded);
    assert!(matches!(pair.client.read_stream("s", &Default::default()).await, Err(Error::DeadlineExceeded)));
    assert!(matches!(pair.client.delete_stream("s", &Default::default()).await, Err(Error::DeadlineExceeded)));
    assert_eq!(pair.revisions("s", Default::default()).await.unwrap(), [0]);
}

#[tokio::test]
async fn a_hanging_call_goes_on_when_it_is_released() {
    let Pair { double, client } = pair();
    double.inject(1, Method::Append, Fault::Hang);
    let hanging = tokio::spawn(async move { client.append_to_stream("s", &Default::default(), events(1)).await });
    eventually(|| double.hanging() == 1).await;
    assert_eq!(double.event_count(), 0);
    double.release();
    in_time(hanging).await.unwrap().unwrap();
    assert_eq!((double.hanging(), double.event_count()), (0, 1));
}

/// The deadline is the server's business: this client only sends it along.
#[tokio::test]
async fn a_hanging_call_ends_at_the_clients_deadline() {
    let pair = pair();
    pair.double.inject(1, Method::Append, Fault::Hang);
    let options = AppendToStreamOptions::default().deadline(Duration::from_millis(20));
    let result = in_time(pair.client.append_to_stream("s", &options, events(1))).await;
    assert!(matches!(result, Err(Error::DeadlineExceeded)), "{result:?}");
    pair.double.release();
    assert_eq!(pair.double.event_count(), 0);
}

/// The client can't know that it was done; with the same ids it can ask again.
#[tokio::test]
async fn an_append_can_be_done_although_its_answer_is_lost() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(1)).await.unwrap();
    pair.double.inject(1, Method::Append, Fault::CutAfterwards);
    let batch = events(2);
    let lost = in_time(pair.append("s", StreamState::StreamRevision(0), batch.clone())).await;
    assert!(matches!(lost, Err(Error::ServerError(_))), "{lost:?}");
    assert_eq!(pair.double.event_count(), 3);
    let again = in_time(pair.append("s", StreamState::StreamRevision(0), batch)).await.unwrap();
    assert_eq!(again.next_expected_version, 2);
    assert_eq!(pair.double.event_count(), 3);
}

#[tokio::test]
async fn an_answer_can_come_late_or_too_late() {
    let pair = pair();
    let delay = Duration::from_millis(50);
    pair.double.inject(1, Method::Append, Fault::Slow(delay));
    let started = Instant::now();
    pair.append("s", StreamState::NoStream, events(1)).await.unwrap();
    assert!(started.elapsed() >= delay);

    pair.double.inject(1, Method::Append, Fault::Slow(Duration::from_mins(1)));
    let options = AppendToStreamOptions::default().deadline(Duration::from_millis(20));
    let result = in_time(pair.client.append_to_stream("s", &options, events(1))).await;
    assert!(matches!(result, Err(Error::DeadlineExceeded)), "{result:?}");
    assert_eq!(pair.double.event_count(), 2, "it was done all the same");
}

#[tokio::test]
async fn batches_are_met_one_by_one() {
    let pair = pair();
    let batches = pair.client.batch_append(&Default::default()).await.unwrap();
    batches.append_to_stream("s", StreamState::NoStream, events(1)).await.unwrap();
    pair.double.inject(1, Method::BatchAppend, Fault::OperationTimedOut);
    let refused = in_time(batches.append_to_stream("s", StreamState::Any, events(1))).await;
    assert!(matches!(refused, Err(Error::Grpc { code: Code::Aborted, .. })), "{refused:?}");
    assert_eq!(pair.double.event_count(), 1);

    pair.double.inject(1, Method::BatchAppend, Fault::CutAfterwards);
    let batches = pair.client.batch_append(&Default::default()).await.unwrap();
    in_time(batches.append_to_stream("s", StreamState::Any, events(1))).await.unwrap_err();
    assert_eq!(pair.double.event_count(), 2, "the batch was done, only its answer was cut off");
}

#[tokio::test]
async fn a_subscription_can_be_refused() {
    let pair = pair();
    pair.double.inject(1, Method::Subscribe, Fault::Unavailable);
    let mut subscription = pair.client.subscribe_to_all(&Default::default()).await;
    assert!(matches!(in_time(subscription.next()).await, Err(Error::ServerError(_))));
    assert_eq!((pair.double.calls(Method::Subscribe), pair.double.calls(Method::Read)), (1, 0));
}

/// Not the double's doing: when its first call fails, this client is lost for good.
#[tokio::test]
async fn a_client_whose_first_connection_fails_stays_broken() {
    let double = Double::start().unwrap();
    double.inject(1, Method::ServerFeatures, Fault::Unavailable);
    let broken = client(&double);
    let first = in_time(broken.append_to_stream("s", &Default::default(), events(1))).await;
    assert!(matches!(first, Err(Error::GrpcConnectionError(_))), "{first:?}");
    let second = in_time(broken.append_to_stream("s", &Default::default(), events(1))).await;
    assert!(matches!(second, Err(Error::ConnectionClosed)), "{second:?}");
    in_time(client(&double).append_to_stream("s", &Default::default(), events(1))).await.unwrap();
}

/// The same when it is sent to a leader that is not there.
#[tokio::test]
async fn a_client_that_is_sent_to_a_dead_leader_stays_broken() {
    let pair = pair();
    let leader = Double::start().unwrap();
    let port = leader.address().port();
    drop(leader);
    pair.double.inject(1, Method::Append, Fault::NotLeader { host: "127.0.0.1".to_owned(), port });
    pair.append("s", StreamState::NoStream, events(1)).await.unwrap_err();
    for _ in 0..2 {
        let error = in_time(pair.append("s", StreamState::NoStream, events(1))).await.unwrap_err();
        assert!(matches!(error, Error::ConnectionClosed), "{error:?}");
    }
}

#[tokio::test]
async fn planned_faults_can_be_forgotten() {
    let pair = pair();
    pair.double.inject(usize::MAX, Scope::All, Fault::Unavailable);
    pair.double.clear_faults();
    pair.append("s", StreamState::NoStream, events(1)).await.unwrap();
}
