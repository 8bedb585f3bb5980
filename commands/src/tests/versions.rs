use std::sync::Arc;

use cairn_domain::FileId;
use cairn_domain::file::File;

use super::stage::{Stage, body, keyed, sha256, stage, stage_with};
use crate::account::change_quota;
use crate::file::{self, ReplaceError, delete, own, restore_version};
use crate::instant::{FastUpload, Offer, offer};
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::ports::views::ContentHash;
use crate::sagas::{Collector, finish_begun, remove_old_versions};
use crate::upload::{
    PartSent, StartUpload, Stored, WholeError, WholeUpload, complete, receive_part, receive_whole, start, store_whole,
};
use crate::{Caller, Limits, Loaded, Request, Trouble};

const DAY: i64 = 24 * 60 * 60;

async fn put_by(
    stage: &Stage,
    request: &Request,
    caller: &Caller,
    bytes: &[u8],
    replaces: Option<FileId>,
) -> Result<Stored, WholeError> {
    let received = receive_whole(&stage.drive, caller, request.keyed, body(bytes), None).await?;
    let wish = WholeUpload { name: "a.txt".parse().expect("a name"), folder: None, content_type: None, replaces };
    store_whole(&stage.drive, request, caller, received, wish).await
}

async fn put(stage: &Stage, caller: &Caller, bytes: &[u8], replaces: Option<FileId>) -> Result<Stored, WholeError> {
    put_by(stage, &stage.request(), caller, bytes, replaces).await
}

async fn loaded(stage: &Stage, caller: &Caller, id: FileId) -> Loaded<File> {
    own(&stage.drive, caller, id).await.expect("loaded").expect("an entry")
}

async fn sizes(stage: &Stage, caller: &Caller, id: FileId) -> Vec<u64> {
    let file = loaded(stage, caller, id).await;
    file.state.entry().expect("an entry").versions().iter().map(|version| version.content.size).collect()
}

async fn used(stage: &Stage, caller: &Caller) -> u64 {
    stage.drive.ports().views.occupied(caller.account).await.expect("views").0
}

async fn holders(stage: &Stage) -> Vec<FileId> {
    let mut holders = Vec::new();
    for event in stage.events().await.iter().filter(|event| event.name == "FileAdded" && event.data.contains("version_of")) {
        holders.push(event.stream.id().parse().expect("an id"));
    }
    holders
}

#[tokio::test]
async fn what_is_uploaded_over_a_file_leaves_the_earlier_content_as_a_version() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = put(&stage, &alice, b"one", None).await.expect("stored").id;
    let stored = put(&stage, &alice, b"other", Some(id)).await.expect("stored");
    assert_eq!(stored.id, id);
    let entry = stored.file.state.entry().expect("an entry").clone();
    assert_eq!((entry.content().size, entry.content().sha256, entry.name.as_str()), (5, sha256(b"other"), "a.txt"));
    assert_eq!((sizes(&stage, &alice, id).await, used(&stage, &alice).await), (vec![3, 5], 8));
    let restored = restore_version(&stage.drive, &stage.request(), &alice, id, 1).await.expect("restored");
    assert_eq!(restored.state.entry().expect("an entry").content().sha256, sha256(b"one"));
    assert_eq!(sizes(&stage, &alice, id).await, [3, 5]);
    let wrong = restore_version(&stage.drive, &stage.request(), &alice, id, 9).await;
    assert!(matches!(wrong, Err(ReplaceError::NoSuchVersion)), "{wrong:?}");
}

#[tokio::test]
async fn what_holds_a_version_is_nobodys_to_see_or_to_change() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = put(&stage, &alice, b"one", None).await.expect("stored").id;
    put(&stage, &alice, b"other", Some(id)).await.expect("stored");
    let [holder] = holders(&stage).await[..] else { panic!("one holder") };
    assert!(own(&stage.drive, &alice, holder).await.expect("loaded").is_none());
    delete(&stage.drive, &stage.request(), &alice, holder, true).await.expect_err("not theirs to delete");
    let over = put(&stage, &alice, b"third", Some(holder)).await;
    assert!(matches!(over, Err(WholeError::Replace(ReplaceError::Absent))), "{over:?}");
}

#[tokio::test]
async fn only_ones_own_file_in_use_is_replaced() {
    let stage = stage();
    let (alice, bob) = (stage.caller("alice").await, stage.caller("bob").await);
    let id = put(&stage, &alice, b"one", None).await.expect("stored").id;
    let theirs = put(&stage, &bob, b"mine", Some(id)).await;
    assert!(matches!(theirs, Err(WholeError::Replace(ReplaceError::Absent))), "{theirs:?}");
    delete(&stage.drive, &stage.request(), &alice, id, false).await.expect("trashed");
    let trashed = put(&stage, &alice, b"other", Some(id)).await;
    assert!(matches!(trashed, Err(WholeError::Replace(ReplaceError::Trashed))), "{trashed:?}");
    assert!(stage.drive.ports().staging.list(std::time::Duration::ZERO).await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_keyed_upload_over_a_file_that_comes_again_is_one_version() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = put(&stage, &alice, b"one", None).await.expect("stored").id;
    let request = keyed(&stage.request());
    for _ in 0..2 {
        assert_eq!(put_by(&stage, &request, &alice, b"other", Some(id)).await.expect("stored").id, id);
    }
    assert_eq!(sizes(&stage, &alice, id).await, [3, 5]);
}

#[tokio::test]
async fn parts_and_hashes_replace_a_file_as_well() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = put(&stage, &alice, b"one", None).await.expect("stored").id;
    let name: cairn_domain::FileName = "b.txt".parse().expect("a name");
    let wish =
        StartUpload { name: name.clone(), folder: None, size: 5, sha256: None, sha1: None, part_bytes: None, replaces: Some(id) };
    let upload = start(&stage.drive, &stage.request(), &alice, wish).await.expect("started").status.id;
    let part = PartSent { upload, index: 1, sha256: None, announced_bytes: None, body: body(b"parts") };
    receive_part(&stage.drive, &stage.request(), &alice, part).await.expect("received");
    for _ in 0..2 {
        let completed = complete(&stage.drive, &stage.request(), &alice, upload).await.expect("complete");
        assert_eq!(completed.id, id);
    }
    let other = put(&stage, &alice, b"by hash", None).await.expect("stored").file;
    let content = ContentHash::Sha256(other.state.entry().expect("an entry").content().sha256);
    let wish = FastUpload { content, size: 7, name, folder: None, replaces: Some(id) };
    let Offer::Added(added) = offer(&stage.drive, &stage.request(), &alice, wish).await.expect("offered") else {
        panic!("it was there")
    };
    assert_eq!((added.id, sizes(&stage, &alice, id).await), (id, vec![3, 5, 7]));
}

#[tokio::test]
async fn versions_go_by_number_and_by_age_and_give_their_space_back() {
    let stage = stage_with(Limits { versions_max: 3, version_expires_seconds: 10 * DAY as u64, ..Limits::default() });
    let (alice, checkpoints) = (stage.caller("alice").await, MemoryCheckpoints::default());
    let tidy = async || {
        remove_old_versions(&stage.drive, &checkpoints).await.expect("removed");
        Collector::new(stage.drive.clone(), 0).collect(&checkpoints).await.expect("collected")
    };
    let id = put(&stage, &alice, b"1", None).await.expect("stored").id;
    for bytes in [&b"22"[..], b"333", b"4444"] {
        put(&stage, &alice, bytes, Some(id)).await.expect("stored");
    }
    assert_eq!(sizes(&stage, &alice, id).await, [2, 3, 4]);
    assert_eq!((tidy().await, used(&stage, &alice).await), (1, 9));
    stage.clock.advance_seconds(5 * DAY);
    put(&stage, &alice, b"55555", Some(id)).await.expect("stored");
    assert_eq!((tidy().await, sizes(&stage, &alice, id).await), (1, vec![3, 4, 5]));
    stage.clock.advance_seconds(6 * DAY);
    assert_eq!((tidy().await, sizes(&stage, &alice, id).await), (1, vec![4, 5]));
    assert_eq!(used(&stage, &alice).await, 9);
    stage.clock.advance_seconds(20 * DAY);
    assert_eq!((tidy().await, sizes(&stage, &alice, id).await), (1, vec![5]));
    delete(&stage.drive, &stage.request(), &alice, id, true).await.expect("purged");
    assert_eq!((tidy().await, used(&stage, &alice).await), (1, 0));
    for holder in holders(&stage).await {
        assert!(file::load(&stage.drive, holder).await.expect("loaded").state.entry().is_none());
    }
}

#[tokio::test]
async fn a_content_that_is_a_version_only_stays() {
    let (stage, checkpoints) = (stage(), MemoryCheckpoints::default());
    let alice = stage.caller("alice").await;
    let id = put(&stage, &alice, b"one", None).await.expect("stored").id;
    put(&stage, &alice, b"other", Some(id)).await.expect("stored");
    remove_old_versions(&stage.drive, &checkpoints).await.expect("removed");
    let collected = Collector::new(stage.drive.clone(), 0).collect(&checkpoints).await.expect("collected");
    assert_eq!(collected, 0);
    assert_eq!(super::stage::read(&stage.drive, sha256(b"one"), 3).await, b"one");
    assert_eq!(finish_begun(&stage.drive, &checkpoints, 0).await.expect("finished").files, 0);
}

#[tokio::test]
async fn versions_count_against_the_quota() {
    let stage = Arc::new(stage());
    let alice = stage.caller("alice").await;
    let id = put(&stage, &alice, b"12345", None).await.expect("stored").id;
    change_quota(&stage.drive, &stage.request(), alice.account, Some(10)).await.expect("changed");
    put(&stage, &alice, b"12345", Some(id)).await.expect("stored");
    let over = put(&stage, &alice, b"1", Some(id)).await;
    assert!(matches!(over, Err(WholeError::Trouble(Trouble::OverQuota { free: 0, .. }))), "{over:?}");
}
