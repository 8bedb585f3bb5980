use std::ops::Range;

use cairn_domain::file::{FileEvent, FileTrashed};
use cairn_domain::{CommandId, Expected, Metadata, NewEvent, StreamName, Timestamp};
use uuid::Uuid;

use super::*;
use crate::ports::bus::MemoryBusServer;
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::ports::event_store::MemoryEventStore;

#[derive(Clone)]
struct Stage {
    log: Arc<MemoryEventStore>,
    checkpoints: Arc<MemoryCheckpoints>,
    bus: MemoryBusServer,
}

impl Stage {
    async fn with(events: Range<usize>) -> Self {
        let stage = Self { log: Arc::default(), checkpoints: Arc::default(), bus: MemoryBusServer::default() };
        stage.append(events).await;
        stage
    }

    async fn append(&self, numbers: Range<usize>) {
        let stream = StreamName::try_from("file-1".to_owned()).expect("a stream");
        for n in numbers {
            let id = CommandId(Uuid::nil()).event(stream.as_str(), n);
            let event = FileEvent::FileTrashed(FileTrashed {}).into();
            let new = NewEvent { id, time: Timestamp(0), metadata: Metadata::default(), event };
            self.log.append(&stream, Expected::Any, vec![new]).await.expect("appended");
        }
    }

    fn relay(&self) -> Relay {
        Relay::new(self.log.clone(), self.checkpoints.clone(), Arc::new(self.bus.connect()))
    }

    /// A process that relays until there is nothing more to do, and ends as if it were killed.
    async fn relayed(&self) -> Result<(), Failure> {
        let (relay, mut memory) = (self.relay(), Memory::default());
        while matches!(relay.step(&mut memory).await?, Step::Published) {}
        Ok(())
    }

    /// The bus has these events of the log, in this order.
    async fn assert_kept(&self, positions: Range<u64>) {
        let log = self.log.read_all(Position::START, usize::MAX).await.expect("read");
        let wanted: Vec<_> = positions.map(|n| (Position(n), log[usize::try_from(n).expect("small") - 1].id)).collect();
        assert_eq!(self.bus.kept(), wanted);
    }
}

#[tokio::test]
async fn every_event_is_published_once_in_order_whoever_goes_on() {
    let stage = Stage::with(0..3 * PAGE).await;
    stage.relayed().await.expect("relayed");
    stage.append(3 * PAGE..3 * PAGE + 5).await;
    stage.relayed().await.expect("relayed");
    stage.relayed().await.expect("nothing to do");
    stage.assert_kept(1..3 * PAGE as u64 + 6).await;
}

#[tokio::test]
async fn what_the_bus_lost_is_published_again() {
    let stage = Stage::with(0..10).await;
    stage.relayed().await.expect("relayed");
    stage.checkpoints.save(NAME, Position(10)).await.expect("saved");
    stage.bus.lose(4);
    stage.relayed().await.expect("relayed");
    stage.assert_kept(1..11).await;
    stage.bus.lose(10);
    stage.relayed().await.expect("relayed");
    stage.assert_kept(1..11).await;
}

#[tokio::test]
async fn what_the_bus_has_forgotten_stays_forgotten() {
    let stage = Stage::with(0..10).await;
    stage.relayed().await.expect("relayed");
    stage.checkpoints.save(NAME, Position(10)).await.expect("saved");
    stage.bus.forget();
    stage.append(10..12).await;
    stage.relayed().await.expect("relayed");
    stage.assert_kept(11..13).await;
}

#[tokio::test]
async fn a_bus_that_has_forgotten_and_then_lost_is_filled_again() {
    let stage = Stage::with(0..10).await;
    stage.relayed().await.expect("relayed");
    stage.bus.forget();
    stage.append(10..15).await;
    let (relay, mut memory) = (stage.relay(), Memory::default());
    while matches!(relay.step(&mut memory).await.expect("relayed"), Step::Published) {}
    relay.save(&mut memory).await.expect("saved");
    stage.bus.lose(5);
    stage.relayed().await.expect("relayed");
    stage.assert_kept(1..16).await;
}

#[tokio::test]
async fn a_log_that_went_back_or_is_another_one_is_refused() {
    let stage = Stage::with(0..10).await;
    stage.relayed().await.expect("relayed");
    let restored = Stage { log: Stage::with(0..4).await.log, ..stage.clone() };
    let refused = restored.relayed().await.expect_err("refused");
    let went_back = |failure: &Failure| {
        matches!(failure, Failure::Refused(RelayRefused::AheadOfLog { published: Position(10), head: Position(4) }))
    };
    assert!(went_back(&refused), "{refused:?}");
    restored.append(20..30).await;
    let refused = restored.relayed().await.expect_err("refused");
    assert!(matches!(refused, Failure::Refused(RelayRefused::OtherLog { published: Position(10), .. })), "{refused:?}");

    let shorter = Stage { log: Stage::with(0..4).await.log, ..stage.clone() };
    stage.checkpoints.save(NAME, Position(10)).await.expect("saved");
    stage.bus.forget();
    let refused = shorter.relayed().await.expect_err("refused");
    assert!(went_back(&refused), "{refused:?}");
    assert_eq!(stage.bus.kept(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_that_run_at_once_and_are_killed_at_random_leave_no_hole_and_repeat_nothing() {
    const EVENTS: usize = 2_000;
    let stage = Stage::with(0..1).await;
    let mut relays = tokio::task::JoinSet::new();
    for n in 0..3_u32 {
        let stage = stage.clone();
        relays.spawn(async move {
            let mut lives = 0_u32;
            while stage.bus.kept().len() < EVENTS {
                lives += 1;
                let relay = stage.relay();
                let life = Duration::from_micros(u64::from((lives * 37 + n * 13) % 300) * 10);
                let _killed = tokio::time::timeout(life, relay.run(CancellationToken::new())).await;
            }
        });
    }
    stage.append(1..EVENTS).await;
    while let Some(ended) = relays.join_next().await {
        ended.expect("no panic");
    }
    stage.assert_kept(1..EVENTS as u64 + 1).await;
}

#[tokio::test]
async fn a_relay_that_is_told_to_stop_has_saved_how_far_it_is() {
    let stage = Stage::with(0..10).await;
    let (relay, stop) = (stage.relay(), CancellationToken::new());
    let mut status = relay.status();
    let published = async {
        status.wait_for(|status| status.up && status.position == Position(10)).await.map(|_| ()).expect("it lives");
        stop.cancel();
    };
    tokio::join!(relay.run(stop.clone()), published);
    assert_eq!(stage.checkpoints.load(NAME).await.expect("loaded"), Position(10));
}
