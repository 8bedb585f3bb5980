use cairn_domain::FileId;

use super::stage::{Stage, body, stage, stage_with, upload};
use crate::file::{self, delete, restore};
use crate::folder::{self, CreateWish, folders_of};
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::sagas::{empty_trash, remove_old_versions};
use crate::upload::{WholeUpload, receive_whole, store_whole};
use crate::{Caller, Limits};

const DAY: i64 = 24 * 60 * 60;

async fn put(stage: &Stage, caller: &Caller) -> FileId {
    let request = stage.request();
    upload(&stage.drive, &request, caller, "a.txt", b"hello").await.expect("stored");
    request.new_file()
}

async fn trash(stage: &Stage, caller: &Caller, id: FileId) {
    delete(&stage.drive, &stage.request(), caller, id, false).await.expect("trashed");
}

async fn is_there(stage: &Stage, id: FileId) -> bool {
    file::load(&stage.drive, id).await.expect("loaded").state.entry().is_some()
}

#[tokio::test]
async fn what_is_in_the_trash_for_thirty_days_is_purged_and_nothing_else() {
    let (stage, checkpoints) = (stage(), MemoryCheckpoints::default());
    let alice = stage.caller("alice").await;
    let empty = async || empty_trash(&stage.drive, &checkpoints).await.expect("emptied");
    let [old, restored, again, kept] =
        [put(&stage, &alice).await, put(&stage, &alice).await, put(&stage, &alice).await, put(&stage, &alice).await];
    for id in [old, restored, again] {
        trash(&stage, &alice, id).await;
    }
    restore(&stage.drive, &stage.request(), &alice, restored).await.expect("restored");
    restore(&stage.drive, &stage.request(), &alice, again).await.expect("restored");
    stage.clock.advance_seconds(20 * DAY);
    trash(&stage, &alice, again).await;
    assert_eq!(empty().await, 0);
    stage.clock.advance_seconds(10 * DAY);
    assert_eq!(empty().await, 1);
    let there = [
        is_there(&stage, old).await,
        is_there(&stage, restored).await,
        is_there(&stage, again).await,
        is_there(&stage, kept).await,
    ];
    assert_eq!(there, [false, true, true, true]);
    stage.clock.advance_seconds(20 * DAY);
    assert_eq!((empty().await, empty().await), (1, 0));
    assert!(!is_there(&stage, again).await && is_there(&stage, kept).await);
}

#[tokio::test]
async fn a_folder_goes_when_its_own_time_in_the_trash_is_over() {
    let (stage, checkpoints) = (stage(), MemoryCheckpoints::default());
    let alice = stage.caller("alice").await;
    let make = async |name: &str| {
        let wish = CreateWish { name: name.parse().expect("a name"), parent: None };
        folder::create(&stage.drive, &stage.request(), &alice, wish).await.expect("made").id
    };
    let (one, other) = (make("one").await, make("other").await);
    for id in [one, other] {
        folder::delete(&stage.drive, &stage.request(), &alice, id, false).await.expect("trashed");
    }
    folder::restore(&stage.drive, &stage.request(), &alice, other).await.expect("restored");
    stage.clock.advance_seconds(DAY);
    folder::delete(&stage.drive, &stage.request(), &alice, other, false).await.expect("trashed again");
    stage.clock.advance_seconds(29 * DAY);
    assert_eq!(empty_trash(&stage.drive, &checkpoints).await.expect("emptied"), 1);
    let tree = folders_of(&stage.drive, alice.account).await.expect("loaded").state;
    assert_eq!((tree.folder(one).is_some(), tree.folder(other).is_some()), (false, true));
    stage.clock.advance_seconds(DAY);
    assert_eq!(empty_trash(&stage.drive, &checkpoints).await.expect("emptied"), 1);
}

#[tokio::test]
async fn what_stood_in_a_folder_goes_with_it_at_once() {
    let (stage, checkpoints) = (stage(), MemoryCheckpoints::default());
    let alice = stage.caller("alice").await;
    let wish = CreateWish { name: "a".parse().expect("a name"), parent: None };
    let folder = folder::create(&stage.drive, &stage.request(), &alice, wish).await.expect("made").id;
    let request = stage.request();
    let received = receive_whole(&stage.drive, &alice, false, body(b"hello"), None).await.expect("received");
    let wish = WholeUpload { name: "a.txt".parse().expect("a name"), folder: Some(folder), content_type: None, replaces: None };
    store_whole(&stage.drive, &request, &alice, received, wish).await.expect("stored");
    let beside = put(&stage, &alice).await;
    folder::delete(&stage.drive, &stage.request(), &alice, folder, false).await.expect("trashed");
    stage.clock.advance_seconds(30 * DAY);
    assert_eq!(empty_trash(&stage.drive, &checkpoints).await.expect("emptied"), 1);
    assert!(!is_there(&stage, request.new_file()).await && is_there(&stage, beside).await);
}

#[tokio::test]
async fn a_file_that_loses_a_version_in_the_trash_goes_all_the_same() {
    let stage = stage_with(Limits { version_expires_seconds: 10 * DAY as u64, ..Limits::default() });
    let checkpoints = MemoryCheckpoints::default();
    let alice = stage.caller("alice").await;
    let id = put(&stage, &alice).await;
    let received = receive_whole(&stage.drive, &alice, false, body(b"other"), None).await.expect("received");
    let wish = WholeUpload { name: "a.txt".parse().expect("a name"), folder: None, content_type: None, replaces: Some(id) };
    store_whole(&stage.drive, &stage.request(), &alice, received, wish).await.expect("stored");
    trash(&stage, &alice, id).await;
    stage.clock.advance_seconds(20 * DAY);
    remove_old_versions(&stage.drive, &checkpoints).await.expect("removed");
    stage.clock.advance_seconds(10 * DAY);
    assert_eq!(empty_trash(&stage.drive, &checkpoints).await.expect("emptied"), 1);
    assert!(!is_there(&stage, id).await);
}
