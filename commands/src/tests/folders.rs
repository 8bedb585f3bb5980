use cairn_domain::folder::FolderStatus;
use cairn_domain::{FileId, FolderId};

use super::stage::{Stage, body, stage, stage_with};
use crate::file::{self, UpdateError, UpdateFile};
use crate::folder::contents::INLINE_MAX;
use crate::folder::{
    Changed, CreateWish, Deleted, FolderError, UpdateWish, create, delete, folders_of, is_in_use, restore, update,
};
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::sagas::empty_folders;
use crate::upload::{PartSent, StartUpload, WholeError, WholeUpload, complete, receive_part, receive_whole, start, store_whole};
use crate::{Caller, Limits};

async fn make(stage: &Stage, caller: &Caller, name: &str, parent: Option<FolderId>) -> Result<Changed, FolderError> {
    let wish = CreateWish { name: name.parse().expect("a name"), parent };
    create(&stage.drive, &stage.request(), caller, wish).await
}

async fn put(stage: &Stage, caller: &Caller, folder: FolderId) -> Result<FileId, WholeError> {
    let (drive, request) = (&stage.drive, stage.request());
    let received = receive_whole(drive, caller, false, body(b"hello"), None).await.expect("received");
    let wish = WholeUpload { name: "a.txt".parse().expect("a name"), folder: Some(folder), content_type: None, replaces: None };
    store_whole(drive, &request, caller, received, wish).await.map(|_| request.new_file())
}

async fn move_to(stage: &Stage, caller: &Caller, id: FolderId, parent: Option<FolderId>) -> Result<Changed, FolderError> {
    update(&stage.drive, &stage.request(), caller, UpdateWish { id, name: None, parent: Some(parent) }).await
}

async fn purge(stage: &Stage, caller: &Caller, id: FolderId) {
    let purged = delete(&stage.drive, &stage.request(), caller, id, true).await;
    assert!(matches!(purged, Ok(Deleted::Purged(_))), "{purged:?}");
}

async fn is_there(stage: &Stage, id: FileId) -> bool {
    file::load(&stage.drive, id).await.expect("loaded").state.entry().is_some()
}

#[tokio::test]
async fn a_move_is_one_event_however_much_stands_in_the_folder() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let (one, other) = (make(&stage, &alice, "one", None).await, make(&stage, &alice, "other", None).await);
    let (one, other) = (one.expect("made").id, other.expect("made").id);
    for _ in 0..5 {
        put(&stage, &alice, one).await.expect("stored");
    }
    let before = stage.events().await.len();
    let moved = move_to(&stage, &alice, one, Some(other)).await.expect("moved");
    assert_eq!((moved.folder.parent, moved.status), (Some(other), FolderStatus::Active));
    assert_eq!(stage.events().await.len(), before + 1);
}

#[tokio::test]
async fn of_two_moves_that_would_make_a_circle_one_is_refused() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    for _ in 0..20 {
        let (one, other) = (make(&stage, &alice, "one", None).await, make(&stage, &alice, "other", None).await);
        let (one, other) = (one.expect("made").id, other.expect("made").id);
        let (first, second) = tokio::join!(move_to(&stage, &alice, one, Some(other)), move_to(&stage, &alice, other, Some(one)));
        let refused = [first, second].into_iter().filter(|moved| matches!(moved, Err(FolderError::Cycle))).count();
        assert_eq!(refused, 1);
    }
}

#[tokio::test]
async fn nothing_is_put_into_a_folder_that_is_not_ones_own_or_not_in_use() {
    let stage = stage();
    let (alice, mallory) = (stage.caller("alice").await, stage.caller("mallory").await);
    let folder = make(&stage, &alice, "a", None).await.expect("made").id;
    let file = put(&stage, &alice, folder).await.expect("stored");
    assert!(matches!(put(&stage, &mallory, folder).await, Err(WholeError::NoSuchFolder)));
    assert!(matches!(make(&stage, &mallory, "b", Some(folder)).await, Err(FolderError::NoSuchParent)));
    assert!(matches!(move_to(&stage, &mallory, folder, None).await, Err(FolderError::Absent)));
    assert!(matches!(delete(&stage.drive, &stage.request(), &mallory, folder, true).await, Err(FolderError::Absent)));
    delete(&stage.drive, &stage.request(), &alice, folder, false).await.expect("trashed");
    assert!(matches!(put(&stage, &alice, folder).await, Err(WholeError::NoSuchFolder)));
    let rename = UpdateFile { id: file, name: Some("b.txt".parse().expect("a name")), folder: None, if_version: None };
    let refused = file::update(&stage.drive, &stage.request(), &alice, rename).await;
    assert!(matches!(refused, Err(UpdateError::Trashed)));
    restore(&stage.drive, &stage.request(), &alice, folder).await.expect("restored");
    put(&stage, &alice, folder).await.expect("stored");
}

#[tokio::test]
async fn an_entry_that_went_along_comes_back_alone_to_the_top() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let folder = make(&stage, &alice, "a", None).await.expect("made").id;
    let (stays, comes) = (put(&stage, &alice, folder).await.expect("stored"), put(&stage, &alice, folder).await.expect("stored"));
    delete(&stage.drive, &stage.request(), &alice, folder, false).await.expect("trashed");
    file::delete(&stage.drive, &stage.request(), &alice, stays, false).await.expect("there already");
    let back = file::restore(&stage.drive, &stage.request(), &alice, comes).await.expect("restored");
    assert_eq!(back.state.entry().expect("an entry").folder, None);
    restore(&stage.drive, &stage.request(), &alice, folder).await.expect("restored");
    let stayed = file::load(&stage.drive, stays).await.expect("loaded");
    let entry = stayed.state.entry().expect("an entry");
    assert_eq!((entry.folder, entry.status), (Some(folder), cairn_domain::file::FileStatus::Active));
}

#[tokio::test]
async fn what_stands_in_a_purged_folder_is_purged_and_what_stands_beside_it_is_not() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let outer = make(&stage, &alice, "outer", None).await.expect("made").id;
    let inner = make(&stage, &alice, "inner", Some(outer)).await.expect("made").id;
    let (deep, beside) = (put(&stage, &alice, inner).await.expect("stored"), put(&stage, &alice, outer).await.expect("stored"));
    purge(&stage, &alice, inner).await;
    assert!(!is_there(&stage, deep).await && is_there(&stage, beside).await);
    purge(&stage, &alice, outer).await;
    assert!(!is_there(&stage, beside).await);
    assert_eq!(folders_of(&stage.drive, alice.account).await.expect("loaded").state.status(outer), FolderStatus::Absent);
}

#[tokio::test]
async fn however_much_stood_in_a_purged_folder_is_purged_at_once() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let outer = make(&stage, &alice, "outer", None).await.expect("made").id;
    let inner = make(&stage, &alice, "inner", Some(outer)).await.expect("made").id;
    let mut entries = Vec::new();
    for n in 0..INLINE_MAX + 20 {
        entries.push(put(&stage, &alice, if n % 10 == 0 { outer } else { inner }).await.expect("stored"));
    }
    purge(&stage, &alice, outer).await;
    stage.drive.drained().await;
    for entry in entries {
        assert!(!is_there(&stage, entry).await, "{entry}");
    }
    let occupied = stage.drive.ports().views.occupied(alice.account).await.expect("asked").0;
    assert_eq!(occupied, 0);
}

#[tokio::test]
async fn what_came_into_a_folder_while_it_was_purged_follows_it_later() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let folder = make(&stage, &alice, "a", None).await.expect("made").id;
    stage.upload(&alice, "late.txt", b"late").await.expect("stored");
    purge(&stage, &alice, folder).await;
    // As if its own command had looked at the folder before that.
    let events = stage.events().await;
    let added = events.iter().rev().find(|event| event.name == "FileAdded").expect("a file");
    let (stream, id) = (added.stream.clone(), added.stream.id().parse().expect("an id"));
    let moved = cairn_domain::file::FileEvent::FileMoved(cairn_domain::file::FileMoved { folder: Some(folder) });
    let decide = |_: &crate::Loaded<cairn_domain::file::File>| Ok::<_, crate::Trouble>(vec![moved.clone()]);
    let request = stage.request();
    stage.drive.journal().execute(&stream, crate::journal::Start::Load, &request, decide).await.expect("moved");

    let checkpoints = MemoryCheckpoints::default();
    assert_eq!(empty_folders(&stage.drive, &checkpoints, 60).await.expect("a round"), 0, "it may still be in somebody's hands");
    assert!(is_there(&stage, id).await);
    stage.clock.advance_seconds(61);
    assert_eq!(empty_folders(&stage.drive, &checkpoints, 60).await.expect("a round"), 1);
    assert!(!is_there(&stage, id).await);
    assert_eq!(empty_folders(&stage.drive, &checkpoints, 60).await.expect("a round"), 0);
}

#[tokio::test]
async fn an_upload_whose_folder_went_meanwhile_becomes_a_file_at_the_top() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let folder = make(&stage, &alice, "a", None).await.expect("made").id;
    let name = "a.bin".parse().expect("a name");
    let wish = StartUpload { name, folder: Some(folder), size: 3, sha256: None, sha1: None, part_bytes: Some(4), replaces: None };
    let started = start(&stage.drive, &stage.request(), &alice, wish).await.expect("started");
    let id = started.status.id;
    let part = PartSent { upload: id, index: 1, body: body(b"abc"), announced_bytes: None, sha256: None };
    receive_part(&stage.drive, &stage.request(), &alice, part).await.expect("received");
    delete(&stage.drive, &stage.request(), &alice, folder, false).await.expect("trashed");
    let completed = complete(&stage.drive, &stage.request(), &alice, id).await.expect("completed");
    assert_eq!(completed.file.state.entry().expect("an entry").folder, None);
}

#[tokio::test]
async fn there_is_a_limit_and_the_trash_counts() {
    let stage = stage_with(Limits { folders_max: 2, ..Limits::default() });
    let alice = stage.caller("alice").await;
    let first = make(&stage, &alice, "a", None).await.expect("made").id;
    make(&stage, &alice, "b", None).await.expect("made");
    delete(&stage.drive, &stage.request(), &alice, first, false).await.expect("trashed");
    assert!(matches!(make(&stage, &alice, "c", None).await, Err(FolderError::TooMany { limit: 2 })));
    purge(&stage, &alice, first).await;
    let made = make(&stage, &alice, "c", None).await.expect("made").id;
    assert!(is_in_use(&stage.drive, alice.account, Some(made)).await.expect("looked"));
}
