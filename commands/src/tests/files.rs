use cairn_domain::file::FileStatus;
use cairn_domain::{FileId, Position};

use super::stage::stage;
use crate::file::{Deleted, FileError, UpdateError, UpdateFile, delete, history, restore, update};
use crate::links::{link_is_good, sign_link};

fn id_of(events: &[cairn_domain::StoredEvent]) -> FileId {
    let added = events.iter().rev().find(|event| event.name == "FileAdded").expect("a file");
    added.stream.id().parse().expect("an id")
}

fn rename(id: FileId, name: &str) -> UpdateFile {
    UpdateFile { id, name: Some(name.parse().expect("a name")), folder: None, if_version: None }
}

#[tokio::test]
async fn an_entry_is_renamed_trashed_restored_and_purged() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    stage.upload(&alice, "a.txt", b"hello").await.expect("stored");
    let id = id_of(&stage.events().await);
    let drive = &stage.drive;
    let renamed = update(drive, &stage.request(), &alice, rename(id, "b.txt")).await.expect("renamed");
    assert_eq!(renamed.state.entry().expect("an entry").name.as_str(), "b.txt");
    assert_eq!(renamed.revision(), 2);
    let Deleted::Trashed(trashed) = delete(drive, &stage.request(), &alice, id, false).await.expect("trashed") else {
        panic!("not in the trash");
    };
    assert_eq!(trashed.state.entry().expect("an entry").status, FileStatus::Trashed);
    let refused = update(drive, &stage.request(), &alice, rename(id, "c.txt")).await;
    assert!(matches!(refused, Err(UpdateError::Trashed)));
    restore(drive, &stage.request(), &alice, id).await.expect("restored");
    let all = history(drive, &alice, id, Position::START, 10).await.expect("a history");
    let names: Vec<_> = all.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(all.next, None);
    assert_eq!(names, ["FileAdded", "FileRenamed", "FileTrashed", "FileRestored"]);
    assert!(matches!(delete(drive, &stage.request(), &alice, id, true).await, Ok(Deleted::Purged(_))));
    assert!(matches!(restore(drive, &stage.request(), &alice, id).await, Err(FileError::Absent)));
    assert!(matches!(history(drive, &alice, id, Position::START, 10).await, Err(FileError::Absent)));
}

#[tokio::test]
async fn a_version_that_was_overtaken_is_refused() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    stage.upload(&alice, "a.txt", b"hello").await.expect("stored");
    let id = id_of(&stage.events().await);
    let seen = |version| UpdateFile { if_version: Some(version), ..rename(id, "b.txt") };
    update(&stage.drive, &stage.request(), &alice, seen(1)).await.expect("renamed");
    let late = UpdateFile { if_version: Some(1), ..rename(id, "c.txt") };
    let refused = update(&stage.drive, &stage.request(), &alice, late).await;
    assert!(matches!(refused, Err(UpdateError::VersionConflict { actual: 2 })));
}

#[tokio::test]
async fn somebody_elses_entry_is_as_absent_as_none() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let mallory = stage.caller("mallory").await;
    stage.upload(&alice, "a.txt", b"hello").await.expect("stored");
    let id = id_of(&stage.events().await);
    let before = stage.events().await.len();
    let drive = &stage.drive;
    assert!(matches!(update(drive, &stage.request(), &mallory, rename(id, "x")).await, Err(UpdateError::Absent)));
    assert!(matches!(delete(drive, &stage.request(), &mallory, id, true).await, Err(FileError::Absent)));
    assert!(matches!(restore(drive, &stage.request(), &mallory, id).await, Err(FileError::Absent)));
    assert!(matches!(history(drive, &mallory, id, Position::START, 10).await, Err(FileError::Absent)));
    assert_eq!(stage.events().await.len(), before);
}

#[tokio::test]
async fn a_link_is_good_for_its_entry_and_its_time_only() {
    let stage = stage();
    let id = FileId(uuid::Uuid::from_u128(1));
    let link = sign_link(&stage.drive, id, Some(60));
    assert!(link_is_good(&stage.drive, &link));
    let other = FileId(uuid::Uuid::from_u128(2));
    assert!(!link_is_good(&stage.drive, &crate::links::Link { file: other, ..link }));
    let longer = link.expires_at.plus_seconds(1);
    assert!(!link_is_good(&stage.drive, &crate::links::Link { expires_at: longer, ..link }));
    stage.clock.advance_seconds(61);
    assert!(!link_is_good(&stage.drive, &link));
    let capped = sign_link(&stage.drive, id, Some(u64::MAX));
    assert_eq!(capped.expires_at.0, 1_061_000_000 + 7 * 24 * 3600 * 1_000_000);
}
