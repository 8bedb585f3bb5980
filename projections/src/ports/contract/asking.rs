//! What every adapter of [`ReadTables`] must answer: the queries, asked of a sample, against what the log says.
#![expect(clippy::unwrap_used, reason = "checks panic")]

use std::collections::BTreeMap;

use cairn_domain::blob::{Blob, Health};
use cairn_domain::file::{FileAdded, FileEvent};
use cairn_domain::upload::UploadEvent;
use cairn_domain::{AccountId, Decider, Event, FileId, Sha1, Sha256, StoredEvent, Timestamp, UploadId, codec};

use crate::ports::ReadTables;
use crate::queries::files::{ByHash, EntryStatus, FileFilter, FileRecord, file_by_id, files, newest_with_content};
use crate::queries::uploads::{self, UploadLike, UploadState};
use crate::queries::{PageOf, contents, users};
use uuid::Uuid;

mod folders;
mod moving;
mod shares;

struct Asked<'a> {
    tables: &'a dyn ReadTables,
    events: &'a [StoredEvent],
}

/// Asks every kind of question. The tables hold a sample of some thousand events, which are given, too.
pub async fn all(tables: &dyn ReadTables, events: &[StoredEvent]) {
    let asked = Asked { tables, events };
    pages_of_any_size_make_the_same_list_newest_first(&asked).await;
    each_filter_picks_what_it_says(&asked).await;
    what_like_takes_for_any_character_is_itself_here(&asked).await;
    an_entry_is_found_by_its_owner_only(&asked).await;
    contents_are_found_by_either_hash(&asked).await;
    contents_come_page_by_page_in_the_order_of_their_hashes(&asked).await;
    moving::all(&asked).await;
    folders::all(&asked).await;
    shares::all(&asked).await;
    people_are_found_by_id_by_name_in_any_case_and_by_token(&asked).await;
    usage_is_the_sum_of_what_is_not_purged(&asked).await;
    open_uploads_are_listed_counted_and_found_alike(&asked).await;
    overdue_uploads_come_the_longest_overdue_first(&asked).await;
}

impl Asked<'_> {
    fn decoded(&self) -> impl Iterator<Item = (&StoredEvent, Event)> {
        self.events.iter().map(|stored| (stored, codec::decode(stored).unwrap()))
    }

    fn additions(&self) -> Vec<(FileId, FileAdded)> {
        let added = |(stored, event): (&StoredEvent, Event)| match event {
            Event::File(FileEvent::FileAdded(added)) => Some((stored.stream.id().parse().unwrap(), added)),
            _ => None,
        };
        self.decoded().filter_map(added).collect()
    }

    /// Every aggregate of one kind, by the id of its stream.
    fn folded<D: Decider>(&self) -> BTreeMap<&str, D> {
        let mut folded = BTreeMap::<&str, D>::new();
        for (stored, event) in self.decoded() {
            if let Ok(event) = D::Event::try_from(event) {
                let state = folded.entry(stored.stream.id()).or_default();
                *state = std::mem::take(state).evolve(&event);
            }
        }
        folded
    }

    /// Who has the most entries.
    fn owner(&self) -> AccountId {
        let owners: Vec<_> = self.additions().iter().map(|(_, added)| added.owner).collect();
        *owners.iter().max_by_key(|owner| owners.iter().filter(|other| other == owner).count()).unwrap()
    }

    /// All pages of a list, put together.
    async fn all(&self, filter: &FileFilter, limit: u64) -> Vec<FileRecord> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let page = files(self.tables, self.owner(), filter, PageOf { after, limit }).await.unwrap();
            assert!(page.items.len() <= usize::try_from(limit).unwrap());
            items.extend(page.items);
            match page.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return items,
            }
        }
    }
}

async fn pages_of_any_size_make_the_same_list_newest_first(asked: &Asked<'_>) {
    for status in [EntryStatus::Active, EntryStatus::Trashed] {
        let filter = FileFilter { status, ..FileFilter::default() };
        let whole = asked.all(&filter, 1_000).await;
        assert!(whole.len() > 3);
        assert!(whole.is_sorted_by(|a, b| a.created_at >= b.created_at));
        assert!(whole.iter().all(|file| file.owner == asked.owner() && file.status == status));
        for limit in [1, 2, 7, whole.len() as u64] {
            assert_eq!(asked.all(&filter, limit).await, whole, "{limit}");
        }
    }
}

async fn each_filter_picks_what_it_says(asked: &Asked<'_>) {
    let all = asked.all(&FileFilter::default(), 1_000).await;
    let filtered = async |filter: FileFilter| asked.all(&filter, 3).await;
    let expected = |keep: &dyn Fn(&FileRecord) -> bool| all.iter().filter(|file| keep(file)).cloned().collect::<Vec<_>>();
    let folder = all.iter().find_map(|file| file.folder).unwrap();
    for folder in [None, Some(folder)] {
        let filter = FileFilter { folder: Some(folder), ..FileFilter::default() };
        assert_eq!(filtered(filter).await, expected(&|file| file.folder == folder));
    }
    for part in ["report", "REPORT", "告", "ÜBUNG é", "übung É", "pdf", "", "nothing has this"] {
        let filter = FileFilter { name: Some(part.to_owned()), ..FileFilter::default() };
        assert_eq!(filtered(filter).await, expected(&|file| file.name.to_lowercase().contains(&part.to_lowercase())), "{part}");
    }
    let (sha256, sha1) = (all[1].sha256, all[1].sha1);
    let filter = FileFilter { content: Some(ByHash::Sha256(sha256)), ..FileFilter::default() };
    assert_eq!(filtered(filter).await, expected(&|file| file.sha256 == sha256));
    let filter = FileFilter { content: Some(ByHash::Sha1(sha1)), name: Some("x".to_owned()), ..FileFilter::default() };
    assert_eq!(filtered(filter).await, expected(&|file| file.sha1 == sha1 && file.name.contains('x')));
}

async fn what_like_takes_for_any_character_is_itself_here(asked: &Asked<'_>) {
    let names = async |part: &str| {
        let filter = FileFilter { name: Some(part.to_owned()), ..FileFilter::default() };
        let files = asked.all(&filter, 1_000).await;
        files.into_iter().map(|file| file.name).collect::<std::collections::BTreeSet<_>>()
    };
    let only = |name: &str| std::collections::BTreeSet::from([name.to_owned()]);
    assert_eq!(names("%").await, only("notes_final%.txt"));
    assert_eq!(names("_").await, only("notes_final%.txt"));
    assert_eq!(names("!").await, only("Invoice!.PDF"));
    assert_eq!(names("!.p").await, only("Invoice!.PDF"));
    assert_eq!(names("' OR 1=1 --").await, std::collections::BTreeSet::new());
}

async fn an_entry_is_found_by_its_owner_only(asked: &Asked<'_>) {
    let file = asked.all(&FileFilter::default(), 1).await.swap_remove(0);
    assert_eq!(file_by_id(asked.tables, file.owner, file.id).await.unwrap(), Some(file.clone()));
    let stranger = AccountId(Uuid::nil());
    assert_eq!(file_by_id(asked.tables, stranger, file.id).await.unwrap(), None);
    let found = newest_with_content(asked.tables, file.owner, ByHash::Sha1(file.sha1), None).await.unwrap().unwrap();
    assert_eq!(found.sha256, file.sha256);
    assert_eq!(newest_with_content(asked.tables, stranger, ByHash::Sha256(file.sha256), None).await.unwrap(), None);
}

async fn contents_are_found_by_either_hash(asked: &Asked<'_>) {
    for (sha256, blob) in asked.folded::<Blob>() {
        let sha256 = sha256.parse().unwrap();
        let found = contents::content_by_sha256(asked.tables, sha256).await.unwrap();
        assert_eq!(found.is_some(), blob.content().is_some(), "{sha256}");
        let Some((record, content)) = found.zip(blob.content()) else { continue };
        assert_eq!((record.sha1, record.size), (content.sha1, content.size));
        assert_eq!(record.is_sound, blob.sound().next().is_some(), "{sha256}");
        assert!(!record.is_sound || blob.health_in(&record.store) == Some(Health::Sound), "{sha256} in {}", record.store);
        assert_eq!(contents::sha256_by_sha1(asked.tables, record.sha1).await.unwrap(), Some(sha256));
    }
    assert_eq!(contents::sha256_by_sha1(asked.tables, Sha1([0; 20])).await.unwrap(), None);
    assert_eq!(contents::content_by_sha256(asked.tables, Sha256([0; 32])).await.unwrap(), None);
}

async fn contents_come_page_by_page_in_the_order_of_their_hashes(asked: &Asked<'_>) {
    let stored = asked.folded::<Blob>().into_iter().filter(|(_, blob)| blob.content().is_some());
    let expected: Vec<Sha256> = stored.map(|(sha256, _)| sha256.parse().unwrap()).collect();
    let mut found: Vec<Sha256> = Vec::new();
    loop {
        let page = contents::contents(asked.tables, found.last().copied(), 7).await.unwrap();
        assert!(page.len() <= 7);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, expected);
}

async fn people_are_found_by_id_by_name_in_any_case_and_by_token(asked: &Asked<'_>) {
    use cairn_domain::account::AccountEvent;
    let by_name = users::user_by_name(asked.tables, &"PERSON-0".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((by_name.username.as_str(), by_name.email.as_deref()), ("person-0", Some("person-0@example.org")));
    assert!(by_name.last_active_at.is_some());
    assert_eq!(users::user_by_id(asked.tables, by_name.id).await.unwrap(), Some(by_name.clone()));
    let (opened, account) = asked
        .decoded()
        .filter_map(|(stored, event)| match event {
            Event::Account(AccountEvent::SessionOpened(opened)) => Some((opened, stored.stream.id().parse::<AccountId>().unwrap())),
            _ => None,
        })
        .last()
        .unwrap();
    let session = users::session_by_token(asked.tables, opened.token_sha256).await.unwrap().unwrap();
    assert_eq!((session.session, session.account, session.expires_at), (opened.session, account, opened.expires_at));
    assert_eq!(users::session_by_token(asked.tables, Sha256([0; 32])).await.unwrap(), None);
}

async fn usage_is_the_sum_of_what_is_not_purged(asked: &Asked<'_>) {
    let active = asked.all(&FileFilter::default(), 1_000).await;
    let trashed = asked.all(&FileFilter { status: EntryStatus::Trashed, ..FileFilter::default() }, 1_000).await;
    let usage = users::usage_of(asked.tables, asked.owner()).await.unwrap();
    assert_eq!(usage.files, (active.len() + trashed.len()) as u64);
    assert_eq!(usage.used_bytes, active.iter().chain(&trashed).map(|file| file.size).sum::<u64>());
    assert_eq!(users::usage_of(asked.tables, AccountId(Uuid::nil())).await.unwrap(), users::UsageRecord::default());
}

async fn open_uploads_are_listed_counted_and_found_alike(asked: &Asked<'_>) {
    let mut open: Vec<(UploadId, AccountId)> = Vec::new();
    for (stored, event) in asked.decoded() {
        let id: UploadId = match stored.stream.category() {
            "upload" => stored.stream.id().parse().unwrap(),
            _ => continue,
        };
        match event {
            Event::Upload(UploadEvent::UploadStarted(started)) => open.push((id, started.owner)),
            Event::Upload(UploadEvent::ChunkReceived(_)) => {}
            _ => open.retain(|(other, _)| *other != id),
        }
    }
    let owner = open.last().unwrap().1;
    let mine: Vec<_> = open.iter().rev().filter(|(_, of)| *of == owner).map(|(id, _)| *id).collect();
    let page = uploads::open_uploads(asked.tables, owner, PageOf { after: None, limit: 1_000 }).await.unwrap();
    assert_eq!(page.items.iter().map(|upload| upload.id).collect::<Vec<_>>(), mine);
    assert!(page.items.iter().all(|upload| upload.state == UploadState::Open && upload.file.is_none()));
    assert_eq!(uploads::count_open_uploads(asked.tables, owner).await.unwrap(), mine.len() as u64);
    assert_eq!(uploads::count_all_open_uploads(asked.tables).await.unwrap(), open.len() as u64);
    let first = &page.items[0];
    let name = first.name.parse().unwrap();
    let (size, folder) = (first.size, first.folder);
    let like = UploadLike { owner, name: &name, size, sha256: first.expected_sha256, sha1: first.expected_sha1, folder };
    assert_eq!(uploads::open_upload_like(asked.tables, &like).await.unwrap(), Some(first.id));
    let unlike = UploadLike { size: size + 1, ..like };
    assert_eq!(uploads::open_upload_like(asked.tables, &unlike).await.unwrap(), None);
}

async fn overdue_uploads_come_the_longest_overdue_first(asked: &Asked<'_>) {
    let never = uploads::overdue_uploads(asked.tables, Timestamp(0), 10).await.unwrap();
    assert_eq!(never, []);
    let all = uploads::overdue_uploads(asked.tables, Timestamp(i64::MAX), 1_000).await.unwrap();
    assert_eq!(all.len() as u64, uploads::count_all_open_uploads(asked.tables).await.unwrap());
    let some = uploads::overdue_uploads(asked.tables, Timestamp(i64::MAX), 2).await.unwrap();
    assert_eq!(some, all[..2]);
}
