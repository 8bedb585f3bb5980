//! A line in the log of the process for each step of a transfer, with what it is about and what it follows from.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cairn_domain::blob::BlobKey;
use cairn_domain::transfer::Phase;
use cairn_domain::{Position, TransferId};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

use super::stage::{request, sha256};
use super::world::{World, to};
use crate::ports::event_store::EventStore;
use crate::ports::tasks::TaskQueue;
use crate::sagas::transfers::request_transfers;
use crate::transfer::{abandon, retry};

type Fields = BTreeMap<&'static str, String>;

/// What this thread says in the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, Fields)>>>);

impl Lines {
    /// What was said about transfers, and of contents that are gone.
    fn take(&self) -> Vec<(Level, Fields)> {
        let mut lines = std::mem::take(&mut *self.0.lock().expect("a lock"));
        lines.retain(|(_, fields)| fields.contains_key("transfer") || fields["message"].starts_with("a content is deleted"));
        lines
    }
}

/// Listens to this thread until the second is dropped. While there is only one listener in the process, whichever thread comes first to a
/// line decides for all whether anybody listens to it: so there are two.
fn listen() -> (Lines, (DefaultGuard, Dispatch)) {
    let (lines, another) = (Lines::default(), Dispatch::new(Lines::default()));
    let guard = tracing::subscriber::set_default(lines.clone());
    (lines, (guard, another))
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cairn_commands") && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Gathered(Fields::new());
        event.record(&mut fields);
        self.0.lock().expect("a lock").push((*event.metadata().level(), fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Gathered(Fields);

impl Visit for Gathered {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

#[tokio::test]
async fn each_step_of_a_transfer_is_a_line_that_names_the_transfer_the_content_and_the_cause() {
    let (lines, _listens) = listen();
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (drive, alice, hello) = (&process.drive, process.alice().await, sha256(b"hello"));
    process.upload(&alice, "a.txt", b"hello").await;
    request_transfers(drive, &world.checkpoints).await.expect("requested");
    let delivery = process.queue.take().await;
    let id = TransferId(delivery.task.transfer.as_ref().expect("a task of ours").id);
    world.local.damage(BlobKey::first(hello), None);
    process.mover_with(1).serve(delivery).await;
    world.local.damage(BlobKey::first(hello), Some(Bytes::from_static(b"hello")));
    retry(drive.journal(), &request(drive), id).await.expect("retried");
    process.moves().await;
    process.purge(&alice, hello).await;
    assert_eq!(process.collect(0).await, 1);

    let events = world.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
    let (said, expected) = (
        lines.take(),
        [
            (Level::INFO, "a transfer is asked for"),
            (Level::INFO, "a transfer is in the queue"),
            (Level::INFO, "a transfer is started"),
            (Level::WARN, "a transfer has failed"),
            (Level::WARN, "a transfer has stalled: somebody has to look at it"),
            (Level::INFO, "a transfer is retried"),
            (Level::INFO, "a transfer is in the queue"),
            (Level::INFO, "a transfer is started"),
            (Level::INFO, "a content is relocated"),
            (Level::INFO, "the source of a transfer is removed"),
            (Level::INFO, "a transfer is completed"),
            (Level::INFO, "a content is deleted: nothing refers to it any more"),
        ],
    );
    assert_eq!(said.iter().map(|(level, fields)| (*level, fields["message"].as_str())).collect::<Vec<_>>(), expected);
    for (_, fields) in said {
        assert_eq!(fields["sha256"], hello.to_string(), "{fields:?}");
        let of_a_content = fields["message"].starts_with("a content is deleted");
        assert!(of_a_content || fields["transfer"] == id.to_string(), "{fields:?}");
        let by_hand = fields["message"] == "a transfer is retried";
        let known = |cause: &String| events.iter().any(|event| event.id.to_string() == *cause);
        assert!(by_hand || fields.get("causation").is_some_and(known), "{fields:?}");
    }
}

#[tokio::test]
async fn a_transfer_that_is_given_up_is_a_line_too() {
    let (lines, _listens) = listen();
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (drive, alice) = (&process.drive, process.alice().await);
    process.upload(&alice, "a.txt", b"hello").await;
    request_transfers(drive, &world.checkpoints).await.expect("requested");
    let task = process.queue.take().await.task.clone();
    let id = TransferId(task.transfer.expect("a task of ours").id);
    lines.take();
    for _ in 0..2 {
        abandon(drive.journal(), &request(drive), id, "not wanted".to_owned()).await.expect("given up");
    }
    assert_eq!(process.phases().await, [Phase::Abandoned]);
    let messages = lines.take().into_iter().map(|(_, fields)| fields["message"].clone()).collect::<Vec<_>>();
    assert_eq!(messages, ["a transfer is abandoned"], "once, however often it is asked for");
}
