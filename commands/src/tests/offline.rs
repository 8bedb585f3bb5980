//! Files from elsewhere: fetched once, from where they were left, and by one process.

use std::sync::Arc;
use std::time::Duration;

use cairn_domain::file::{File, FileEvent, Origin};
use cairn_domain::offline::{FailureReason, Offline, OfflineCommand, Phase};
use cairn_domain::{Event, OfflineId, Position, StreamName, Timestamp, codec};

use super::breaking::{BreakingLog, Effects};
use super::stage::{caller_of, ports_over, read, request, sha256, sign_in_wish, sign_up_wish, upload};
use crate::account::{sign_in, sign_up};
use crate::drive::Secret;
use crate::offline::{
    CancelOfflineError, CreateOfflineError, OfflineLimits, OfflineWish, cancel, change, create, own_offline, received_bytes,
};
use crate::ports::blobs::{MemoryBlobs, Stores};
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::ports::clock::ManualClock;
use crate::ports::event_store::EventStore;
use crate::ports::fetch::{MemoryFetch, MemorySource};
use crate::ports::ids::SequentialIds;
use crate::ports::staging::MemoryStaging;
use crate::sagas::finish_begun;
use crate::sagas::offline::{Fetcher, FetcherSettings};
use crate::upload::sweep_staging;
use crate::{Caller, Drive, Limits, Loaded, Ports};

const URL: &str = "http://example.org/a.bin";
const BYTES: &[u8] = b"0123456789";
/// Nothing need be heard of a download for so long.
const SILENT_SECONDS: u64 = 60;

/// What outlives a process.
struct World {
    log: Arc<BreakingLog>,
    ports: Ports,
    fetch: MemoryFetch,
    clock: Arc<ManualClock>,
    limits: Limits,
}

impl World {
    fn new() -> Self {
        Self::breaking(Effects::breaking_at(i64::MAX, false))
    }

    fn breaking(effects: Arc<Effects>) -> Self {
        let (log, blobs) = (Arc::new(BreakingLog::new(effects)), Arc::new(MemoryBlobs::default()));
        let (fetch, clock) = (MemoryFetch::default(), Arc::new(ManualClock::at(Timestamp(1_000_000_000))));
        let ports = Ports {
            staging: Arc::new(MemoryStaging::new(blobs.clone())),
            stores: Stores::new(blobs, Vec::new()),
            fetch: Arc::new(fetch.clone()),
            clock: clock.clone(),
            ids: Arc::new(SequentialIds::default()),
            ..ports_over(log.clone())
        };
        let offline = OfflineLimits { attempts_max: 2, ..OfflineLimits::default() };
        Self { log, ports, fetch, clock, limits: Limits { part_bytes_default: 4, offline, ..Limits::default() } }
    }

    /// A process: what it remembers is its own, what it stored is not.
    fn process(&self) -> Arc<Drive> {
        Drive::new(self.ports.clone(), self.limits.clone(), Secret([7; 32]))
    }

    async fn names(&self) -> Vec<String> {
        let events = self.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
        events.into_iter().map(|event| event.name).collect()
    }

    async fn count(&self, name: &str) -> usize {
        self.names().await.iter().filter(|known| *known == name).count()
    }

    async fn assert_nothing_is_staged(&self) {
        assert!(self.ports.staging.list(Duration::ZERO).await.expect("a list").is_empty());
    }
}

fn ranges(validator: &str) -> MemorySource {
    MemorySource { bytes: BYTES.to_vec(), validator: Some(validator.to_owned()), tells_size: true, ..MemorySource::default() }
}

fn stream() -> MemorySource {
    MemorySource { bytes: BYTES.to_vec(), ..MemorySource::default() }
}

fn fetcher(drive: &Arc<Drive>, name: &str) -> Fetcher {
    let (name, silent_seconds, first_wait) = (name.to_owned(), SILENT_SECONDS, Duration::from_millis(1));
    Fetcher::new(drive.clone(), FetcherSettings { name, at_once: 1, silent_seconds, first_wait, alone_since: None })
}

fn wish() -> OfflineWish {
    OfflineWish { url: URL.to_owned(), name: None, folder: None, sha256: None }
}

async fn person(drive: &Drive, name: &str) -> Option<Caller> {
    sign_up(drive, &request(drive), sign_up_wish(name)).await.ok()?;
    let signed_in = sign_in(drive, &request(drive), sign_in_wish(name, "correct horse")).await.ok()?;
    Some(caller_of(drive, &signed_in).await)
}

async fn alice(drive: &Drive) -> Caller {
    person(drive, "alice").await.expect("an account")
}

async fn asked(drive: &Drive, caller: &Caller, wish: OfflineWish) -> OfflineId {
    create(drive, &request(drive), caller, wish).await.expect("noted").0
}

async fn state(drive: &Drive, caller: &Caller, id: OfflineId) -> Offline {
    own_offline(drive, caller.account, id).await.expect("a state").expect("a download").state
}

async fn entry(drive: &Drive, offline: &Offline) -> Loaded<File> {
    let Phase::Completed(completed) = offline.phase() else { panic!("not completed: {offline:?}") };
    drive.journal.load::<File>(&StreamName::file(completed.file)).await.expect("an entry")
}

/// Asks for it and has it fetched.
async fn fetched(world: &World, wish: OfflineWish) -> (Arc<Drive>, Caller, Offline) {
    let drive = world.process();
    let alice = alice(&drive).await;
    let id = asked(&drive, &alice, wish).await;
    fetcher(&drive, "one").serve(id).await;
    let offline = state(&drive, &alice, id).await;
    (drive, alice, offline)
}

async fn failed_with(world: &World, wish: OfflineWish) -> FailureReason {
    let (_, _, offline) = fetched(world, wish).await;
    let Phase::Failed(failed) = offline.phase() else { panic!("not failed: {offline:?}") };
    assert_eq!(world.count("FileAdded").await, 0);
    world.assert_nothing_is_staged().await;
    failed.reason
}

/// Waits for something that another task is about to do.
async fn until(what: impl AsyncFn() -> bool) {
    while !what().await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_file_comes_in_parts_or_in_one_piece_and_says_how_it_came() {
    for (source, events) in [
        (ranges("\"a\""), &["UploadStarted", "ChunkReceived", "ChunkReceived", "ChunkReceived"][..]),
        (MemorySource { tells_size: false, ..ranges("\"a\"") }, &[]),
        (MemorySource { tells_size: true, ..stream() }, &[]),
        (stream(), &[]),
    ] {
        let world = World::new();
        world.fetch.put(URL, source);
        let (drive, alice, offline) = fetched(&world, wish()).await;
        let entry = entry(&drive, &offline).await;
        let added = &entry.state.entry().expect("an entry").added;
        assert_eq!((added.owner, added.name.as_str(), added.sha256), (alice.account, "a.bin", sha256(BYTES)));
        let Origin::Offline { upload, .. } = added.origin else { panic!("{added:?}") };
        assert_eq!(offline.found().map(|found| found.upload), Some(upload));
        assert_eq!(read(&drive, sha256(BYTES), 10).await, BYTES);
        let names = world.names().await;
        let begin = ["OfflineRequested", "OfflineStarted", "OfflineFound"];
        let end = ["FileMerged", "BlobStored", "BlobReferenced", "FileAdded", "OfflineCompleted"];
        assert_eq!(names[3..], [&begin[..], events, &end].concat());
        assert_eq!(drive.ports.views.open_uploads(alice.account).await.expect("views"), 0);
        world.assert_nothing_is_staged().await;
    }
}

#[tokio::test]
async fn it_is_called_what_its_owner_says_or_else_its_source() {
    let world = World::new();
    let disposition = Some("attachment; filename=\"b.txt\"".to_owned());
    world.fetch.put(URL, MemorySource { disposition, ..stream() });
    let (drive, alice, offline) = fetched(&world, wish()).await;
    assert_eq!(entry(&drive, &offline).await.state.entry().expect("an entry").name.as_str(), "b.txt");
    let named = OfflineWish { name: Some("c.md".parse().expect("a name")), ..wish() };
    let id = asked(&drive, &alice, named).await;
    fetcher(&drive, "one").serve(id).await;
    let entry = entry(&drive, &state(&drive, &alice, id).await).await;
    let entry = entry.state.entry().expect("an entry");
    assert_eq!((entry.name.as_str(), entry.added.content_type.as_str()), ("c.md", "text/markdown"));
}

#[tokio::test]
async fn what_breaks_off_goes_on_from_the_last_durable_part_where_the_source_allows_it() {
    for (source, asked) in [(ranges("\"a\""), [0, 4]), (stream(), [0, 0])] {
        let world = World::new();
        world.fetch.put(URL, MemorySource { breaks: [7].into(), ..source });
        let (drive, _, offline) = fetched(&world, wish()).await;
        assert_eq!(entry(&drive, &offline).await.state.entry().expect("an entry").added.sha256, sha256(BYTES));
        assert_eq!(world.fetch.asked(), asked);
    }
}

#[tokio::test]
async fn what_never_comes_to_its_end_is_given_up() {
    let world = World::new();
    world.fetch.put(URL, MemorySource { breaks: [3, 3, 3].into(), ..ranges("\"a\"") });
    assert_eq!(failed_with(&world, wish()).await, FailureReason::SourceUnavailable);
    assert_eq!(world.fetch.asked(), [0, 0]);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_source_is_said_and_nothing_is_kept() {
    let reason = async |source: MemorySource, limit: u64, sha256| {
        let mut world = World::new();
        world.limits.offline.bytes_max = limit;
        world.fetch.put(URL, source);
        failed_with(&world, OfflineWish { sha256, ..wish() }).await
    };
    let other = Some(sha256(b"something else"));
    assert_eq!(reason(ranges("\"a\""), 9, None).await, FailureReason::TooLarge);
    assert_eq!(reason(stream(), 9, None).await, FailureReason::TooLarge);
    assert_eq!(reason(ranges("\"a\""), 10, other).await, FailureReason::DigestMismatch);
    assert_eq!(reason(stream(), 10, other).await, FailureReason::DigestMismatch);
    assert_eq!(reason(MemorySource { denies: Some(404), ..stream() }, 10, None).await, FailureReason::SourceRefused);
}

#[tokio::test]
async fn what_its_owner_has_no_space_for_is_not_fetched() {
    for source in [ranges("\"a\""), MemorySource { tells_size: true, ..stream() }, stream()] {
        let mut world = World::new();
        world.limits.quota_bytes_default = Some(9);
        world.fetch.put(URL, source);
        assert_eq!(failed_with(&world, wish()).await, FailureReason::QuotaExceeded);
        assert_eq!(world.count("FileMerged").await, 0);
    }
}

#[tokio::test]
async fn known_content_for_which_there_is_no_space_is_noted_and_fails_like_any_other() {
    let mut world = World::new();
    world.limits.quota_bytes_default = Some(9);
    world.fetch.put(URL, stream());
    let drive = world.process();
    let alice = alice(&drive).await;
    upload(&drive, &request(&drive), &alice, "mine.txt", b"known").await.expect("stored");
    let id = asked(&drive, &alice, OfflineWish { sha256: Some(sha256(b"known")), ..wish() }).await;
    assert_eq!(*state(&drive, &alice, id).await.phase(), Phase::Queued);
    fetcher(&drive, "one").serve(id).await;
    let offline = state(&drive, &alice, id).await;
    assert!(matches!(offline.phase(), Phase::Failed(failed) if failed.reason == FailureReason::QuotaExceeded), "{offline:?}");
    assert!(world.fetch.asked().is_empty());
}

#[tokio::test]
async fn trouble_of_the_drive_itself_is_waited_for_and_counts_as_no_attempt() {
    for source in [ranges("\"a\""), stream()] {
        let world = World::new();
        world.fetch.put(URL, source);
        let drive = world.process();
        let alice = alice(&drive).await;
        let id = asked(&drive, &alice, wish()).await;
        let effects = world.log.effects.clone();
        let times = i64::from(drive.limits.offline.attempts_max) + 3;
        world.log.before("FileMerged", async move { effects.break_times(times) });
        fetcher(&drive, "one").serve(id).await;
        assert!(world.log.effects.broke());
        let offline = state(&drive, &alice, id).await;
        assert_eq!(entry(&drive, &offline).await.state.entry().expect("an entry").added.sha256, sha256(BYTES));
        assert_eq!((world.count("OfflineStarted").await, world.count("FileAdded").await), (1, 1));
        world.assert_nothing_is_staged().await;
    }
}

#[tokio::test]
async fn a_full_drive_fetches_nothing() {
    for source in [ranges("\"a\""), stream()] {
        let mut world = World::new();
        let blobs = Arc::new(MemoryBlobs::default());
        let staging = MemoryStaging::new(blobs.clone());
        staging.limit_room(5);
        (world.ports.staging, world.ports.stores) = (Arc::new(staging), Stores::new(blobs, Vec::new()));
        world.fetch.put(URL, source);
        assert_eq!(failed_with(&world, wish()).await, FailureReason::StorageFull);
    }
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let mut world = World::new();
    world.limits.offline.seconds_max = 0;
    world.fetch.put(URL, MemorySource { breaks: [4].into(), hangs: true, ..ranges("\"a\"") });
    assert_eq!(failed_with(&world, wish()).await, FailureReason::TimedOut);
}

#[tokio::test]
async fn content_that_the_owner_has_is_there_at_once_and_that_of_others_is_not() {
    let world = World::new();
    world.fetch.put(URL, stream());
    let drive = world.process();
    let (alice, bob) = (alice(&drive).await, person(&drive, "bob").await.expect("an account"));
    upload(&drive, &request(&drive), &alice, "mine.txt", b"known").await.expect("stored");
    let known = OfflineWish { sha256: Some(sha256(b"known")), ..wish() };
    let (_, offline) = create(&drive, &request(&drive), &alice, known.clone()).await.expect("noted");
    let entry = entry(&drive, &offline.state).await;
    assert_eq!(entry.state.entry().expect("an entry").added.origin, Origin::Instant);
    assert!(world.fetch.asked().is_empty());
    let (id, offline) = create(&drive, &request(&drive), &bob, known).await.expect("noted");
    assert_eq!(*offline.state.phase(), Phase::Queued);
    fetcher(&drive, "one").serve(id).await;
    let Phase::Failed(failed) = state(&drive, &bob, id).await.phase().clone() else { panic!("bob has it") };
    assert_eq!(failed.reason, FailureReason::DigestMismatch);
    assert_eq!(world.fetch.asked(), [0]);
}

#[tokio::test]
async fn a_repeated_request_is_one_download() {
    let mut world = World::new();
    // Its own download does not count against it.
    world.limits.offline.jobs_per_account_max = 1;
    world.fetch.put(URL, stream());
    let drive = world.process();
    let alice = alice(&drive).await;
    let request = super::stage::keyed(&request(&drive));
    let first = create(&drive, &request, &alice, wish()).await.expect("noted").0;
    assert_eq!(create(&drive, &request, &alice, wish()).await.expect("noted").0, first);
    assert_eq!(world.count("OfflineRequested").await, 1);
}

#[tokio::test]
async fn wishes_that_can_not_be_had_are_refused() {
    let mut world = World::new();
    world.limits.offline.jobs_per_account_max = 2;
    world.fetch.put(URL, stream());
    let drive = world.process();
    let (alice, bob) = (alice(&drive).await, person(&drive, "bob").await.expect("an account"));
    let refused = async |wish| create(&drive, &request(&drive), &alice, wish).await.expect_err("refused");
    let elsewhere = OfflineWish { url: "http://localhost/".to_owned(), ..wish() };
    assert!(matches!(refused(elsewhere).await, CreateOfflineError::UrlRefused(_)));
    let nowhere = OfflineWish { folder: Some(cairn_domain::FolderId(uuid::Uuid::nil())), ..wish() };
    assert!(matches!(refused(nowhere).await, CreateOfflineError::NoSuchFolder));
    let first = asked(&drive, &alice, wish()).await;
    asked(&drive, &alice, wish()).await;
    assert!(matches!(refused(wish()).await, CreateOfflineError::TooMany { limit: 2 }));
    asked(&drive, &bob, wish()).await;
    cancel(&drive, &request(&drive), &alice, first).await.expect("cancelled");
    asked(&drive, &alice, wish()).await;
}

#[tokio::test]
async fn what_is_cancelled_stops_at_once_and_leaves_nothing() {
    for source in [ranges("\"a\""), stream()] {
        let world = World::new();
        world.fetch.put(URL, MemorySource { breaks: [7].into(), hangs: true, ..source });
        let drive = world.process();
        let (alice, bob) = (alice(&drive).await, person(&drive, "bob").await.expect("an account"));
        let id = asked(&drive, &alice, wish()).await;
        let fetcher = fetcher(&drive, "one");
        let cancelled = async {
            until(async || received_bytes(&drive, id, 0) == 7).await;
            let foreign = cancel(&drive, &request(&drive), &bob, id).await;
            assert!(matches!(foreign, Err(CancelOfflineError::Absent)));
            for _ in 0..2 {
                let ended = cancel(&drive, &request(&drive), &alice, id).await.expect("cancelled");
                assert_eq!(*ended.state.phase(), Phase::Cancelled);
            }
        };
        tokio::join!(fetcher.serve(id), cancelled);
        world.assert_nothing_is_staged().await;
        fetcher.serve(id).await;
        assert_eq!((world.count("OfflineStarted").await, world.count("FileAdded").await), (1, 0));
    }
}

/// The worker has looked whether it is still wanted, and has all bytes in its hands.
#[tokio::test]
async fn what_is_cancelled_at_the_last_moment_becomes_no_file() {
    for source in [ranges("\"a\""), stream()] {
        let world = World::new();
        world.fetch.put(URL, source);
        let (one, other) = (world.process(), world.process());
        let alice = alice(&one).await;
        let id = asked(&one, &alice, wish()).await;
        let (canceller, caller) = (other.clone(), alice.clone());
        world.log.before("FileMerged", async move {
            cancel(&canceller, &request(&canceller), &caller, id).await.expect("cancelled");
        });
        fetcher(&one, "one").serve(id).await;
        assert_eq!(*state(&other, &alice, id).await.phase(), Phase::Cancelled);
        finish_begun(&other, &MemoryCheckpoints::default(), 0).await.expect("nothing is left to do");
        assert_eq!((world.count("FileMerged").await, world.count("UploadCancelled").await), (0, 1));
        world.assert_nothing_is_staged().await;
    }
}

/// Whoever cancelled it died before its upload was ended, and so did the worker.
#[tokio::test]
async fn an_upload_whose_download_has_ended_is_swept_and_gives_its_space_back() {
    let mut world = World::new();
    world.limits.quota_bytes_default = Some(10);
    world.fetch.put(URL, MemorySource { breaks: [5].into(), hangs: true, ..ranges("\"a\"") });
    let drive = world.process();
    let alice = alice(&drive).await;
    let id = asked(&drive, &alice, wish()).await;
    let fetcher = fetcher(&drive, "one");
    tokio::select! {
        () = fetcher.serve(id) => panic!("it hangs"),
        () = until(async || world.count("ChunkReceived").await == 1) => {}
    }
    assert_eq!(sweep_staging(&drive, Duration::ZERO).await.expect("swept"), 0, "it may still go on");
    change(&drive, id, OfflineCommand::Cancel).await.expect("a log").expect("cancelled");
    assert_eq!(sweep_staging(&drive, Duration::ZERO).await.expect("swept"), 1);
    assert_eq!(world.count("UploadCancelled").await, 1);
    world.assert_nothing_is_staged().await;
    let next = asked(&drive, &alice, wish()).await;
    fetcher.serve(next).await;
    let offline = state(&drive, &alice, next).await;
    assert_eq!(entry(&drive, &offline).await.state.entry().expect("an entry").added.sha256, sha256(BYTES));
}

#[tokio::test]
async fn what_is_there_can_not_be_cancelled() {
    let world = World::new();
    world.fetch.put(URL, stream());
    let (drive, alice, offline) = fetched(&world, wish()).await;
    let Origin::Offline { offline: id, .. } = entry(&drive, &offline).await.state.entry().expect("an entry").added.origin else {
        panic!("fetched");
    };
    let ended = cancel(&drive, &request(&drive), &alice, id).await.expect("an answer");
    assert_eq!(ended.state, offline);
}

#[tokio::test]
async fn one_that_nothing_is_heard_of_is_taken_over_and_goes_on_where_it_was() {
    let world = World::new();
    world.fetch.put(URL, MemorySource { breaks: [5].into(), hangs: true, ..ranges("\"a\"") });
    let (one, other) = (world.process(), world.process());
    let alice = alice(&one).await;
    let id = asked(&one, &alice, wish()).await;
    let taken_over = async {
        until(async || world.count("ChunkReceived").await == 1).await;
        fetcher(&other, "other").serve(id).await;
        assert_eq!(world.fetch.asked(), [0], "it is not free yet");
        world.clock.advance_seconds(i64::try_from(SILENT_SECONDS).expect("a number") + 1);
        fetcher(&other, "other").serve(id).await;
    };
    // The first one notices that it is not its own any more.
    let first = fetcher(&one, "one");
    tokio::join!(first.serve(id), taken_over);
    assert_eq!(world.fetch.asked(), [0, 4]);
    let offline = state(&other, &alice, id).await;
    assert_eq!(entry(&other, &offline).await.state.entry().expect("an entry").added.sha256, sha256(BYTES));
    assert_eq!((world.count("OfflineStarted").await, world.count("FileAdded").await), (2, 1));
    world.assert_nothing_is_staged().await;
}

#[tokio::test]
async fn a_source_that_has_changed_meanwhile_is_fetched_anew() {
    let world = World::new();
    world.fetch.put(URL, MemorySource { breaks: [5].into(), hangs: true, ..ranges("\"a\"") });
    let drive = world.process();
    let alice = alice(&drive).await;
    let id = asked(&drive, &alice, wish()).await;
    let hung = until(async || world.count("ChunkReceived").await == 1);
    let fetcher = fetcher(&drive, "one");
    tokio::select! {
        () = fetcher.serve(id) => panic!("it hangs"),
        // It dies here.
        () = hung => {}
    }
    world.fetch.put(URL, MemorySource { bytes: b"something else".to_vec(), ..ranges("\"b\"") });
    world.clock.advance_seconds(1_000);
    fetcher.serve(id).await;
    let offline = state(&drive, &alice, id).await;
    assert_eq!(entry(&drive, &offline).await.state.entry().expect("an entry").added.sha256, sha256(b"something else"));
    assert_eq!((world.count("OfflineFound").await, world.count("UploadCancelled").await), (2, 1));
    world.assert_nothing_is_staged().await;
}

#[tokio::test]
async fn one_that_every_process_dies_of_is_given_up() {
    let world = World::new();
    world.fetch.put(URL, MemorySource { breaks: [0, 0].into(), hangs: true, ..stream() });
    let drive = world.process();
    let alice = alice(&drive).await;
    let id = asked(&drive, &alice, wish()).await;
    let fetcher = fetcher(&drive, "one");
    for times in 1..=2 {
        let hung = until(async || world.fetch.asked().len() == times);
        tokio::select! {
            () = fetcher.serve(id) => panic!("it hangs"),
            () = hung => {}
        }
        world.clock.advance_seconds(1_000);
    }
    fetcher.serve(id).await;
    let offline = state(&drive, &alice, id).await;
    assert!(matches!(offline.phase(), Phase::Failed(failed) if failed.reason == FailureReason::SourceUnavailable), "{offline:?}");
}

/// The log fails at each append in turn, before or after its effect, and the process starts again: there is one file in the end.
#[tokio::test]
async fn a_crash_anywhere_makes_no_second_file_and_loses_none() {
    for (source, appends) in [(ranges("\"a\""), 15), (stream(), 11)] {
        for effect in [false, true] {
            let mut broke = 0;
            for append in 3..appends {
                let effects = Effects::breaking_at(append, effect);
                let world = World::breaking(effects.clone());
                world.fetch.put(URL, source.clone());
                let drive = world.process();
                let alice = alice(&drive).await;
                if let Ok((id, _)) = create(&drive, &request(&drive), &alice, wish()).await {
                    let fetcher = fetcher(&drive, "one");
                    tokio::select! {
                        () = fetcher.serve(id) => {}
                        // It dies here.
                        () = until(async || effects.broke()) => {}
                    }
                }
                broke += usize::from(effects.broke());
                effects.mend();
                let drive = world.process();
                world.clock.advance_seconds(1_000);
                finish_begun(&drive, &MemoryCheckpoints::default(), 0).await.expect("finished");
                sweep_staging(&drive, Duration::ZERO).await.expect("swept");
                let views = &drive.ports.views;
                let mut open = views.waiting_offline(10).await.expect("views");
                open.extend(views.silent_offline(drive.ports.clock.now(), 10).await.expect("views"));
                for (id, _) in &open {
                    fetcher(&drive, "two").serve(*id).await;
                }
                let wanted = world.count("OfflineRequested").await;
                assert_eq!(wanted, usize::from(append > 3 || effect), "append {append}, effect {effect}");
                for name in ["OfflineCompleted", "FileAdded", "BlobStored"] {
                    assert_eq!(world.count(name).await, wanted, "{name}, append {append}, effect {effect}");
                }
                assert_eq!(files(&world).await, wanted);
                world.assert_nothing_is_staged().await;
            }
            // The last one came to its end unharmed, so that no moment was left out.
            assert_eq!(broke, usize::try_from(appends - 3).expect("a number") - 1, "effect {effect}");
        }
    }
}

async fn files(world: &World) -> usize {
    let events = world.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
    let added = |event: &Event| matches!(event, Event::File(FileEvent::FileAdded(added)) if added.sha256 == sha256(BYTES));
    events.iter().filter(|stored| codec::decode(stored).is_ok_and(|event| added(&event))).count()
}
