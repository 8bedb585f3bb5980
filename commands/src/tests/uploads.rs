use std::time::Duration;

use cairn_domain::file::{FileEvent, FileRestored};
use cairn_domain::upload::{FileMerged, Upload, UploadCommand};
use cairn_domain::{CommandId, Decider, Expected, Metadata, NewEvent, StreamName, Timestamp, UploadId};
use uuid::Uuid;

use super::stage::{Stage, body, read, sha256, stage, stage_with};
use crate::journal::Start;
use crate::ports::checkpoints::{Checkpoints, MemoryCheckpoints};
use crate::sagas::{Finished, finish_begun};
use crate::upload::{
    CancelError, CompleteError, PartError, PartReceived, PartSent, StartError, StartUpload, UploadState, WholeError, WholeUpload,
    cancel, complete, expire_overdue, receive_part, receive_whole, start, status, store_whole,
};
use crate::{Caller, Limits, Loaded, Trouble};

/// Ten bytes in parts of four: 4, 4 and 2.
const BYTES: &[u8] = b"0123456789";

fn wish() -> StartUpload {
    let name = "a.bin".parse().expect("a name");
    StartUpload { name, folder: None, size: 10, sha256: None, sha1: None, part_bytes: Some(4), replaces: None }
}

async fn started(stage: &Stage, caller: &Caller) -> UploadId {
    start(&stage.drive, &stage.request(), caller, wish()).await.expect("started").status.id
}

async fn send(stage: &Stage, caller: &Caller, upload: UploadId, index: u64, bytes: &[u8]) -> Result<PartReceived, PartError> {
    let sent = PartSent { upload, index, body: body(bytes), announced_bytes: None, sha256: None };
    receive_part(&stage.drive, &stage.request(), caller, sent).await
}

#[tokio::test]
async fn a_whole_file_is_stored_once_however_often_it_comes() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let bob = stage.caller("bob").await;
    for (caller, name) in [(&alice, "a.txt"), (&alice, "b.txt"), (&bob, "报告.txt")] {
        let file = stage.upload(caller, name, b"hello").await.expect("stored");
        let entry = file.state.entry().expect("an entry");
        assert_eq!((entry.name.as_str(), entry.added.sha256), (name, sha256(b"hello")));
    }
    let names = stage.names().await;
    assert_eq!(names.iter().filter(|name| *name == "BlobStored").count(), 1);
    assert_eq!(names.iter().filter(|name| *name == "BlobReferenced").count(), 3);
    assert_eq!(read(&stage.drive, sha256(b"hello"), 5).await, b"hello");
}

#[tokio::test]
async fn the_events_of_an_upload_say_what_caused_them() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let before = stage.events().await.len();
    stage.upload(&alice, "a.txt", b"hello").await.expect("stored");
    let events = &stage.events().await[before..];
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["FileMerged", "BlobStored", "BlobReferenced", "FileAdded"]);
    assert_eq!(events[1].metadata.causation, Some(events[0].id));
    assert_eq!(events[3].metadata.causation, Some(events[1].id));
    assert!(events.iter().all(|event| event.metadata.correlation.as_deref() == Some("r")));
}

#[tokio::test]
async fn what_is_not_what_was_announced_or_too_large_leaves_nothing() {
    let stage = stage_with(Limits { file_bytes_max: 10, ..Limits::default() });
    let alice = stage.caller("alice").await;
    let before = stage.events().await.len();
    let refused = receive_whole(&stage.drive, &alice, false, body(b"hello"), Some(sha256(b"other"))).await;
    assert!(matches!(refused, Err(WholeError::DigestMismatch { .. })));
    let refused = stage.upload(&alice, "a.txt", b"eleven bytes").await;
    assert!(matches!(refused, Err(WholeError::TooLarge { limit: 10 })));
    let received = receive_whole(&stage.drive, &alice, false, body(b"hello"), None).await.expect("received");
    let folder = Some(cairn_domain::FolderId(uuid::Uuid::nil()));
    let wish = WholeUpload { name: "a".parse().expect("a name"), folder, content_type: None, replaces: None };
    let refused = store_whole(&stage.drive, &stage.request(), &alice, received, wish).await;
    assert!(matches!(refused, Err(WholeError::NoSuchFolder)));
    assert_eq!(stage.events().await.len(), before);
    assert!(stage.drive.ports().staging.list(Duration::ZERO).await.expect("a list").is_empty());
}

#[tokio::test]
async fn parts_in_any_order_become_the_file() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = started(&stage, &alice).await;
    for (index, bytes) in [(3, &BYTES[8..]), (1, &BYTES[..4]), (2, &BYTES[4..8])] {
        let part = send(&stage, &alice, id, index, bytes).await.expect("received");
        assert_eq!((part.index, part.size, part.sha256), (index, bytes.len() as u64, sha256(bytes)));
    }
    let completed = complete(&stage.drive, &stage.request(), &alice, id).await.expect("complete");
    assert!(completed.new);
    assert_eq!(completed.file.state.entry().expect("an entry").added.sha256, sha256(BYTES));
    assert_eq!(read(&stage.drive, sha256(BYTES), 10).await, BYTES);
    let again = complete(&stage.drive, &stage.request(), &alice, id).await.expect("complete");
    assert!(!again.new);
    assert_eq!(again.file.position, completed.file.position);
    let seen = status(&stage.drive, alice.account, id).await.expect("a status").expect("an upload");
    assert_eq!(seen.state, UploadState::Merged);
    assert!(seen.file.is_some());
}

#[tokio::test]
async fn the_same_file_started_again_is_the_same_upload_until_it_ends() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let bob = stage.caller("bob").await;
    let first = started(&stage, &alice).await;
    let again = start(&stage.drive, &stage.request(), &alice, wish()).await.expect("found");
    assert_eq!((again.status.id, again.new), (first, false));
    assert_ne!(started(&stage, &bob).await, first);
    cancel(&stage.drive, &stage.request(), &alice, first).await.expect("cancelled");
    assert_ne!(started(&stage, &alice).await, first);
}

#[tokio::test]
async fn a_part_must_be_one_of_the_plan_and_of_its_size() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = started(&stage, &alice).await;
    assert!(matches!(send(&stage, &alice, id, 0, b"0123").await, Err(PartError::NoSuchPart { count: 3 })));
    assert!(matches!(send(&stage, &alice, id, 4, b"0123").await, Err(PartError::NoSuchPart { count: 3 })));
    for bytes in [&b"012"[..], b"01234"] {
        assert!(matches!(send(&stage, &alice, id, 1, bytes).await, Err(PartError::WrongPartSize { expected: 4 })));
    }
    let sent = PartSent { upload: id, index: 1, body: body(b"0123"), announced_bytes: None, sha256: Some(sha256(b"3210")) };
    let refused = receive_part(&stage.drive, &stage.request(), &alice, sent).await;
    assert!(matches!(refused, Err(PartError::DigestMismatch { .. })));
    let seen = status(&stage.drive, alice.account, id).await.expect("a status").expect("an upload");
    assert_eq!((seen.received, seen.missing), (vec![], vec![(1, 3)]));
}

#[tokio::test]
async fn the_last_bytes_of_a_part_count() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = started(&stage, &alice).await;
    for bytes in [&b"AAAA"[..], b"BBBB", b"AAAA", b"AAAA"] {
        send(&stage, &alice, id, 1, bytes).await.expect("received");
    }
    send(&stage, &alice, id, 2, b"CCCC").await.expect("received");
    send(&stage, &alice, id, 3, b"DD").await.expect("received");
    let completed = complete(&stage.drive, &stage.request(), &alice, id).await.expect("complete");
    assert_eq!(completed.file.state.entry().expect("an entry").added.sha256, sha256(b"AAAACCCCDD"));
}

#[tokio::test]
async fn holes_are_named() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = started(&stage, &alice).await;
    send(&stage, &alice, id, 2, b"4567").await.expect("received");
    let refused = complete(&stage.drive, &stage.request(), &alice, id).await;
    let Err(CompleteError::PartsMissing { missing }) = refused else { panic!("not refused") };
    assert_eq!(missing, [(1, 1), (3, 3)]);
}

#[tokio::test]
async fn bytes_that_were_not_declared_end_the_upload() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let wish = StartUpload { sha256: Some(sha256(b"something else")), ..wish() };
    let id = start(&stage.drive, &stage.request(), &alice, wish).await.expect("started").status.id;
    for (index, bytes) in [(1, &BYTES[..4]), (2, &BYTES[4..8]), (3, &BYTES[8..])] {
        send(&stage, &alice, id, index, bytes).await.expect("received");
    }
    for _ in 0..2 {
        let refused = complete(&stage.drive, &stage.request(), &alice, id).await;
        assert!(matches!(refused, Err(CompleteError::DigestMismatch)));
    }
    assert!(matches!(send(&stage, &alice, id, 1, b"0123").await, Err(PartError::Closed)));
    assert!(stage.drive.ports().staging.list(Duration::ZERO).await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_cancelled_upload_gives_its_space_back_and_takes_nothing() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = started(&stage, &alice).await;
    for _ in 0..2 {
        cancel(&stage.drive, &stage.request(), &alice, id).await.expect("cancelled");
    }
    assert!(matches!(send(&stage, &alice, id, 1, b"0123").await, Err(PartError::Closed)));
    assert!(matches!(complete(&stage.drive, &stage.request(), &alice, id).await, Err(CompleteError::Closed)));
    assert!(stage.drive.ports().staging.list(Duration::ZERO).await.expect("a list").is_empty());
}

#[tokio::test]
async fn cancel_and_complete_at_once_have_one_winner() {
    for _ in 0..20 {
        let stage = stage();
        let alice = stage.caller("alice").await;
        let id = started(&stage, &alice).await;
        for (index, bytes) in [(1, &BYTES[..4]), (2, &BYTES[4..8]), (3, &BYTES[8..])] {
            send(&stage, &alice, id, index, bytes).await.expect("received");
        }
        let (one, two) = (stage.request(), stage.request());
        let (cancelled, completed) = tokio::join!(cancel(&stage.drive, &one, &alice, id), complete(&stage.drive, &two, &alice, id));
        match (&cancelled, &completed) {
            (Ok(_), Err(CompleteError::Closed)) | (Err(CancelError::Closed), Ok(_)) => {}
            both => panic!("{both:?}"),
        }
    }
}

#[tokio::test]
async fn somebody_elses_upload_is_as_absent_as_none() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let mallory = stage.caller("mallory").await;
    let id = started(&stage, &alice).await;
    let drive = &stage.drive;
    assert!(matches!(send(&stage, &mallory, id, 1, b"0123").await, Err(PartError::Absent)));
    assert!(matches!(complete(drive, &stage.request(), &mallory, id).await, Err(CompleteError::Absent)));
    assert!(matches!(cancel(drive, &stage.request(), &mallory, id).await, Err(CancelError::Absent)));
    assert_eq!(status(drive, mallory.account, id).await.expect("a status"), None);
}

#[tokio::test]
async fn limits_are_kept() {
    let stage =
        stage_with(Limits { file_bytes_max: 100, uploads_open_max: 1, part_bytes_max: 50, parts_max: 5, ..Limits::default() });
    let alice = stage.caller("alice").await;
    let try_start = async |wish: StartUpload| start(&stage.drive, &stage.request(), &alice, wish).await;
    assert!(matches!(try_start(StartUpload { size: 101, ..wish() }).await, Err(StartError::TooLarge { limit: 100 })));
    for part_bytes in [0, 51] {
        let refused = try_start(StartUpload { part_bytes: Some(part_bytes), ..wish() }).await;
        assert!(matches!(refused, Err(StartError::PartSize { limit: 50 })));
    }
    let raised = try_start(StartUpload { size: 100, part_bytes: Some(1), ..wish() }).await.expect("started");
    assert_eq!((raised.status.plan.part_bytes, raised.status.plan.count()), (20, 5));
    let refused = try_start(wish()).await;
    assert!(matches!(refused, Err(StartError::TooManyUploads { limit: 1 })));
}

#[tokio::test]
async fn an_empty_file_needs_no_parts() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let wish = StartUpload { size: 0, ..wish() };
    let id = start(&stage.drive, &stage.request(), &alice, wish).await.expect("started").status.id;
    let completed = complete(&stage.drive, &stage.request(), &alice, id).await.expect("complete");
    assert_eq!(completed.file.state.entry().expect("an entry").added.sha256, sha256(b""));
}

#[tokio::test]
async fn an_upload_expires_a_week_after_its_last_part() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let id = started(&stage, &alice).await;
    let week = 7 * 24 * 3600;
    stage.clock.advance_seconds(week - 1);
    send(&stage, &alice, id, 1, b"0123").await.expect("received");
    stage.clock.advance_seconds(week - 1);
    assert_eq!(expire_overdue(&stage.drive).await.expect("a round"), 0);
    stage.clock.advance_seconds(1);
    assert_eq!(expire_overdue(&stage.drive).await.expect("a round"), 1);
    assert_eq!(expire_overdue(&stage.drive).await.expect("a round"), 0);
    let seen = status(&stage.drive, alice.account, id).await.expect("a status").expect("an upload");
    assert_eq!(seen.state, UploadState::Expired);
    assert!(stage.drive.ports().staging.list(Duration::ZERO).await.expect("a list").is_empty());
    assert!(matches!(send(&stage, &alice, id, 2, b"4567").await, Err(PartError::Closed)));
}

#[tokio::test]
async fn an_overdue_upload_that_can_not_be_ended_does_not_keep_the_others() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let other = StartUpload { name: "b.bin".parse().expect("a name"), ..wish() };
    let (bad, good) = (started(&stage, &alice).await, start(&stage.drive, &stage.request(), &alice, other).await.expect("started"));
    // Damaged: no program of ours would write it.
    let stream = StreamName::upload(bad);
    let id = CommandId(Uuid::from_u128(1)).event(stream.as_str(), 0);
    let event = FileEvent::FileRestored(FileRestored {}).into();
    let astray = NewEvent { id, time: Timestamp(0), metadata: Metadata::default(), event };
    stage.drive.ports().log.append(&stream, Expected::Any, vec![astray]).await.expect("appended");

    stage.clock.advance_seconds(7 * 24 * 60 * 60);
    assert_eq!(expire_overdue(&stage.drive).await.expect("a round"), 1);
    let seen = status(&stage.drive, alice.account, good.status.id).await.expect("a status").expect("an upload");
    assert_eq!(seen.state, UploadState::Expired);
    assert_eq!(stage.drive.ports().staging.list(Duration::ZERO).await.expect("a list"), [bad]);
}

#[tokio::test]
async fn an_upload_of_which_nothing_is_left_ends_and_its_file_begins_anew() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let first = started(&stage, &alice).await;
    send(&stage, &alice, first, 1, b"0123").await.expect("a part");
    // As in a drive out of a backup, or on a new disk.
    stage.drive.ports().staging.discard(first).await.expect("gone");
    assert!(matches!(send(&stage, &alice, first, 2, b"4567").await, Err(PartError::Closed)));
    let known = status(&stage.drive, alice.account, first).await.expect("a status").expect("an upload");
    assert_eq!(known.state, UploadState::Expired);
    let second = started(&stage, &alice).await;
    assert_ne!(second, first);
    for (index, bytes) in [(1, &b"0123"[..]), (2, b"4567"), (3, b"89")] {
        send(&stage, &alice, second, index, bytes).await.expect("a part");
    }
    stage.drive.ports().staging.discard(second).await.expect("gone");
    let completed = complete(&stage.drive, &stage.request(), &alice, second).await;
    assert!(matches!(completed, Err(CompleteError::Closed)), "{completed:?}");
    assert_eq!(stage.names().await.iter().filter(|name| *name == "UploadExpired").count(), 2);
}

#[tokio::test]
async fn what_was_merged_and_is_nowhere_ends_after_an_hour() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let (upload, file) = (UploadId(Uuid::from_u128(7)), cairn_domain::FileId(Uuid::from_u128(8)));
    let merged = FileMerged {
        file,
        owner: alice.account,
        name: "a.bin".parse().expect("a name"),
        folder: None,
        content_type: "text/plain".to_owned(),
        size: 5,
        sha256: sha256(b"hello"),
        sha1: cairn_domain::Sha1([1; 20]),
        replaces: None,
        offline: None,
    };
    let decide = |upload: &Loaded<Upload>| Ok(upload.state.decide(UploadCommand::StoreWhole(merged.clone())).expect("merged"));
    let stream = StreamName::upload(upload);
    stage.drive.journal.execute::<Upload, Trouble>(&stream, Start::Fresh, &stage.request(), decide).await.expect("merged");
    let checkpoints = MemoryCheckpoints::default();
    for seconds in [0, 3_599] {
        stage.clock.advance_seconds(seconds);
        assert_eq!(finish_begun(&stage.drive, &checkpoints, 0).await.expect("a round"), Finished::default());
        assert!(!stage.names().await.contains(&"UploadExpired".to_owned()), "somebody may be bringing it");
    }
    stage.clock.advance_seconds(1);
    finish_begun(&stage.drive, &checkpoints, 0).await.expect("a round");
    assert_eq!(stage.names().await.last().expect("an event"), "UploadExpired");
    let end = stage.events().await.last().expect("an event").position;
    finish_begun(&stage.drive, &checkpoints, 0).await.expect("a round");
    assert_eq!(checkpoints.load("finish_begun").await.expect("a checkpoint"), end, "nothing is left to do");
    assert_eq!(stage.events().await.last().expect("an event").position, end);
}
