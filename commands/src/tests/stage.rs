//! A whole drive in memory, and short words for what is done to it.

use std::sync::Arc;

use bytes::Bytes;
use cairn_domain::file::File;
use cairn_domain::{Position, StoredEvent, Timestamp};
use futures_util::StreamExt;
use sha2::Digest;

use crate::account::{Password, SignIn, SignUp, SignedIn, SignedUp, sign_in, sign_up};
use crate::drive::Secret;
use crate::ports::ByteStream;
use crate::ports::attempts::MemoryAttempts;
use crate::ports::blobs::{MemoryBlobs, Stores};
use crate::ports::challenges::MemoryChallenges;
use crate::ports::clock::ManualClock;
use crate::ports::event_store::{EventStore, MemoryEventStore};
use crate::ports::fetch::MemoryFetch;
use crate::ports::ids::SequentialIds;
use crate::ports::ledger::MemoryLedger;
use crate::ports::passwords::PlainPasswords;
use crate::ports::rates::MemoryRates;
use crate::ports::sessions::MemorySessions;
use crate::ports::staging::MemoryStaging;
use crate::ports::tasks::ProcessTasks;
use crate::ports::views::MemoryViews;
use crate::upload::{WholeError, WholeUpload, receive_whole, store_whole};
use crate::{Caller, Drive, Limits, Loaded, Ports, Request};

pub(super) struct Stage {
    pub drive: Arc<Drive>,
    pub clock: Arc<ManualClock>,
    pub log: Arc<MemoryEventStore>,
}

pub(super) fn stage() -> Stage {
    stage_with(Limits::default())
}

pub(super) fn stage_with(limits: Limits) -> Stage {
    let log = Arc::new(MemoryEventStore::default());
    let ports = ports_over(log.clone());
    let clock = Arc::new(ManualClock::at(Timestamp(1_000_000_000)));
    let drive = Drive::new(Ports { clock: clock.clone(), ..ports }, limits, Secret([7; 32]));
    Stage { drive, clock, log }
}

pub(super) fn ports_over(log: Arc<dyn EventStore>) -> Ports {
    let blobs = Arc::new(MemoryBlobs::default());
    Ports {
        staging: Arc::new(MemoryStaging::new(blobs.clone())),
        stores: Stores::new(blobs, Vec::new()),
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
    }
}

impl Stage {
    pub(super) fn request(&self) -> Request {
        request(&self.drive)
    }

    pub(super) async fn events(&self) -> Vec<StoredEvent> {
        self.log.read_all(Position::START, usize::MAX).await.expect("the log reads")
    }

    pub(super) async fn names(&self) -> Vec<String> {
        self.events().await.into_iter().map(|event| event.name).collect()
    }

    pub(super) async fn sign_up(&self, name: &str) -> SignedUp {
        sign_up(&self.drive, &self.request(), sign_up_wish(name)).await.expect("signed up")
    }

    pub(super) async fn sign_in(&self, name: &str) -> SignedIn {
        sign_in(&self.drive, &self.request(), sign_in_wish(name, "correct horse")).await.expect("signed in")
    }

    pub(super) async fn caller(&self, name: &str) -> Caller {
        self.sign_up(name).await;
        caller_of(&self.drive, &self.sign_in(name).await).await
    }

    pub(super) async fn upload(&self, caller: &Caller, name: &str, bytes: &[u8]) -> Result<Loaded<File>, WholeError> {
        upload(&self.drive, &self.request(), caller, name, bytes).await
    }
}

pub(super) fn request(drive: &Drive) -> Request {
    let command = drive.ports().ids.command();
    Request { client: Some("127.0.0.1".to_owned()), correlation: Some("r".to_owned()), ..Request::of_system(command) }
}

pub(super) fn keyed(request: &Request) -> Request {
    Request { keyed: true, ..request.clone() }
}

pub(super) async fn upload(
    drive: &Drive,
    request: &Request,
    caller: &Caller,
    name: &str,
    bytes: &[u8],
) -> Result<Loaded<File>, WholeError> {
    let received = receive_whole(drive, caller, request.keyed, body(bytes), None).await?;
    let wish = WholeUpload { name: name.parse().expect("a name"), folder: None, content_type: None, replaces: None };
    store_whole(drive, request, caller, received, wish).await.map(|stored| stored.file)
}

pub(super) async fn caller_of(drive: &Drive, signed_in: &SignedIn) -> Caller {
    let stream = cairn_domain::StreamName::account(signed_in.account);
    let account = drive.journal.load::<cairn_domain::account::Account>(&stream).await.expect("the account loads");
    let sessions = &account.state.registered().expect("registered").sessions;
    Caller { account: signed_in.account, session: sessions.last().expect("a session").id, roles: [].into() }
}

pub(super) fn sign_up_wish(name: &str) -> SignUp {
    SignUp { username: name.parse().expect("a name"), password: password("correct horse"), email: None, phone: None }
}

pub(super) fn sign_in_wish(name: &str, text: &str) -> SignIn {
    SignIn { username: name.to_owned(), password: Password::to_check(text) }
}

pub(super) fn password(text: &str) -> Password {
    text.parse().expect("a password")
}

pub(super) fn body(bytes: &[u8]) -> ByteStream {
    let pieces: Vec<_> = bytes.chunks(3).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    futures_util::stream::iter(pieces).boxed()
}

pub(super) fn sha256(bytes: &[u8]) -> cairn_domain::Sha256 {
    cairn_domain::Sha256(sha2::Sha256::digest(bytes).into())
}

pub(super) async fn read(drive: &Drive, sha256: cairn_domain::Sha256, length: u64) -> Vec<u8> {
    let key = cairn_domain::blob::BlobKey::first(sha256);
    let mut stream = drive.ports().stores.landing().read(key, 0, length).await.expect("the blob is there").bytes;
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.expect("a piece"));
    }
    bytes
}
