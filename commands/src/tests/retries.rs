//! Any command may be retried at will: the same answer, nothing more on the log.

use std::time::Duration;

use super::stage::{Stage, keyed, sign_up_wish, stage, upload};
use crate::account::{change_quota, grant_role, sign_up};
use crate::file::{UpdateFile, delete, restore, update};
use crate::once::{Key, Repeat};
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::ports::ledger::StoredAnswer;
use crate::sagas::{Finished, finish_begun};
use crate::upload::{StartUpload, start};
use crate::{Caller, Request};

/// Runs a command three times under one command id, with other commands between, and compares log and answer.
async fn repeat<T: PartialEq + std::fmt::Debug>(stage: &Stage, between: impl AsyncFn(), command: impl AsyncFn(&Request) -> T) {
    let request = keyed(&stage.request());
    let first = command(&request).await;
    between().await;
    let before = stage.events().await.len();
    for _ in 0..2 {
        assert_eq!(command(&request).await, first);
    }
    assert_eq!(stage.events().await.len(), before);
}

async fn file(stage: &Stage, caller: &Caller) -> cairn_domain::FileId {
    stage.upload(caller, "a.txt", b"hello").await.expect("stored");
    let events = stage.events().await;
    let added = events.iter().rev().find(|event| event.name == "FileAdded").expect("a file");
    added.stream.id().parse().expect("an id")
}

async fn nothing() {}

#[tokio::test]
async fn make_an_account() {
    let stage = stage();
    repeat(&stage, nothing, async |request| {
        let signed_up = sign_up(&stage.drive, request, sign_up_wish("alice")).await.expect("signed up");
        (signed_up.id, signed_up.signup_at)
    })
    .await;
}

#[tokio::test]
async fn store_a_whole_file() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let request = keyed(&stage.request());
    let first = upload(&stage.drive, &request, &alice, "a.txt", b"hello").await.expect("stored");
    let again = upload(&stage.drive, &request, &alice, "a.txt", b"hello").await.expect("stored");
    assert_eq!(first.position, again.position);
    let names = stage.names().await;
    assert_eq!(names.iter().filter(|name| *name == "FileAdded").count(), 1);
}

#[tokio::test]
async fn a_repeated_whole_file_leaves_nothing_unfinished_behind() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let request = keyed(&stage.request());
    for _ in 0..2 {
        upload(&stage.drive, &request, &alice, "a.txt", b"hello").await.expect("stored");
    }
    assert!(stage.drive.ports().staging.list(Duration::ZERO).await.expect("a list").is_empty());
    let checkpoints = MemoryCheckpoints::default();
    finish_begun(&stage.drive, &checkpoints, 0).await.expect("a round");
    let again = finish_begun(&stage.drive, &checkpoints, 0).await.expect("a round");
    assert_eq!(again, Finished::default());
}

#[tokio::test]
async fn start_an_upload() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    repeat(&stage, nothing, async |request| {
        let name = "a.bin".parse().expect("a name");
        let wish = StartUpload { name, folder: None, size: 10, sha256: None, sha1: None, part_bytes: Some(4), replaces: None };
        start(&stage.drive, request, &alice, wish).await.expect("started").status.id
    })
    .await;
}

#[tokio::test]
async fn rename_against_a_version_although_others_renamed_since() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = file(&stage, &alice).await;
    let wish = |name: &str, if_version| UpdateFile { id, name: Some(name.parse().expect("a name")), folder: None, if_version };
    let rename = async || {
        update(&stage.drive, &stage.request(), &alice, wish("c.txt", Some(2))).await.expect("renamed");
    };
    repeat(&stage, rename, async |request| {
        // The retry must neither be refused for the version that it made itself, nor undo what came after.
        update(&stage.drive, request, &alice, wish("b.txt", Some(1))).await.is_ok()
    })
    .await;
    let last = stage.events().await.pop().expect("an event");
    assert!(last.data.contains("c.txt"), "{last:?}");
}

#[tokio::test]
async fn trash_although_it_was_restored_since() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = file(&stage, &alice).await;
    let put_back = async || {
        restore(&stage.drive, &stage.request(), &alice, id).await.expect("restored");
    };
    repeat(&stage, put_back, async |request| delete(&stage.drive, request, &alice, id, false).await.is_ok()).await;
}

#[tokio::test]
async fn grant_a_role_and_set_a_quota() {
    let stage = stage();
    let id = stage.sign_up("alice").await.id;
    let admin = cairn_domain::account::Role::Admin;
    repeat(&stage, nothing, async |request| grant_role(&stage.drive.journal, request, id, admin, true).await.is_ok()).await;
    repeat(&stage, nothing, async |request| change_quota(&stage.drive, request, id, Some(5)).await.is_ok()).await;
}

#[tokio::test]
async fn the_ledger_gives_the_first_answer_and_refuses_another_request() {
    let stage = stage();
    let key = Key::new(None, "k-1");
    let drive = &stage.drive;
    let (one, other) = (drive.fingerprint(&[b"POST", b"/a"]), drive.fingerprint(&[b"POST", b"/b"]));
    assert_ne!(drive.fingerprint(&[b"ab", b"c"]), drive.fingerprint(&[b"a", b"bc"]));
    assert_eq!(drive.begin_once(&key, &one).await.expect("begun"), Repeat::Proceed);
    assert_eq!(drive.begin_once(&key, &one).await.expect("begun"), Repeat::Proceed, "a crash came before the answer");
    let answer = StoredAnswer { status: 201, position: Some(3), body: "{}".to_owned() };
    drive.finish_once(&key, &answer).await.expect("finished");
    assert_eq!(drive.begin_once(&key, &one).await.expect("begun"), Repeat::Answer(answer));
    assert_eq!(drive.begin_once(&key, &other).await.expect("begun"), Repeat::Reused);
    let somebody = Key::new(Some(cairn_domain::AccountId(uuid::Uuid::nil())), "k-1");
    assert_eq!(drive.begin_once(&somebody, &other).await.expect("begun"), Repeat::Proceed);
    assert_ne!(somebody.command(&one), key.command(&one));
    assert_ne!(key.command(&other), key.command(&one));
    assert_eq!(Key::new(None, "k-1").command(&one), key.command(&one));
}
