use cairn_domain::FileId;

use super::stage::{Stage, stage, upload};
use crate::Caller;
use crate::file::{self, delete, restore};
use crate::folder::{self, CreateWish, folders_of};
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::sagas::empty_trash;

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
