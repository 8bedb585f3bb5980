//! A subscription that ends without an error makes the client spin for ever, and never yield. It has a process of its own here, since
//! nothing but the end of the process stops it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use cairn_eventstore_double::{Double, SubscriptionEnd};
use kurrentdb::{Client, SubscribeToAllOptions, SubscriptionEvent};

#[test]
fn a_clean_end_makes_the_client_spin() {
    let double = Double::start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (sender, receiver) = channel();
    runtime.spawn(subscribe(double.url(), sender));
    assert_eq!(receiver.recv().unwrap(), "caught up");
    double.end_subscriptions(SubscriptionEnd::Clean);
    // Whatever else the client could do, it would end this wait.
    receiver.recv_timeout(Duration::from_millis(300)).unwrap_err();
    assert_eq!(double.subscriptions(), 0);
    runtime.shutdown_background();
}

async fn subscribe(url: String, said: Sender<&'static str>) {
    let client = Client::new(url.parse().unwrap()).unwrap();
    let mut subscription = client.subscribe_to_all(&SubscribeToAllOptions::default()).await;
    loop {
        match subscription.next_subscription_event().await {
            Ok(SubscriptionEvent::CaughtUp(_)) => said.send("caught up").unwrap(),
            Ok(SubscriptionEvent::Confirmed(_) | SubscriptionEvent::EventAppeared(_)) => {}
            _ => return said.send("over").unwrap(),
        }
    }
}
