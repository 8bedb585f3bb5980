//! Hints that the log has grown, straight from process to process: a relay that is behind delays none of them.

use async_nats::Client;
use cairn_domain::Position;
use futures_util::StreamExt;
use tokio::sync::watch;

/// Where hints go. It is no subject of the stream.
fn subject(stream: &str) -> String {
    format!("{stream}.growth")
}

/// Sends what is to be told: always the newest, however many there were since.
pub(super) async fn tell(client: Client, stream: String, mut telling: watch::Receiver<Position>) {
    let subject = subject(&stream);
    while telling.changed().await.is_ok() {
        let position = *telling.borrow_and_update();
        // A hint that is not sent is worth nothing later.
        if client.connection_state() == async_nats::connection::State::Connected {
            let sent = client.publish(subject.clone(), position.to_string().into()).await;
            sent.unwrap_or_else(|error| tracing::debug!(%error, "a hint was not sent"));
        }
    }
}

/// Takes what others tell, as far as it is a position. The client subscribes again after each connection; what was told in between is
/// missed.
pub(super) async fn listen(client: Client, stream: String, heard: watch::Sender<Position>) {
    let Ok(mut hints) = client.subscribe(subject(&stream)).await else { return };
    while let Some(hint) = hints.next().await {
        if let Some(position) = std::str::from_utf8(&hint.payload).ok().and_then(|text| text.parse().ok()) {
            heard.send_replace(Position(position));
        }
    }
}
