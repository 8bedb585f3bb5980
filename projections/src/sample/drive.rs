use cairn_domain::account::{
    AccountEvent, AccountRegistered, PasswordChanged, QuotaChanged, Role, RoleGranted, RoleRevoked, SessionClosed, SessionEnd,
    SessionOpened,
};
use cairn_domain::file::{FileAdded, FileEvent, FileMoved, FilePurged, FileRenamed, FileRestored, FileTrashed, Origin};
use cairn_domain::upload::{
    ChunkReceived, FileMerged, RejectionReason, UploadCancelled, UploadEvent, UploadExpired, UploadRejected, UploadStarted,
};
use cairn_domain::username::{UsernameClaimed, UsernameEvent};
use cairn_domain::{AccountId, Event, FileId, FileName, FolderId, SessionId, Sha1, Sha256, StreamName, Timestamp, UploadId};
use uuid::Uuid;

use super::Chance;
use super::folders::{Changed, Folders};
use super::shares::Shares;
use super::stores::{Content, Stores};

/// What there is, as far as it decides what can happen next.
pub(super) struct Drive {
    chance: Chance,
    people: Vec<Person>,
    stores: Stores,
    files: Vec<Entry>,
    uploads: Vec<Open>,
    shares: Shares,
}

struct Person {
    account: AccountId,
    sessions: Vec<SessionId>,
    folders: Folders,
}

struct Entry {
    id: FileId,
    owner: AccountId,
    folder: Option<FolderId>,
    content: Content,
    trashed: bool,
}

struct Open {
    id: UploadId,
    started: UploadStarted,
    parts: u64,
}

type Events = Vec<(StreamName, Event)>;

const NAMES: [&str; 8] =
    ["holiday.jpg", "report 2026.pdf", "报告.docx", "notes_final%.txt", "видео.mp4", "Übung É.tar.gz", "Invoice!.PDF", "😀.png"];
const PART_BYTES: u64 = 8 << 20;

impl Drive {
    pub(super) fn new(chance: Chance) -> Self {
        Self {
            chance,
            people: Vec::new(),
            stores: Stores::default(),
            files: Vec::new(),
            uploads: Vec::new(),
            shares: Shares::default(),
        }
    }

    /// What happens next, all at once.
    pub(super) fn act(&mut self, now: Timestamp) -> Events {
        if self.people.is_empty() {
            return self.sign_up(now);
        }
        match self.chance.below(120) {
            0 => self.sign_up(now),
            1..5 => self.use_account(now),
            5..35 => self.upload_whole(now),
            35..50 => self.start_upload(now),
            50..80 => self.go_on_with_upload(now),
            80..84 => self.add_instantly(),
            84..96 => self.change_entry(),
            96..100 => self.change_folders(now),
            100..106 => self.share(now),
            _ => self.stores.act(&mut self.chance),
        }
    }

    fn sign_up(&mut self, now: Timestamp) -> Events {
        let account = AccountId(self.uuid());
        let username = name(&format!("person-{}", self.people.len()));
        let email = Some(name(&format!("person-{}@example.org", self.people.len())));
        let password_hash = format!("$argon2id$v=19$m=19456,t=2,p=1${:032x}", self.chance.any_u128());
        let registered = AccountRegistered { username, password_hash, email, phone: None };
        let AccountRegistered { username, password_hash, email, phone } = registered.clone();
        let claimed = UsernameEvent::UsernameClaimed(UsernameClaimed { account, username, password_hash, email, phone });
        self.people.push(Person { account, sessions: Vec::new(), folders: Folders::default() });
        let mut events = vec![
            (StreamName::username(&registered.username), claimed.into()),
            (StreamName::account(account), AccountEvent::AccountRegistered(registered).into()),
        ];
        events.extend(self.open_session(self.people.len() - 1, now));
        events
    }

    fn open_session(&mut self, person: usize, now: Timestamp) -> Events {
        let session = SessionId(self.uuid());
        let token_sha256 = Sha256(self.chance.bytes());
        let person = &mut self.people[person];
        person.sessions.push(session);
        let opened = SessionOpened { session, token_sha256, expires_at: now.plus_seconds(30 * 86_400) };
        vec![(StreamName::account(person.account), AccountEvent::SessionOpened(opened).into())]
    }

    fn use_account(&mut self, now: Timestamp) -> Events {
        let person = self.chance.index(self.people.len());
        let stream = StreamName::account(self.people[person].account);
        let event = match self.chance.below(8) {
            0..4 => return self.open_session(person, now),
            4 => AccountEvent::PasswordChanged(PasswordChanged { password_hash: "$argon2id$".to_owned() }),
            5 => AccountEvent::RoleGranted(RoleGranted { role: Role::Admin }),
            6 => AccountEvent::RoleRevoked(RoleRevoked { role: Role::Admin }),
            _ => AccountEvent::QuotaChanged(QuotaChanged { quota_bytes: Some(self.chance.below(1 << 40)) }),
        };
        let reason = SessionEnd::SignedOut;
        let close = |session| AccountEvent::SessionClosed(SessionClosed { session, reason });
        let closed = self.people[person].sessions.pop().map(close);
        closed.into_iter().chain([event]).map(|event| (stream.clone(), event.into())).collect()
    }

    fn upload_whole(&mut self, now: Timestamp) -> Events {
        let size = self.chance.below(1 << 20);
        let (id, started) = self.plan(size, now);
        self.merge(id, &started)
    }

    fn start_upload(&mut self, now: Timestamp) -> Events {
        let size = self.chance.below(5 * PART_BYTES) + 1;
        let (id, started) = self.plan(size, now);
        self.uploads.push(Open { id, started: started.clone(), parts: 0 });
        vec![(StreamName::upload(id), UploadEvent::UploadStarted(started).into())]
    }

    fn go_on_with_upload(&mut self, now: Timestamp) -> Events {
        if self.uploads.is_empty() {
            return self.start_upload(now);
        }
        let place = self.chance.index(self.uploads.len());
        let offset = self.uploads[place].parts * PART_BYTES;
        if offset < self.uploads[place].started.size && self.chance.below(50) > 0 {
            let sha256 = Sha256(self.chance.bytes());
            let upload = &mut self.uploads[place];
            upload.parts += 1;
            let length = PART_BYTES.min(upload.started.size - offset);
            let chunk = ChunkReceived { offset, length, sha256, expires_at: now.plus_seconds(7 * 86_400) };
            return vec![(StreamName::upload(upload.id), UploadEvent::ChunkReceived(chunk).into())];
        }
        let Open { id, started, .. } = self.uploads.swap_remove(place);
        self.end_upload(id, &started, offset >= started.size)
    }

    fn end_upload(&mut self, id: UploadId, started: &UploadStarted, complete: bool) -> Events {
        let event = match self.chance.below(10) {
            0 => UploadEvent::UploadCancelled(UploadCancelled {}),
            1 => UploadEvent::UploadExpired(UploadExpired {}),
            2 => {
                let sha256 = Sha256(self.chance.bytes());
                UploadEvent::UploadRejected(UploadRejected { reason: RejectionReason::DigestMismatch, sha256 })
            }
            _ if complete => return self.merge(id, started),
            _ => UploadEvent::UploadCancelled(UploadCancelled {}),
        };
        vec![(StreamName::upload(id), event.into())]
    }

    fn merge(&mut self, id: UploadId, started: &UploadStarted) -> Events {
        let file = FileId(self.uuid());
        let content = self.content(started.size);
        let merged = FileMerged {
            file,
            owner: started.owner,
            name: started.name.clone(),
            folder: started.folder,
            content_type: started.content_type.clone(),
            size: started.size,
            sha256: content.sha256,
            sha1: content.sha1,
            replaces: None,
        };
        let mut events = vec![(StreamName::upload(id), UploadEvent::FileMerged(merged).into())];
        events.extend(self.stores.store(content, file));
        events.push(self.add(file, started.owner, started.name.clone(), started.folder, content, Origin::Upload(id)));
        events
    }

    fn add_instantly(&mut self) -> Events {
        let Some(content) = self.stores.any(&mut self.chance) else { return Vec::new() };
        let (owner, folder) = self.somebody();
        let (file, name) = (FileId(self.uuid()), self.name());
        let mut events = self.stores.refer(content.sha256, file);
        if !events.is_empty() {
            events.push(self.add(file, owner, name, folder, content, Origin::Instant));
        }
        events
    }

    fn add(
        &mut self,
        file: FileId,
        owner: AccountId,
        name: FileName,
        folder: Option<FolderId>,
        content: Content,
        origin: Origin,
    ) -> (StreamName, Event) {
        let Content { size, sha256, sha1 } = content;
        let content_type = "application/octet-stream".to_owned();
        let added = FileAdded { owner, name, folder, size, sha256, sha1, content_type, origin, version_of: None };
        self.files.push(Entry { id: file, owner, folder, content, trashed: false });
        (StreamName::file(file), FileEvent::FileAdded(added).into())
    }

    fn change_entry(&mut self) -> Events {
        if self.files.is_empty() {
            return Vec::new();
        }
        let place = self.chance.index(self.files.len());
        let what = self.chance.below(10);
        let name = self.name();
        let of = self.people.iter().find(|person| person.account == self.files[place].owner);
        let there = of.and_then(|person| person.folders.place(&mut self.chance));
        let Entry { id, owner, ref mut folder, content, ref mut trashed } = self.files[place];
        let event = match (what, *trashed) {
            (0..4, false) => FileEvent::FileRenamed(FileRenamed { name }),
            (4..6, false) => {
                *folder = there;
                FileEvent::FileMoved(FileMoved { folder: there })
            }
            (6..9, false) => {
                *trashed = true;
                FileEvent::FileTrashed(FileTrashed {})
            }
            (0..6, true) => {
                *trashed = false;
                FileEvent::FileRestored(FileRestored {})
            }
            _ => {
                self.files.swap_remove(place);
                self.stores.let_go(content.sha256);
                FileEvent::FilePurged(FilePurged { owner, size: content.size, sha256: content.sha256 })
            }
        };
        vec![(StreamName::file(id), event.into())]
    }

    /// What stands in a folder that is gone is gone, too.
    fn change_folders(&mut self, now: Timestamp) -> Events {
        let (person, name) = (self.chance.index(self.people.len()), self.name());
        let person = &mut self.people[person];
        let Changed { mut events, purged } = person.folders.act(person.account, name, now, &mut self.chance);
        let gone = |entry: &mut Entry| entry.folder.is_some_and(|folder| purged.contains(&folder));
        for Entry { id, owner, content, .. } in self.files.extract_if(.., gone) {
            self.stores.let_go(content.sha256);
            let purged = FilePurged { owner, size: content.size, sha256: content.sha256 };
            events.push((StreamName::file(id), FileEvent::FilePurged(purged).into()));
        }
        events
    }

    fn share(&mut self, now: Timestamp) -> Events {
        if self.files.is_empty() {
            return Vec::new();
        }
        let place = self.chance.index(self.files.len());
        let Entry { id, owner, content, .. } = self.files[place];
        self.shares.act(id, owner, content.sha256, now, &mut self.chance)
    }

    /// Somebody, and a place among their folders.
    fn somebody(&mut self) -> (AccountId, Option<FolderId>) {
        let person = self.chance.index(self.people.len());
        let place = self.people[person].folders.place(&mut self.chance);
        (self.people[person].account, place)
    }

    fn plan(&mut self, size: u64, now: Timestamp) -> (UploadId, UploadStarted) {
        let (owner, folder) = self.somebody();
        let started = UploadStarted {
            owner,
            name: self.name(),
            folder,
            content_type: "application/octet-stream".to_owned(),
            size,
            part_bytes: PART_BYTES,
            expected_sha256: (self.chance.below(2) == 0).then(|| Sha256(self.chance.bytes())),
            expected_sha1: None,
            expires_at: now.plus_seconds(7 * 86_400),
            replaces: None,
        };
        (UploadId(self.uuid()), started)
    }

    fn content(&mut self, size: u64) -> Content {
        let mut sha1 = [0; 20];
        sha1.copy_from_slice(&self.chance.bytes()[..20]);
        Content { size, sha256: Sha256(self.chance.bytes()), sha1: Sha1(sha1) }
    }

    fn name(&mut self) -> FileName {
        name(self.chance.pick::<&str>(&NAMES))
    }

    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.chance.any_u128().to_be_bytes()).into_uuid()
    }
}

#[expect(clippy::expect_used, reason = "the names of the sample are valid names")]
fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid name")
}
