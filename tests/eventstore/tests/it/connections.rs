//! A server that goes and comes back, and connections that break.

use std::net::TcpStream;

use cairn_eventstore_double::{Double, Method, SubscriptionEnd};
use kurrentdb::{Client, Error, RetryOptions, StreamPosition, StreamState, SubscribeToAllOptions};

use crate::support::{events, eventually, in_time, next, next_of, pair};

#[test]
fn it_runs_without_a_runtime() {
    let double = Double::start().unwrap();
    let address = double.address();
    assert_eq!(double.url(), format!("esdb://127.0.0.1:{}?tls=false", address.port()));
    TcpStream::connect(address).unwrap();
    double.stop();
    TcpStream::connect(address).unwrap_err();
    double.restart().unwrap();
    TcpStream::connect(address).unwrap();
    drop(double);
    TcpStream::connect(address).unwrap_err();
}

#[test]
fn a_taken_address_is_an_error() {
    let double = Double::start().unwrap();
    assert!(Double::start_on(double.address()).is_err());
}

#[tokio::test]
async fn what_was_written_survives_a_restart() {
    let pair = pair();
    pair.append("s", StreamState::NoStream, events(2)).await.unwrap();
    pair.double.stop();
    let error = in_time(pair.append("s", StreamState::Any, events(1))).await.unwrap_err();
    assert!(matches!(error, Error::ServerError(_)), "{error:?}");
    pair.double.restart().unwrap();
    let written = in_time(pair.append("s", StreamState::StreamRevision(1), events(1))).await.unwrap();
    assert_eq!(written.next_expected_version, 2);
    assert_eq!(pair.revisions("s", Default::default()).await.unwrap(), [0, 1, 2]);
}

#[tokio::test]
async fn cut_connections_break_subscriptions_and_are_made_anew() {
    let pair = pair();
    let mut subscription = pair.client.subscribe_to_all(&SubscribeToAllOptions::default().position(StreamPosition::End)).await;
    assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
    pair.double.drop_connections();
    assert!(matches!(in_time(subscription.next()).await, Err(Error::ServerError(_))));
    in_time(pair.append("s", StreamState::NoStream, events(1))).await.unwrap();
    eventually(|| pair.double.subscriptions() == 0).await;
}

#[tokio::test]
async fn ended_subscriptions_end_as_they_are_told() {
    for (end, expected) in [(SubscriptionEnd::Unavailable, "ServerError"), (SubscriptionEnd::ConsumerTooSlow, "Aborted")] {
        let pair = pair();
        let mut subscription = pair.client.subscribe_to_all(&SubscribeToAllOptions::default().position(StreamPosition::End)).await;
        assert_eq!(next_of(&mut subscription, 2).await, ["confirmed", "caught up"]);
        pair.double.end_subscriptions(end);
        let error = in_time(subscription.next()).await.unwrap_err();
        assert!(format!("{error:?}").contains(expected), "{error:?}");
        let mut another = pair.client.subscribe_to_all(&SubscribeToAllOptions::default().position(StreamPosition::End)).await;
        assert_eq!(next_of(&mut another, 2).await, ["confirmed", "caught up"]);
    }
}

/// The client subscribes again behind the last event that it has seen.
#[tokio::test]
async fn a_client_that_retries_misses_nothing_and_sees_nothing_twice() {
    let pair = pair();
    pair.fill("s", &["A"]).await;
    let options = SubscribeToAllOptions::default().retry_options(RetryOptions::default());
    let mut subscription = pair.client.subscribe_to_all(&options).await;
    assert_eq!(next_of(&mut subscription, 4).await, ["confirmed", "$metadata", "A", "caught up"]);
    pair.double.end_subscriptions(SubscriptionEnd::Unavailable);
    pair.fill("s", &["B"]).await;
    assert_eq!(next_of(&mut subscription, 3).await, ["confirmed", "B", "caught up"]);
    pair.fill("s", &["C"]).await;
    assert_eq!(next(&mut subscription).await, "C");
    assert_eq!(pair.double.calls(Method::Subscribe), 2);
}

#[tokio::test]
async fn a_client_that_discovers_finds_the_double_by_gossip() {
    let double = Double::start().unwrap();
    let port = double.address().port();
    let url = format!("esdb://127.0.0.1:{port},127.0.0.1:{port}?tls=false&discoveryInterval=1");
    let client = Client::new(url.parse().unwrap()).unwrap();
    in_time(client.append_to_stream("s", &Default::default(), events(1))).await.unwrap();
    assert_eq!((double.calls(Method::Gossip), double.calls(Method::ServerFeatures)), (1, 1));
    assert_eq!(client.server_info().await.unwrap().version().to_string(), "24.10.0");
}

#[tokio::test]
async fn what_the_double_has_not_is_said_to_be_missing() {
    let pair = pair();
    let created = pair.client.create_persistent_subscription("s", "group", &Default::default()).await;
    assert!(matches!(created, Err(Error::UnsupportedFeature)), "{created:?}");
}
