//! Publishing: each message is confirmed by the server, or its fate is unknown.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cairn_commands::ports::tasks::QueueError;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use tokio::sync::Mutex;

use super::connect::{OpenError, Server, Settings};

/// How long publishing may take, with connecting when that is needed.
const PUBLISH_MAX: Duration = Duration::from_millis(2_500);

/// How long a farewell may take.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Survives a restart of the server (AMQP 0-9-1, `delivery-mode`).
const PERSISTENT: u8 = 2;

/// The header that says why a task could not be done.
pub(super) const REASON: &str = "x-cairn-reason";

/// A reason is for people.
const REASON_CHARS_MAX: usize = 1_000;

/// Where a message goes.
pub(super) struct Target<'a> {
    pub(super) exchange: &'a str,
    pub(super) routing_key: &'a str,
}

/// What a message carries beside its body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside<'a> {
    /// Why its task could not be done.
    pub(super) reason: Option<&'a str>,
    /// After so long it leaves a queue for waiting, as soon as those before it have left.
    pub(super) waits: Option<Duration>,
}

/// One connection for all that this process publishes, made again when it was lost.
#[derive(Debug)]
pub(super) struct Publisher {
    server: Server,
    settings: Settings,
    /// How many connections there were.
    links: AtomicU64,
    link: Mutex<Option<Link>>,
}

#[derive(Debug)]
struct Link {
    /// Tells it from those before and after it.
    number: u64,
    connection: Connection,
    channel: Channel,
}

impl Link {
    async fn open(number: u64, server: &Server, settings: &Settings) -> Result<Self, OpenError> {
        let unusable = |error: lapin::Error| OpenError::Unusable { server: server.clone(), source: error.into() };
        let connection = server.connect().await?;
        let channel = connection.create_channel().await.map_err(unusable)?;
        settings.declare(server, &channel).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(unusable)?;
        Ok(Self { number, connection, channel })
    }

    fn is_up(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }
}

impl Publisher {
    /// Connects and declares, so that whoever starts is told at once what is wrong.
    pub(super) async fn open(server: &Server, settings: &Settings) -> Result<Self, OpenError> {
        let opened = tokio::time::timeout(2 * PUBLISH_MAX, Link::open(1, server, settings)).await;
        let late = |_| Err(OpenError::Unreachable { server: server.clone(), source: "no answer in time".into() });
        let link = opened.unwrap_or_else(late)?;
        Ok(Self { server: server.clone(), settings: settings.clone(), links: AtomicU64::new(1), link: Mutex::new(Some(link)) })
    }

    /// Returns when the server has confirmed the message. After an error that is not a refusal nobody knows.
    pub(super) async fn publish(&self, target: Target<'_>, body: &[u8], beside: Beside<'_>) -> Result<(), QueueError> {
        let mut used = None;
        let published = tokio::time::timeout(PUBLISH_MAX, self.publish_once(target, body, beside, &mut used)).await;
        let late = |_| Err(QueueError::Unavailable("the server did not confirm in time".into()));
        let published = published.unwrap_or_else(late);
        // A queue that somebody has removed is made again with the next connection.
        if published.is_err() {
            self.give_up(used);
        }
        published
    }

    /// Whether there is a connection, or one can be made.
    pub(super) async fn reachable(&self) -> Result<(), QueueError> {
        match tokio::time::timeout(PUBLISH_MAX, self.channel()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(QueueError::Unavailable(error.into())),
            Err(_) => Err(QueueError::Unavailable("no connection in time".into())),
        }
    }

    async fn publish_once(
        &self,
        target: Target<'_>,
        body: &[u8],
        beside: Beside<'_>,
        used: &mut Option<u64>,
    ) -> Result<(), QueueError> {
        let (number, channel) = self.channel().await.map_err(|error| QueueError::Unavailable(error.into()))?;
        *used = Some(number);
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (exchange, key) = (target.exchange.into(), target.routing_key.into());
        let unknown = |error: lapin::Error| QueueError::Unavailable(error.into());
        let sent = channel.basic_publish(exchange, key, mandatory, body, properties(beside)).await.map_err(unknown)?;
        match sent.await.map_err(unknown)? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
                Err(QueueError::Refused(format!("the server returned it: {}", returned.reply_text).into()))
            }
            Confirmation::Nack(None) | Confirmation::NotRequested => {
                Err(QueueError::Unavailable("the server did not take it".into()))
            }
        }
    }

    async fn channel(&self) -> Result<(u64, Channel), OpenError> {
        let mut link = self.link.lock().await;
        if let Some(link) = link.as_ref().filter(|link| link.is_up()) {
            return Ok((link.number, link.channel.clone()));
        }
        let number = self.links.fetch_add(1, Ordering::Relaxed) + 1;
        let opened = Link::open(number, &self.server, &self.settings).await?;
        let channel = opened.channel.clone();
        *link = Some(opened);
        Ok((number, channel))
    }

    /// Whatever is the matter with this connection, the next one has a better chance. Who makes it just now needs no help.
    fn give_up(&self, used: Option<u64>) {
        if let Ok(mut link) = self.link.try_lock()
            && link.as_ref().is_some_and(|link| Some(link.number) == used)
        {
            link.take();
        }
    }

    pub(super) async fn close(&self) {
        if let Some(link) = self.link.lock().await.take() {
            // What was confirmed stays, also without a farewell.
            let _ = tokio::time::timeout(CLOSE_MAX, link.connection.close(200, "bye".into())).await;
        }
    }
}

fn properties(Beside { reason, waits }: Beside<'_>) -> BasicProperties {
    let mut properties = BasicProperties::default().with_delivery_mode(PERSISTENT).with_content_type("application/json".into());
    if let Some(waits) = waits {
        properties = properties.with_expiration(waits.as_millis().to_string().into());
    }
    let Some(reason) = reason else { return properties };
    let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
    let mut headers = FieldTable::default();
    headers.insert(REASON.into(), AMQPValue::LongString(LongString::from(reason)));
    properties.with_headers(headers)
}
