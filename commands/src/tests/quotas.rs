use std::sync::Arc;

use cairn_domain::space::Space;
use cairn_domain::{FileId, StreamName, UploadId};

use super::stage::{Stage, stage, stage_with, upload};
use crate::account::change_quota;
use crate::file::delete;
use crate::upload::{CompleteError, PartSent, StartError, StartUpload, WholeError, cancel, complete, receive_part, start};
use crate::{Caller, Limits, Trouble};

fn limited(quota: u64) -> Stage {
    stage_with(Limits { quota_bytes_default: Some(quota), ..Limits::default() })
}

async fn put(stage: &Stage, caller: &Caller, bytes: usize) -> Result<FileId, WholeError> {
    let request = stage.request();
    let made = upload(&stage.drive, &request, caller, "a.bin", &vec![7; bytes]).await;
    made.map(|_| request.new_file())
}

async fn begin(stage: &Stage, caller: &Caller, name: &str, size: u64) -> Result<UploadId, StartError> {
    let name = name.parse().expect("a name");
    let wish = StartUpload { name, folder: None, size, sha256: None, sha1: None, part_bytes: Some(100), replaces: None };
    start(&stage.drive, &stage.request(), caller, wish).await.map(|started| started.status.id)
}

async fn send(stage: &Stage, caller: &Caller, id: UploadId, bytes: usize) {
    let body = super::stage::body(&vec![7; bytes]);
    let part = PartSent { upload: id, index: 1, sha256: None, announced_bytes: None, body };
    receive_part(&stage.drive, &stage.request(), caller, part).await.expect("received");
}

async fn used(stage: &Stage, caller: &Caller) -> u64 {
    stage.drive.ports().views.occupied(caller.account).await.expect("views").0
}

/// The bytes that are left, if it was refused for that.
fn over<T: std::fmt::Debug>(refused: Result<T, impl Into<Refusal>>) -> Option<u64> {
    match refused.map(drop).map_err(Into::into) {
        Err(Refusal(Trouble::OverQuota { free, .. })) => Some(free),
        _ => None,
    }
}

struct Refusal(Trouble);

impl From<WholeError> for Refusal {
    fn from(error: WholeError) -> Self {
        let WholeError::Trouble(trouble) = error else { panic!("{error:?}") };
        Self(trouble)
    }
}

impl From<StartError> for Refusal {
    fn from(error: StartError) -> Self {
        let StartError::Trouble(trouble) = error else { panic!("{error:?}") };
        Self(trouble)
    }
}

impl From<CompleteError> for Refusal {
    fn from(error: CompleteError) -> Self {
        let CompleteError::Trouble(trouble) = error else { panic!("{error:?}") };
        Self(trouble)
    }
}

#[tokio::test]
async fn whoever_has_no_limit_is_promised_nothing() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    put(&stage, &alice, 1_000).await.expect("stored");
    begin(&stage, &alice, "a", 100).await.expect("started");
    assert!(!stage.names().await.iter().any(|name| name.starts_with("Space")));
}

#[tokio::test]
async fn files_in_the_trash_count_and_purged_ones_do_not() {
    let stage = limited(100);
    let alice = stage.caller("alice").await;
    let first = put(&stage, &alice, 60).await.expect("stored");
    assert_eq!(over(put(&stage, &alice, 41).await), Some(40));
    delete(&stage.drive, &stage.request(), &alice, first, false).await.expect("trashed");
    assert_eq!(over(put(&stage, &alice, 41).await), Some(40));
    put(&stage, &alice, 40).await.expect("stored");
    delete(&stage.drive, &stage.request(), &alice, first, true).await.expect("purged");
    put(&stage, &alice, 60).await.expect("stored");
    assert_eq!(used(&stage, &alice).await, 100);
    put(&stage, &alice, 0).await.expect("an empty file occupies nothing");
    // What was refused has left nothing behind.
    assert!(stage.drive.ports().staging.list(std::time::Duration::ZERO).await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_keyed_request_that_comes_again_is_not_refused_for_what_it_has_made() {
    let stage = limited(100);
    let alice = stage.caller("alice").await;
    let request = super::stage::keyed(&stage.request());
    for _ in 0..2 {
        upload(&stage.drive, &request, &alice, "a.bin", &[7; 100]).await.expect("stored");
    }
    assert_eq!(used(&stage, &alice).await, 100);
}

#[tokio::test]
async fn an_upload_holds_its_space_until_it_ends() {
    let stage = limited(100);
    let alice = stage.caller("alice").await;
    let id = begin(&stage, &alice, "a", 60).await.expect("started");
    assert_eq!(over(begin(&stage, &alice, "b", 41).await), Some(40));
    assert_eq!(over(put(&stage, &alice, 41).await), Some(40));
    cancel(&stage.drive, &stage.request(), &alice, id).await.expect("cancelled");
    let id = begin(&stage, &alice, "b", 100).await.expect("started");
    send(&stage, &alice, id, 100).await;
    complete(&stage.drive, &stage.request(), &alice, id).await.expect("complete");
    assert_eq!((used(&stage, &alice).await, over(put(&stage, &alice, 1).await)), (100, Some(0)));
}

#[tokio::test]
async fn a_limit_that_came_later_counts_when_an_upload_becomes_a_file() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = begin(&stage, &alice, "a", 60).await.expect("started");
    send(&stage, &alice, id, 60).await;
    change_quota(&stage.drive, &stage.request(), alice.account, Some(59)).await.expect("changed");
    assert_eq!(over(complete(&stage.drive, &stage.request(), &alice, id).await), Some(59));
    change_quota(&stage.drive, &stage.request(), alice.account, Some(60)).await.expect("changed");
    complete(&stage.drive, &stage.request(), &alice, id).await.expect("complete");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_do_not_get_beyond_the_limit_by_one_byte() {
    let stage = Arc::new(limited(100));
    let alice = stage.caller("alice").await;
    let tasks = (0..64).map(|number| {
        let (stage, alice) = (Arc::clone(&stage), alice.clone());
        tokio::spawn(async move {
            if number % 2 == 0 {
                put(&stage, &alice, 7).await.is_ok()
            } else {
                begin(&stage, &alice, &format!("{number}"), 7).await.is_ok()
            }
        })
    });
    let done = futures_util::future::join_all(tasks).await;
    let done = done.into_iter().filter(|done| *done.as_ref().expect("no panic")).count();
    assert_eq!(done, 14);
    assert_eq!(over(put(&stage, &alice, 3).await), Some(2));
    put(&stage, &alice, 2).await.expect("stored");
}

#[tokio::test]
async fn promises_of_commands_that_never_came_to_their_end_are_forgotten() {
    let stage = limited(100);
    let alice = stage.caller("alice").await;
    let never = FileId(uuid::Uuid::from_u128(9));
    let holder = cairn_domain::space::Holder::Command;
    crate::space::reserve(&stage.drive, alice.account, never, 60, holder).await.expect("promised");
    assert_eq!(over(put(&stage, &alice, 60).await), Some(40));
    stage.clock.advance_seconds(3_600);
    put(&stage, &alice, 60).await.expect("stored");
    for _ in 0..200 {
        let file = put(&stage, &alice, 1).await.expect("stored");
        delete(&stage.drive, &stage.request(), &alice, file, true).await.expect("purged");
    }
    let space = stage.drive.journal.load::<Space>(&StreamName::space(alice.account)).await.expect("loaded");
    assert!(space.state.open().count() <= 64, "{}", space.state.open().count());
}
