//! What outlives a process, and processes that are cut off: the ground on which contents move.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use cairn_domain::blob::{Blob, BlobCommand, BlobKey};
use cairn_domain::transfer::{Phase, Transfer};
use cairn_domain::{Decider, EventId, Position, Sha256, StreamName, Timestamp, TransferId};
use futures_util::{FutureExt, TryStreamExt};

use super::breaking::{BreakingCheckpoints, BreakingLog, BreakingQueue, BreakingStore, Effects};
use super::stage::{caller_of, ports_over, request, sign_in_wish, sign_up_wish, upload};
use crate::account::{sign_in, sign_up};
use crate::content::{self, ContentError};
use crate::drive::Secret;
use crate::file::delete;
use crate::journal::Start;
use crate::ports::ByteStream;
use crate::ports::blobs::{BlobStore, MemoryBlobs, MovePolicy, Stores};
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::ports::clock::ManualClock;
use crate::ports::event_store::EventStore;
use crate::ports::ids::SequentialIds;
use crate::ports::staging::MemoryStaging;
use crate::ports::tasks::{ProcessTasks, TaskQueue};
use crate::ports::views::ContentHash;
use crate::sagas::transfers::{Mover, MoverSettings, Patience, Watch, Watched, request_transfers};
use crate::sagas::{Collector, Scrubbed, Scrubber, remove_dead};
use crate::{Caller, Drive, Limits, Loaded, Ports, Trouble};

/// What outlives a process: the log, the stores, and how far the sagas have come.
pub(super) struct World {
    pub(super) log: Arc<BreakingLog>,
    pub(super) local: Arc<MemoryBlobs>,
    pub(super) oss: Arc<MemoryBlobs>,
    pub(super) ceph: Arc<MemoryBlobs>,
    pub(super) staging: Arc<MemoryStaging>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) checkpoints: BreakingCheckpoints,
    ids: Arc<SequentialIds>,
    pub(super) effects: Arc<Effects>,
    policy: MovePolicy,
}

/// A process: its queue, and what it remembers, end with it.
pub(super) struct Process<'a> {
    pub(super) world: &'a World,
    pub(super) drive: Arc<Drive>,
    pub(super) queue: ProcessTasks,
}

pub(super) fn to(stores: &[&str]) -> MovePolicy {
    MovePolicy { to: stores.iter().map(|store| (*store).to_owned()).collect(), ..MovePolicy::default() }
}

impl World {
    pub(super) fn new(policy: MovePolicy) -> Self {
        Self::breaking(policy, &Effects::breaking_at(i64::MAX, false))
    }

    pub(super) fn breaking(policy: MovePolicy, effects: &Arc<Effects>) -> Self {
        let local = Arc::new(MemoryBlobs::new("local"));
        Self {
            log: Arc::new(BreakingLog::new(effects.clone())),
            oss: Arc::new(MemoryBlobs::new("oss")),
            ceph: Arc::new(MemoryBlobs::new("ceph")),
            staging: Arc::new(MemoryStaging::new(local.clone())),
            local,
            clock: Arc::new(ManualClock::at(Timestamp(1_000_000_000))),
            checkpoints: BreakingCheckpoints { inner: MemoryCheckpoints::default(), effects: effects.clone() },
            ids: Arc::default(),
            effects: effects.clone(),
            policy,
        }
    }

    pub(super) fn process(&self) -> Process<'_> {
        let store = |inner: &Arc<MemoryBlobs>| -> Arc<dyn BlobStore> {
            Arc::new(BreakingStore { inner: inner.clone(), effects: self.effects.clone() })
        };
        let queue = ProcessTasks::default();
        let ports = Ports {
            stores: Stores::new(store(&self.local), vec![store(&self.oss), store(&self.ceph)]).moving(self.policy.clone()),
            staging: self.staging.clone(),
            tasks: Arc::new(BreakingQueue { inner: queue.clone(), effects: self.effects.clone() }),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            ..ports_over(self.log.clone())
        };
        Process { world: self, drive: Drive::new(ports, Limits::default(), Secret([7; 32])), queue }
    }

    pub(super) async fn names(&self) -> Vec<String> {
        let events = self.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
        events.into_iter().map(|event| event.name).collect()
    }

    pub(super) async fn count(&self, name: &str) -> usize {
        self.names().await.iter().filter(|known| *known == name).count()
    }

    /// Causes that events name and that are not on the log.
    pub(super) async fn unknown_causes(&self) -> Vec<String> {
        let events = self.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
        let known: HashSet<EventId> = events.iter().map(|event| event.id).collect();
        let unknown = events.iter().filter(|event| event.metadata.causation.is_some_and(|cause| !known.contains(&cause)));
        unknown.map(|event| event.name.clone()).collect()
    }

    /// Everything that lies in the stores, whatever it is.
    pub(super) async fn listing(&self) -> Vec<String> {
        let mut listing = Vec::new();
        for store in [&self.local, &self.oss, &self.ceph] {
            let keys = store.list(None, usize::MAX).await.expect("a list");
            listing.extend(keys.iter().map(|key| format!("{}/{key}", store.name())));
        }
        listing
    }

    /// In which stores the content lies, and under how many names in each.
    pub(super) async fn lies_in(&self, sha256: Sha256) -> Vec<String> {
        let mut found = Vec::new();
        for store in [&self.local, &self.oss, &self.ceph] {
            let keys = store.list(None, usize::MAX).await.expect("a list");
            found.extend(keys.iter().filter(|key| key.sha256 == sha256).map(|key| store.name().to_owned() + &suffix(*key)));
        }
        found
    }
}

fn suffix(key: BlobKey) -> String {
    if key.generation == 0 { String::new() } else { format!(".{}", key.generation) }
}

impl Process<'_> {
    pub(super) async fn alice(&self) -> Caller {
        let drive = &self.drive;
        sign_up(drive, &request(drive), sign_up_wish("alice")).await.expect("signed up");
        let signed_in = sign_in(drive, &request(drive), sign_in_wish("alice", "correct horse")).await.expect("signed in");
        caller_of(drive, &signed_in).await
    }

    pub(super) async fn upload(&self, caller: &Caller, name: &str, bytes: &[u8]) {
        upload(&self.drive, &request(&self.drive), caller, name, bytes).await.expect("uploaded");
    }

    /// The newest entry with this content goes for good.
    pub(super) async fn purge(&self, caller: &Caller, sha256: Sha256) {
        let newest = self.drive.ports().views.entry_with_content(caller.account, ContentHash::Sha256(sha256)).await.expect("views");
        delete(&self.drive, &request(&self.drive), caller, newest.expect("an entry"), true).await.expect("purged");
    }

    /// Somebody announces an entry for the content, and dies before it is made. As often as that.
    pub(super) async fn announce(&self, sha256: Sha256, times: u64) {
        for _ in 0..times {
            let request = request(&self.drive);
            let refer = |blob: &Loaded<Blob>| -> Result<_, Trouble> {
                let refer = BlobCommand::ReferTo(request.new_file());
                blob.state.decide(refer).map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
            };
            self.drive.journal.execute(&StreamName::blob(sha256), Start::Load, &request, refer).await.expect("announced");
        }
    }

    pub(super) fn mover(&self) -> Mover {
        self.mover_with(3)
    }

    pub(super) fn mover_with(&self, failures_max: u32) -> Mover {
        let settings = MoverSettings { name: "one".to_owned(), at_once: 4, failures_max, bytes_per_second_max: None };
        Mover::new(self.drive.clone(), settings)
    }

    /// The newest entry with this content goes into the trash.
    pub(super) async fn trash(&self, caller: &Caller, sha256: Sha256) {
        let newest = self.drive.ports().views.entry_with_content(caller.account, ContentHash::Sha256(sha256)).await.expect("views");
        delete(&self.drive, &request(&self.drive), caller, newest.expect("an entry"), false).await.expect("trashed");
    }

    /// Everything that the sagas do by themselves, until there is nothing left to do just now.
    pub(super) async fn moves(&self) {
        let _ = request_transfers(&self.drive, &self.world.checkpoints).await;
        self.works().await;
    }

    /// What waits in the queue is done.
    pub(super) async fn works(&self) {
        let mover = self.mover();
        while let Some(delivery) = self.queue.take().now_or_never() {
            mover.serve(delivery).await;
        }
    }

    /// What a process does when it begins with an empty queue.
    pub(super) async fn begins(&self) {
        self.watch(Patience::NONE).await;
        self.moves().await;
        remove_dead(&self.drive, &self.world.checkpoints).await.expect("removed");
    }

    /// What a process does that goes on after something broke: the same rounds as before.
    pub(super) async fn goes_on(&self) {
        for _ in 0..3 {
            self.moves().await;
            self.watch(Patience::NONE).await;
            let _ = remove_dead(&self.drive, &self.world.checkpoints).await;
        }
        self.works().await;
    }

    /// Every step once more: the saga reads the log from its beginning, every task that ever was comes again, and the watch looks.
    pub(super) async fn repeats(&self) {
        request_transfers(&self.drive, &MemoryCheckpoints::default()).await.expect("requested");
        for task in self.world.effects.pushed() {
            self.queue.push(&task).await.expect("pushed");
        }
        self.works().await;
        self.watch(Patience::NONE).await;
        self.works().await;
        remove_dead(&self.drive, &MemoryCheckpoints::default()).await.expect("removed");
    }

    /// One round of a watch that has just begun.
    pub(super) async fn watch(&self, patience: Patience) -> Watched {
        Watch::new(self.drive.clone(), patience).round().await.expect("watched")
    }

    /// As a download does whose read tables are behind.
    pub(super) async fn read(&self, sha256: Sha256, length: u64) -> Result<Vec<u8>, ContentError> {
        self.read_from(sha256, Some("local"), length).await
    }

    pub(super) async fn read_certainly(&self, sha256: Sha256, length: u64) -> Result<Vec<u8>, ContentError> {
        self.read_from(sha256, None, length).await
    }

    /// As the same download does, of a range of a content of that size.
    pub(super) async fn open(&self, sha256: Sha256, size: usize, range: Range<usize>) -> Result<ByteStream, ContentError> {
        content::read(&self.drive, sha256, size as u64, Some("local"), range.start as u64..range.end as u64).await
    }

    async fn read_from(&self, sha256: Sha256, probably_in: Option<&str>, length: u64) -> Result<Vec<u8>, ContentError> {
        let pieces = content::read(&self.drive, sha256, length, probably_in, 0..length).await?;
        let pieces: Vec<Bytes> = pieces.try_collect().await.map_err(|error| crate::Trouble::Unavailable(error.into()))?;
        Ok(pieces.concat())
    }

    pub(super) async fn blob(&self, sha256: Sha256) -> Blob {
        self.drive.journal.load::<Blob>(&StreamName::blob(sha256)).await.expect("a blob").state
    }

    pub(super) async fn phases(&self) -> Vec<Phase> {
        let all = [Phase::Requested, Phase::Queued, Phase::Started, Phase::Stalled, Phase::Completed, Phase::Abandoned];
        let always = Timestamp(0)..=Timestamp(i64::MAX);
        let known = self.drive.ports().views.silent_transfers(&all, always, u64::MAX).await.expect("transfers");
        let mut phases = Vec::new();
        for (_, id) in known {
            phases.push(self.transfer(id).await.phase());
        }
        phases
    }

    async fn transfer(&self, id: TransferId) -> Transfer {
        self.drive.journal.load::<Transfer>(&StreamName::transfer(id)).await.expect("a transfer").state
    }

    pub(super) async fn scrub(&self) -> Scrubbed {
        Scrubber::new(self.drive.clone(), 1, None).everything().await.expect("scrubbed")
    }

    /// What downloads have found wrong.
    pub(super) async fn judge_suspected(&self) -> Scrubbed {
        Scrubber::new(self.drive.clone(), 1, None).suspected().await.expect("judged")
    }

    pub(super) async fn scrub_step(&self, period_seconds: u64) -> Scrubbed {
        Scrubber::new(self.drive.clone(), period_seconds, None).step(&self.world.checkpoints).await.expect("scrubbed")
    }

    /// What nobody needs is declared dead, and nothing is removed yet.
    pub(super) async fn declare_dead(&self) -> u64 {
        Collector::new(self.drive.clone(), 0).collect(&self.world.checkpoints).await.expect("collected")
    }

    pub(super) async fn collect(&self, grace_seconds: u64) -> u64 {
        let collector = Collector::new(self.drive.clone(), grace_seconds);
        let deleted = collector.collect(&self.world.checkpoints).await.expect("collected");
        remove_dead(&self.drive, &self.world.checkpoints).await.expect("removed");
        deleted
    }
}
