//! Who is let in.

use cairn_eventstore_double::{Double, Method};
use kurrentdb::{Client, Error, StreamState};

use crate::support::{Pair, events};

/// A client with these credentials in its URL.
fn at(double: Double, url: &str) -> Pair {
    Pair { double, client: Client::new(format!("{url}&discoveryInterval=1").parse().unwrap()).unwrap() }
}

#[tokio::test]
async fn nobody_but_the_one_user_reads_or_writes() {
    for (user, password) in [("app", "wrong"), ("somebody", "secret")] {
        let double = Double::start().unwrap();
        double.let_in_only("app", "secret");
        let url = double.url_as(user, password);
        refuses(&at(double, &url)).await;
    }
    let double = Double::start().unwrap();
    double.let_in_only("app", "secret");
    let url = double.url();
    refuses(&at(double, &url)).await;
}

/// What is refused is not even counted as a call.
async fn refuses(pair: &Pair) {
    let appended = pair.append("s", StreamState::Any, events(1)).await;
    assert!(matches!(appended, Err(Error::AccessDenied)), "{appended:?}");
    let read = pair.revisions("s", Default::default()).await;
    assert!(matches!(read, Err(Error::AccessDenied)), "{read:?}");
    assert_eq!((pair.double.event_count(), pair.double.calls(Method::Append), pair.double.calls(Method::Read)), (0, 0, 0));
}

#[tokio::test]
async fn the_one_user_reads_and_writes() {
    let double = Double::start().unwrap();
    double.let_in_only("app", "secret");
    let url = double.url_as("app", "secret");
    let pair = at(double, &url);
    pair.append("s", StreamState::NoStream, events(2)).await.unwrap();
    assert_eq!(pair.revisions("s", Default::default()).await.unwrap(), [0, 1]);
}
