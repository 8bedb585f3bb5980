//! Taking tasks: a connection that is made again whenever it is lost, and what of it can still be answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_commands::ports::tasks::Task;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Acker, Connection, Consumer};
use tokio::sync::mpsc;

use super::connect::{OpenError, Server, Settings};
use super::message::{self, NoTask};
use super::publisher::{Beside, Publisher, Target};
use crate::backoff;

/// The longest wait before connecting again.
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long setting up a connection may take in all.
const OPEN_MAX: Duration = Duration::from_secs(5);

/// A connection that lasted this long was a good one: the next may be made at once.
const WELL_AFTER: Duration = Duration::from_secs(5);

/// The pause before a message that could not be set aside is given back.
const SET_ASIDE_AGAIN: Duration = Duration::from_secs(1);

/// A task as it came, and how to answer.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) task: Task,
    pub(super) acker: Acker,
}

/// Takes tasks from the server for as long as somebody wants them.
pub(super) struct Taker {
    pub(super) server: Server,
    pub(super) settings: Settings,
    pub(super) publisher: Arc<Publisher>,
    pub(super) taken: mpsc::Sender<Taken>,
}

impl Taker {
    /// Never ends by itself. What the server does not give is told once.
    pub(super) async fn run(self) {
        let (mut failures, mut told) = (0, false);
        loop {
            match tokio::time::timeout(OPEN_MAX, self.open()).await {
                Ok(Ok((_connection, consumer))) => {
                    if failures > 0 {
                        tracing::info!(server = %self.server, "tasks come again");
                    }
                    let opened = Instant::now();
                    told = false;
                    self.pass_on(consumer).await;
                    tracing::warn!(server = %self.server, "the connection to the queue of tasks was lost; it is made again");
                    if opened.elapsed() >= WELL_AFTER {
                        failures = 0;
                    }
                }
                Ok(Err(error)) if !told => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no tasks come; it is tried again");
                    told = true;
                }
                Err(_) if !told => {
                    tracing::warn!(server = %self.server, "no tasks come: no answer in time; it is tried again");
                    told = true;
                }
                Ok(Err(_)) | Err(_) => {}
            }
            failures += 1;
            tokio::time::sleep(backoff::wait(failures, RECONNECT_WAIT_MAX)).await;
        }
    }

    async fn open(&self) -> Result<(Connection, Consumer), OpenError> {
        let unusable = |error: lapin::Error| OpenError::Unusable { server: self.server.clone(), source: error.into() };
        let connection = self.server.connect().await?;
        let channel = connection.create_channel().await.map_err(unusable)?;
        self.settings.declare(&self.server, &channel).await?;
        channel.basic_qos(self.settings.prefetch, BasicQosOptions::default()).await.map_err(unusable)?;
        let (queue, arguments) = (self.settings.queue(), FieldTable::default());
        // Without a name of its own the server gives the consumer one.
        let consumer = channel.basic_consume(queue.as_str().into(), "".into(), BasicConsumeOptions::default(), arguments).await;
        Ok((connection, consumer.map_err(unusable)?))
    }

    async fn pass_on(&self, mut consumer: Consumer) {
        while let Some(Ok(delivery)) = consumer.next().await {
            match message::decode(&delivery.data) {
                Ok(task) => {
                    let attempt = task.attempt.saturating_add(deliveries_before(&delivery));
                    let taken = Taken { task: Task { attempt, ..task }, acker: delivery.acker };
                    if self.taken.send(taken).await.is_err() {
                        return;
                    }
                }
                Err(no_task) => self.set_aside(&delivery, &no_task).await,
            }
        }
    }

    /// What nobody can read goes to the failed ones, and is taken from the queue when it is safe there. Until then it comes again.
    async fn set_aside(&self, delivery: &Delivery, no_task: &NoTask) {
        let queue = self.settings.error_queue();
        let target = Target { exchange: "", routing_key: &queue };
        let reason = format!("cairn can't read it: {no_task}");
        let beside = Beside { reason: Some(&reason), ..Beside::default() };
        let answered = match self.publisher.publish(target, &delivery.data, beside).await {
            Ok(()) => {
                tracing::error!(reason, queue, "a message that is no task was set aside");
                delivery.acker.ack(BasicAckOptions::default()).await
            }
            Err(trouble) => {
                tracing::warn!(reason, %trouble, "a message that is no task can't be set aside yet");
                tokio::time::sleep(SET_ASIDE_AGAIN).await;
                delivery.acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await
            }
        };
        // If the answer is lost, so is the connection, and the message comes again.
        if let Err(error) = answered {
            tracing::debug!(%error, "the server was not told");
        }
    }
}

/// Quorum queues count how often a message was handed out and came back without a word.
fn deliveries_before(delivery: &Delivery) -> u32 {
    let headers = delivery.properties.headers().as_ref();
    let count = headers.and_then(|headers| headers.inner().get("x-delivery-count"));
    match count {
        Some(AMQPValue::LongLongInt(count)) => u32::try_from(*count).unwrap_or_default(),
        Some(AMQPValue::LongInt(count)) => u32::try_from(*count).unwrap_or_default(),
        _ => 0,
    }
}
