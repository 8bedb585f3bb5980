//! The exchange and the queues, declared again with every connection: it costs little, and a server that was made anew works at once.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Error, ExchangeKind};

use super::connect::{OpenError, PRECONDITION_FAILED, Server, Settings, reply_code};
use crate::config::QueueKind;

/// The key by which tasks come to the queue.
pub(super) const ROUTING_KEY: &str = "oss";

/// What is to come again waits for at most one of these times. A queue for each, because a server looks only at the first task of a queue: one
/// that waits for long would hold up all behind it.
const WAITS: [Duration; 5] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(3), Duration::from_mins(15)];

/// A quorum queue gives up on a task that so often came back without a word: it probably takes its workers down.
const DELIVERIES_MAX: i64 = 20;

impl Settings {
    /// Where tasks wait for workers.
    pub(super) fn queue(&self) -> String {
        format!("{}.{ROUTING_KEY}", self.exchange)
    }

    /// Where an operator finds what could not be done.
    pub(super) fn error_queue(&self) -> String {
        format!("{}.err", self.queue())
    }

    /// Where a task that is to wait for this time is held up by others for no longer than the next of the times; for no more than the longest.
    pub(super) fn waiting_queue(&self, after: Duration) -> String {
        let longest = WAITS[WAITS.len() - 1];
        let wait = WAITS.into_iter().find(|wait| *wait >= after).unwrap_or(longest);
        format!("{}.wait.{}s", self.queue(), wait.as_secs())
    }

    /// Makes what is missing.
    pub(super) async fn declare(&self, server: &Server, channel: &Channel) -> Result<(), OpenError> {
        let trouble = |what: &str, error: Error| match reply_code(&error) {
            Some(PRECONDITION_FAILED) => {
                OpenError::OtherQueue { server: server.clone(), what: what.to_owned(), source: error.into() }
            }
            _ => OpenError::Unusable { server: server.clone(), source: error.into() },
        };
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared =
            channel.exchange_declare(self.exchange.as_str().into(), ExchangeKind::Direct, durable, FieldTable::default());
        declared.await.map_err(|error| trouble(&self.exchange, error))?;
        for (name, arguments) in self.queues() {
            let declared = channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), arguments).await;
            declared.map_err(|error| trouble(&name, error))?;
        }
        let (queue, exchange) = (self.queue(), self.exchange.as_str());
        let bound = channel.queue_bind(
            queue.as_str().into(),
            exchange.into(),
            ROUTING_KEY.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.map_err(|error| trouble(&queue, error))
    }

    fn queues(&self) -> Vec<(String, FieldTable)> {
        let mut tasks = self.arguments();
        // The empty name is the exchange that leads to every queue by its name.
        dead_letter(&mut tasks, "", &self.error_queue());
        if self.kind == QueueKind::Quorum {
            tasks.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERIES_MAX));
        }
        let waiting = WAITS.into_iter().map(|wait| (self.waiting_queue(wait), self.waiting_arguments(wait)));
        [(self.error_queue(), self.arguments()), (self.queue(), tasks)].into_iter().chain(waiting).collect()
    }

    fn waiting_arguments(&self, wait: Duration) -> FieldTable {
        let mut arguments = self.arguments();
        dead_letter(&mut arguments, &self.exchange, ROUTING_KEY);
        let milliseconds = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(milliseconds));
        if self.kind == QueueKind::Quorum {
            // Without these two a task could get lost on its way back.
            arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
            arguments.insert("x-overflow".into(), text("reject-publish"));
        }
        arguments
    }

    fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        if self.kind == QueueKind::Quorum {
            arguments.insert("x-queue-type".into(), text("quorum"));
        }
        arguments
    }
}

fn dead_letter(arguments: &mut FieldTable, exchange: &str, routing_key: &str) {
    arguments.insert("x-dead-letter-exchange".into(), text(exchange));
    arguments.insert("x-dead-letter-routing-key".into(), text(routing_key));
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_design_before_and_a_wait_is_rounded_up() {
        let settings = Settings::default();
        assert_eq!(settings.queue(), "uploadserver.trans.oss");
        assert_eq!(settings.error_queue(), "uploadserver.trans.oss.err");
        let queue = |seconds| settings.waiting_queue(Duration::from_secs(seconds));
        assert_eq!(queue(0), "uploadserver.trans.oss.wait.1s");
        assert_eq!(queue(6), "uploadserver.trans.oss.wait.30s");
        assert_eq!(queue(1_000_000), "uploadserver.trans.oss.wait.900s");
    }
}
