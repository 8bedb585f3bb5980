use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::context::{Context, ContextBuilder, PublishError, PublishErrorKind};
use async_nats::jetstream::publish::PublishAck;
use async_trait::async_trait;
use cairn_commands::ports::bus::{Bus, BusError, Reached, Tip};
use cairn_domain::{Position, StoredEvent};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::connect::{OpenError, Server};
use super::stream::{Limits, Stream};
use super::{hints, message};

/// How long the server may take for one answer.
const ANSWER_MAX: Duration = Duration::from_millis(2_500);

/// How long the last hints may take when the bus is closed.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// The bus on a server. Dropping it ends its tasks and its connection.
#[derive(Debug)]
pub struct NatsBus {
    client: Client,
    context: Context,
    stream: Stream,
    telling: watch::Sender<Position>,
    heard: watch::Sender<Position>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

impl NatsBus {
    /// Connects, and makes the stream or brings its limits up to these.
    pub async fn open(server: &Server, stream: &str, limits: Limits) -> Result<Self, OpenError> {
        let client = server.connect().await?;
        let context = ContextBuilder::new().timeout(ANSWER_MAX).build(client.clone());
        let stream = Stream { server: server.clone(), name: stream.to_owned(), limits };
        stream.declare(&context).await?;
        Ok(Self::start(client, context, stream))
    }

    fn start(client: Client, context: Context, stream: Stream) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (telling, heard) = (watch::Sender::new(Position::START), watch::Sender::new(Position::START));
        let tell = hints::tell(client.clone(), stream.name.clone(), telling.subscribe());
        let listen = hints::listen(client.clone(), stream.name.clone(), heard.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(tell));
        tasks.spawn(stop.clone().run_until_cancelled_owned(listen));
        tasks.close();
        Self { client, context, stream, telling, heard, tasks, _stop_when_dropped: stop.clone().drop_guard(), stop }
    }

    /// Ends its tasks and sends what is still to be sent.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        // Nothing of it is needed: what was acknowledged stands, and the rest is published again.
        let _ = tokio::time::timeout(CLOSE_MAX, self.client.flush()).await;
    }

    /// A question to a server that is away would only be asked later, when nobody waits for the answer any more.
    fn check_connected(&self) -> Result<(), BusError> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            state @ (State::Pending | State::Disconnected) => {
                Err(BusError::Unavailable(format!("the connection to {} is {state}", self.stream.server).into()))
            }
        }
    }
}

#[async_trait]
impl Bus for NatsBus {
    async fn reached(&self) -> Result<Reached, BusError> {
        self.check_connected()?;
        if let Some(reached) = self.stream.end(&self.context).await? {
            return Ok(reached);
        }
        tracing::warn!(stream = self.stream.name, "the bus has lost its stream; it is made again, and filled again");
        self.stream.declare(&self.context).await.map_err(|error| BusError::Unavailable(error.into()))?;
        let made = self.stream.end(&self.context).await?;
        made.ok_or_else(|| BusError::Unavailable("the stream that was just made is not there".into()))
    }

    /// All messages are under way at once, each behind the one before: what is lost on the way has all later ones refused.
    async fn publish(&self, behind: Tip, events: &[StoredEvent]) -> Result<Tip, BusError> {
        self.check_connected()?;
        let bytes_max = self.client.max_payload();
        let mut sent = Vec::with_capacity(events.len());
        for (event, behind) in events.iter().zip(behind.0..) {
            let message = message::message(&self.stream.name, event, behind, bytes_max);
            let ack = self.context.publish_with_headers(message.subject, message.headers.unwrap_or_default(), message.payload);
            sent.push((behind + 1, ack.await.map_err(trouble)?));
        }
        let mut tip = behind;
        for (sequence, ack) in sent {
            check_place(&ack.await.map_err(trouble)?, sequence)?;
            tip = Tip(sequence);
        }
        Ok(tip)
    }

    fn tell(&self, position: Position) {
        self.telling.send_replace(position);
    }

    fn heard(&self) -> watch::Receiver<Position> {
        self.heard.subscribe()
    }

    async fn reachable(&self) -> Result<(), BusError> {
        self.check_connected()
    }
}

/// A message that the server took for one that it has already stands where that one stands. In its own place that is as good; anywhere
/// else the stream is not what it was taken for.
fn check_place(ack: &PublishAck, sequence: u64) -> Result<(), BusError> {
    if ack.sequence == sequence { Ok(()) } else { Err(BusError::Moved) }
}

fn trouble(error: PublishError) -> BusError {
    match error.kind() {
        PublishErrorKind::WrongLastSequence => BusError::Moved,
        _ => BusError::Unavailable(error.into()),
    }
}
