use cairn_commands::drive::Secret;
use cairn_commands::journal::Start;
use cairn_commands::ports::attempts::MemoryAttempts;
use cairn_commands::ports::blobs::{MemoryBlobs, Stores};
use cairn_commands::ports::challenges::MemoryChallenges;
use cairn_commands::ports::clock::ManualClock;
use cairn_commands::ports::event_store::MemoryEventStore;
use cairn_commands::ports::fetch::MemoryFetch;
use cairn_commands::ports::ids::SequentialIds;
use cairn_commands::ports::ledger::MemoryLedger;
use cairn_commands::ports::passwords::PlainPasswords;
use cairn_commands::ports::rates::MemoryRates;
use cairn_commands::ports::sessions::MemorySessions;
use cairn_commands::ports::staging::MemoryStaging;
use cairn_commands::ports::tasks::ProcessTasks;
use cairn_commands::ports::views::MemoryViews;
use cairn_commands::{Limits, Loaded, Ports, Trouble};
use cairn_domain::blob::{Blob, BlobCommand, BlobStored};
use cairn_domain::{Decider, Sha1, StreamName};
use futures_util::TryStreamExt;

use super::*;

/// A drive of two stores, and what they hold.
struct Stage {
    drive: Arc<Drive>,
    local: Arc<MemoryBlobs>,
    far: Arc<MemoryBlobs>,
}

fn stage() -> Stage {
    let log = Arc::new(MemoryEventStore::default());
    let (local, far) = (Arc::new(MemoryBlobs::default()), Arc::new(MemoryBlobs::new("far")));
    let ports = Ports {
        staging: Arc::new(MemoryStaging::new(local.clone())),
        stores: Stores::new(local.clone(), vec![far.clone()]),
        views: Arc::new(MemoryViews::new(log.clone())),
        log,
        ledger: Arc::new(MemoryLedger::default()),
        challenges: Arc::new(MemoryChallenges::new(60)),
        attempts: Arc::new(MemoryAttempts::default()),
        rates: Arc::new(MemoryRates::default()),
        sessions: Arc::new(MemorySessions::default()),
        passwords: Arc::new(PlainPasswords),
        tasks: Arc::new(ProcessTasks::default()),
        fetch: Arc::new(MemoryFetch::default()),
        clock: Arc::new(ManualClock::at(Timestamp(1_000_000_000))),
        ids: Arc::new(SequentialIds::default()),
    };
    Stage { drive: Drive::new(ports, Limits::default(), Secret([7; 32])), local, far }
}

impl Stage {
    /// What the log is told of a content after it was stored where uploads land.
    async fn happens(&self, sha256: Sha256, size: u64, commands: impl IntoIterator<Item = BlobCommand>) {
        let stored = BlobStored { size, sha1: Sha1([0; 20]), store: "local".to_owned() };
        let store = BlobCommand::StoreFor(stored, FileId(Uuid::nil()));
        for command in std::iter::once(store).chain(commands) {
            let decide = |blob: &Loaded<Blob>| -> Result<_, Trouble> { Ok(blob.state.decide(command.clone()).expect("events")) };
            let request = cairn_commands::Request::of_system(self.drive.ports().ids.command());
            self.drive.journal().execute(&StreamName::blob(sha256), Start::Load, &request, decide).await.expect("appended");
        }
    }

    /// The first five bytes, looked for in that store first.
    async fn read(&self, sha256: Sha256, probably_in: Option<&str>) -> Result<Vec<u8>, Problem> {
        let opened = source(&self.drive, sha256, 5, probably_in.map(str::to_owned)).open(0..5).await;
        let stream = opened.map_err(|error| error.downcast::<Problem>().expect("a problem"))?;
        let pieces: Vec<_> = stream.try_collect().await.expect("bytes");
        Ok(pieces.concat())
    }
}

#[tokio::test]
async fn a_content_that_has_moved_is_read_where_the_log_says() {
    let stage = stage();
    let sha256 = stage.far.put("hello");
    let relocate = BlobCommand::Relocate { from: "local".to_owned(), to: "far".to_owned() };
    stage.happens(sha256, 5, [relocate, BlobCommand::RemoveCopy { store: "local".to_owned() }]).await;
    for probably_in in [Some("far"), Some("local"), Some("gone"), None] {
        assert_eq!(stage.read(sha256, probably_in).await.expect("bytes"), b"hello", "{probably_in:?}");
    }
}

#[tokio::test]
async fn a_content_of_which_no_sound_copy_is_left_is_our_fault() {
    let stage = stage();
    let sha256 = stage.local.put("hello");
    stage.happens(sha256, 5, [BlobCommand::FindDamaged { store: "local".to_owned() }]).await;
    let problem = stage.read(sha256, None).await.expect_err("damaged");
    assert_eq!((problem.kind().status, problem.kind().code), (500, "content_damaged"));
    assert!(problem.kind().sentence.contains("on our side"));
    let told = problem.cause().expect("what the operator is told").to_string();
    assert!(told.contains(&sha256.to_string()), "{told}");
}

#[test]
fn either_an_id_or_a_hash_is_needed() {
    let (id, hash) = (Uuid::from_u128(1), "a".repeat(40));
    let field = |read: Result<Wanted, Problem>| read.map_err(|problem| problem.errors()[0].field.clone());
    assert_eq!(field(Wanted::read(Some(id), None)), Ok(Wanted::Id(FileId(id))));
    assert!(matches!(Wanted::read(None, Some(&hash)), Ok(Wanted::Content(ByHash::Sha1(_)))));
    assert_eq!(field(Wanted::read(None, None)), Err("id".to_owned()));
    assert_eq!(field(Wanted::read(Some(id), Some(&hash))), Err("filehash".to_owned()));
    assert_eq!(field(Wanted::read(None, Some("x"))), Err("filehash".to_owned()));
}

#[test]
fn a_link_needs_all_its_parameters() {
    let link = |expires, signature: Option<&str>| {
        let signature = Signature { expires, signature: signature.map(str::to_owned) };
        signature.link(FileId(Uuid::from_u128(1))).map(|link| (link.expires_at, link.signature))
    };
    let good = "ff".repeat(32);
    assert_eq!(link(Some(7), Some(&good)), Some((Timestamp(7_000_000), [255; 32])));
    assert_eq!(link(None, Some(&good)), None);
    assert_eq!(link(Some(7), None), None);
    assert_eq!(link(Some(7), Some("ff")), None);
    assert_eq!(link(Some(i64::MAX), Some(&good)), None);
}
