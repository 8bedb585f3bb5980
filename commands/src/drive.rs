//! The drive: its ports, its limits and what it remembers between requests.

use std::sync::Arc;

use cairn_domain::{Position, UploadId};
use tokio_util::task::TaskTracker;

use crate::content::Trust;
use crate::journal::Journal;
use crate::offline::{OfflineLimits, UnderWay};
use crate::ports::attempts::{AttemptPolicy, Attempts};
use crate::ports::blobs::Stores;
use crate::ports::challenges::Challenges;
use crate::ports::clock::Clock;
use crate::ports::event_store::EventStore;
use crate::ports::fetch::Fetch;
use crate::ports::ids::Ids;
use crate::ports::ledger::Ledger;
use crate::ports::passwords::Passwords;
use crate::ports::rates::{Rate, Rates};
use crate::ports::sessions::SessionCache;
use crate::ports::staging::Staging;
use crate::ports::tasks::TaskQueue;
use crate::ports::views::Views;
use crate::share::Deliveries;
use crate::turns::Turns;

/// Everything from outside that the use cases need.
#[derive(Clone)]
pub struct Ports {
    /// The log.
    pub log: Arc<dyn EventStore>,
    /// Whole contents.
    pub stores: Stores,
    /// Contents on their way in.
    pub staging: Arc<dyn Staging>,
    /// The read tables.
    pub views: Arc<dyn Views>,
    /// Answered requests.
    pub ledger: Arc<dyn Ledger>,
    /// Questions to those who would rather not send a content.
    pub challenges: Arc<dyn Challenges>,
    /// Failed attempts.
    pub attempts: Arc<dyn Attempts>,
    /// How often somebody comes.
    pub rates: Arc<dyn Rates>,
    /// Who was asking a moment ago.
    pub sessions: Arc<dyn SessionCache>,
    /// Password hashes.
    pub passwords: Arc<dyn Passwords>,
    /// Tasks for whoever moves contents between stores.
    pub tasks: Arc<dyn TaskQueue>,
    /// Files elsewhere.
    pub fetch: Arc<dyn Fetch>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub ids: Arc<dyn Ids>,
}

/// What the drive allows. Everything has a limit, and this is where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest file, in bytes.
    pub file_bytes_max: u64,
    /// The size of a part when the client names none, in bytes.
    pub part_bytes_default: u64,
    /// The largest part that a client may ask for, in bytes.
    pub part_bytes_max: u64,
    /// The most parts that an upload is cut into; the part size is raised to keep to it.
    pub parts_max: u64,
    /// Uploads that one account may have open at once.
    pub uploads_open_max: u64,
    /// An upload ends this long after its last part, in seconds.
    pub upload_expires_seconds: u64,
    /// Folders that one account may have, those in the trash included.
    pub folders_max: u64,
    /// What is in the trash is purged after so long, in seconds.
    pub trash_expires_seconds: u64,
    /// Contents that one entry keeps, the one in use included.
    pub versions_max: u64,
    /// A content is kept so long after another has replaced it, in seconds.
    pub version_expires_seconds: u64,
    /// Shares that one account may have, without those that were revoked.
    pub shares_max: u64,
    /// Sessions that one account may have open at once.
    pub sessions_max: usize,
    /// A token works this long, in seconds.
    pub session_expires_seconds: u64,
    /// A possession challenge can be answered this long, in seconds.
    pub challenge_expires_seconds: u64,
    /// A signed download link works this long when the client says nothing, in seconds.
    pub link_expires_seconds_default: u64,
    /// A signed download link works at most this long, in seconds.
    pub link_expires_seconds_max: u64,
    /// What one account may hold unless an operator says otherwise, in bytes; none for no limit.
    pub quota_bytes_default: Option<u64>,
    /// An answer is remembered under its `Idempotency-Key` this long, in seconds.
    pub answer_remembered_seconds: u64,
    /// Patience with failed passwords for one name.
    pub attempts_per_name: AttemptPolicy,
    /// Patience with failed passwords from one address.
    pub attempts_per_address: AttemptPolicy,
    /// Patience with failed passwords of one share from one address.
    pub attempts_per_share: AttemptPolicy,
    /// Requests of one account, over all its sessions; none for no limit.
    pub requests_per_account: Option<Rate>,
    /// Requests of one address by people who have not signed in; none for no limit.
    pub requests_per_address: Option<Rate>,
    /// Files from elsewhere.
    pub offline: OfflineLimits,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        const DAY: u64 = 24 * 60 * 60;
        Self {
            file_bytes_max: 1024 * 1024 * MIB,
            part_bytes_default: 8 * MIB,
            part_bytes_max: 5 * 1024 * MIB,
            parts_max: 10_000,
            uploads_open_max: 1_000,
            upload_expires_seconds: 7 * DAY,
            folders_max: 10_000,
            trash_expires_seconds: 30 * DAY,
            versions_max: 100,
            version_expires_seconds: 365 * DAY,
            shares_max: 10_000,
            sessions_max: 100,
            session_expires_seconds: 30 * DAY,
            challenge_expires_seconds: 60,
            link_expires_seconds_default: 3_600,
            link_expires_seconds_max: 7 * DAY,
            quota_bytes_default: None,
            answer_remembered_seconds: 7 * DAY,
            attempts_per_name: AttemptPolicy { free: 10, first_wait_seconds: 1, wait_seconds_max: 900 },
            attempts_per_address: AttemptPolicy { free: 100, first_wait_seconds: 1, wait_seconds_max: 900 },
            attempts_per_share: AttemptPolicy { free: 4, first_wait_seconds: 900, wait_seconds_max: 900 },
            requests_per_account: None,
            requests_per_address: None,
            offline: OfflineLimits::default(),
        }
    }
}

/// 256 bits that only this drive knows: they sign links and derive the tokens of keyed sign-ins.
#[derive(Clone)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The drive, as its use cases see it.
pub struct Drive {
    pub(crate) ports: Ports,
    pub(crate) limits: Limits,
    pub(crate) secret: Secret,
    pub(crate) journal: Journal,
    /// Uploads that are being put together: one at a time each, since both would read it all.
    pub(crate) merging: Turns,
    /// Shares that are being used or changed: many at once would only meet each other's versions.
    pub(crate) sharing: Turns,
    pub(crate) deliveries: Deliveries,
    /// Passwords that are being looked at, of names and of shares.
    pub(crate) guessing: Turns,
    /// Accounts whose space is being promised: each promise depends on all others.
    pub(crate) reserving: Turns,
    /// Accounts that ask for a download: whether one more may be depends on all others.
    pub(crate) asking: Turns,
    pub(crate) under_way: UnderWay,
    pub(crate) trust: Trust,
    tasks: TaskTracker,
}

impl Drive {
    /// A drive over these ports.
    pub fn new(ports: Ports, limits: Limits, secret: Secret) -> Arc<Self> {
        let journal = Journal::new(ports.log.clone(), ports.clock.clone(), ports.ids.clone());
        Arc::new(Self {
            ports,
            limits,
            secret,
            journal,
            merging: Turns::default(),
            sharing: Turns::default(),
            deliveries: Deliveries::default(),
            guessing: Turns::default(),
            reserving: Turns::default(),
            asking: Turns::default(),
            under_way: UnderWay::default(),
            trust: Trust::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// What it stands on.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The log, for what needs no more of a drive.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What it allows.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// True while the parts of the upload are being put together.
    pub fn is_merging(&self, upload: UploadId) -> bool {
        self.merging.holds(upload.0)
    }

    /// Runs a command to its end even when nobody waits for it any more: a client that hangs up must not stop it half-way.
    /// None when it panicked; the panic was reported where it happened.
    pub async fn detached<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        self.tasks.spawn(work).await.ok()
    }

    /// Does something that nobody waits for, but the drive at its end.
    pub(crate) fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// True when the drive waits for what runs in the background: what can be done another time should be.
    pub(crate) fn is_ending(&self) -> bool {
        self.tasks.is_closed()
    }

    /// Waits until every command that runs has ended. No new one should come meanwhile.
    pub async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Waits, within bounds, until the local read tables show what the position holds, so that the caller reads its own writes.
    pub async fn visible(&self, position: Position) {
        if !self.ports.views.reached(position).await {
            tracing::warn!(position = position.0, "the read tables are behind: an answer goes out before them");
        }
    }
}
