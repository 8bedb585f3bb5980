use uuid::Uuid;

use super::*;
use crate::decider::spec::given;
use crate::{AccountId, FileId, Sha1, Sha256, Timestamp};

/// Ten bytes in parts of four: 4, 4 and 2.
fn start() -> UploadStarted {
    UploadStarted {
        owner: AccountId(Uuid::from_u128(1)),
        name: "a.bin".parse().expect("a name"),
        folder: None,
        content_type: "application/octet-stream".to_owned(),
        size: 10,
        part_bytes: 4,
        expected_sha256: None,
        expected_sha1: None,
        expires_at: Timestamp(100),
        replaces: None,
        offline: None,
    }
}

fn started() -> UploadEvent {
    UploadEvent::UploadStarted(start())
}

fn chunk(index: u64, bytes: u8) -> ChunkReceived {
    let length = if index == 3 { 2 } else { 4 };
    ChunkReceived { offset: (index - 1) * 4, length, sha256: Sha256([bytes; 32]), expires_at: Timestamp(200) }
}

fn received(index: u64, bytes: u8) -> UploadEvent {
    UploadEvent::ChunkReceived(chunk(index, bytes))
}

fn all() -> [UploadEvent; 4] {
    [started(), received(1, 1), received(2, 2), received(3, 3)]
}

fn merge(revision: u64) -> UploadCommand {
    UploadCommand::Merge(MergeCommand {
        revision,
        sha256: Sha256([9; 32]),
        sha1: Sha1([9; 20]),
        file: FileId(Uuid::from_u128(5)),
        folder: None,
    })
}

fn file_merged() -> FileMerged {
    FileMerged {
        file: FileId(Uuid::from_u128(5)),
        owner: start().owner,
        name: start().name,
        folder: None,
        content_type: start().content_type,
        size: 10,
        sha256: Sha256([9; 32]),
        sha1: Sha1([9; 20]),
        replaces: None,
        offline: None,
    }
}

fn merged() -> UploadEvent {
    UploadEvent::FileMerged(file_merged())
}

fn cancelled() -> UploadEvent {
    UploadEvent::UploadCancelled(UploadCancelled {})
}

#[test]
fn an_upload_starts_once() {
    given::<Upload>([]).when(UploadCommand::Start(start())).then([started()]);
    let later = UploadStarted { expires_at: Timestamp(999), ..start() };
    given::<Upload>([started()]).when(UploadCommand::Start(later)).then_nothing();
    let other = UploadStarted { size: 11, ..start() };
    given::<Upload>([started()]).when(UploadCommand::Start(other)).then_rejected(UploadRejection::AlreadyStarted);
}

#[test]
fn parts_come_in_any_order_and_again() {
    given::<Upload>([started()]).when(UploadCommand::ReceiveChunk(chunk(3, 3))).then([received(3, 3)]);
    given::<Upload>([started(), received(3, 3)]).when(UploadCommand::ReceiveChunk(chunk(3, 3))).then_nothing();
}

#[test]
fn other_bytes_replace_a_part() {
    given::<Upload>([started(), received(3, 3)]).when(UploadCommand::ReceiveChunk(chunk(3, 4))).then([received(3, 4)]);
    let upload: Upload = crate::decider::fold(&[started(), received(3, 3), received(3, 4), received(3, 3)]);
    assert_eq!(upload.chunks()[&8], Chunk { length: 2, sha256: Sha256([3; 32]), times: 3 });
}

#[test]
fn a_part_must_be_one_of_the_plan() {
    let astray = ChunkReceived { offset: 5, ..chunk(1, 1) };
    given::<Upload>([started()]).when(UploadCommand::ReceiveChunk(astray)).then_rejected(UploadRejection::NoSuchPart);
    let beyond = ChunkReceived { offset: 12, ..chunk(1, 1) };
    given::<Upload>([started()]).when(UploadCommand::ReceiveChunk(beyond)).then_rejected(UploadRejection::NoSuchPart);
    let short = ChunkReceived { length: 3, ..chunk(1, 1) };
    given::<Upload>([started()])
        .when(UploadCommand::ReceiveChunk(short))
        .then_rejected(UploadRejection::WrongPartSize { expected: 4 });
}

#[test]
fn a_merge_with_a_hole_is_refused_and_names_the_hole() {
    given::<Upload>([started(), received(1, 1), received(3, 3)])
        .when(merge(2))
        .then_rejected(UploadRejection::PartsMissing { missing: vec![(2, 2)] });
}

#[test]
fn a_full_upload_becomes_a_file() {
    given::<Upload>(all()).when(merge(3)).then([merged()]);
}

#[test]
fn a_part_that_came_after_the_reading_voids_it() {
    given::<Upload>(all()).when(merge(2)).then_rejected(UploadRejection::ChangedMeanwhile);
}

#[test]
fn bytes_that_are_not_what_was_declared_end_the_upload() {
    let declared = UploadStarted { expected_sha256: Some(Sha256([8; 32])), ..start() };
    let [_, first, second, third] = all();
    let rejected = UploadRejected { reason: RejectionReason::DigestMismatch, sha256: Sha256([9; 32]) };
    given::<Upload>([UploadEvent::UploadStarted(declared), first, second, third])
        .when(merge(3))
        .then([UploadEvent::UploadRejected(rejected)]);
}

#[test]
fn a_whole_file_is_merged_without_a_start() {
    let whole = || UploadCommand::StoreWhole(file_merged());
    given::<Upload>([]).when(whole()).then([merged()]);
    given::<Upload>([merged()]).when(whole()).then_nothing();
    given::<Upload>([started()]).when(whole()).then_rejected(UploadRejection::AlreadyStarted);
    given::<Upload>([started(), merged()]).when(whole()).then_rejected(UploadRejection::AlreadyStarted);
}

#[test]
fn nothing_comes_to_a_file_that_came_in_one_piece() {
    given::<Upload>([merged()]).when(UploadCommand::Start(start())).then_rejected(UploadRejection::AlreadyStarted);
    given::<Upload>([merged()]).when(UploadCommand::ReceiveChunk(chunk(1, 1))).then_rejected(UploadRejection::Absent);
    given::<Upload>([merged()]).when(UploadCommand::Cancel).then_rejected(UploadRejection::Absent);
}

#[test]
fn a_cancelled_upload_takes_nothing_more() {
    given::<Upload>([started()]).when(UploadCommand::Cancel).then([cancelled()]);
    given::<Upload>([started(), cancelled()]).when(UploadCommand::Cancel).then_nothing();
    let closed = || UploadRejection::Closed(Phase::Cancelled);
    given::<Upload>([started(), cancelled()]).when(UploadCommand::ReceiveChunk(chunk(1, 1))).then_rejected(closed());
    given::<Upload>([started(), cancelled()]).when(merge(0)).then_rejected(closed());
}

#[test]
fn what_is_withdrawn_comes_no_more_whether_it_was_started_or_not() {
    given::<Upload>([]).when(UploadCommand::Withdraw).then([cancelled()]);
    given::<Upload>(all()).when(UploadCommand::Withdraw).then([cancelled()]);
    given::<Upload>([cancelled()]).when(UploadCommand::Withdraw).then_nothing();
    given::<Upload>([cancelled()]).when(UploadCommand::Start(start())).then_rejected(UploadRejection::AlreadyStarted);
    given::<Upload>([cancelled()]).when(UploadCommand::StoreWhole(file_merged())).then_rejected(UploadRejection::AlreadyStarted);
    let closed = UploadRejection::Closed(Phase::Merged(Box::new(file_merged())));
    given::<Upload>([merged()]).when(UploadCommand::Withdraw).then_rejected(closed);
}

#[test]
fn a_merged_upload_can_not_be_cancelled() {
    given::<Upload>([started(), merged()])
        .when(UploadCommand::Cancel)
        .then_rejected(UploadRejection::Closed(Phase::Merged(Box::new(file_merged()))));
}

#[test]
fn an_upload_expires_only_after_its_last_part_has_aged() {
    let expire = |now| UploadCommand::Expire { now: Timestamp(now) };
    let expired = UploadEvent::UploadExpired(UploadExpired {});
    given::<Upload>([started()]).when(expire(99)).then_rejected(UploadRejection::StillAlive);
    given::<Upload>([started()]).when(expire(100)).then([expired.clone()]);
    given::<Upload>([started(), received(1, 1)]).when(expire(199)).then_rejected(UploadRejection::StillAlive);
    given::<Upload>([started(), received(1, 1)]).when(expire(200)).then([expired]);
}

#[test]
fn what_is_lost_has_ended_unless_it_may_have_become_a_file() {
    let expired = || UploadEvent::UploadExpired(UploadExpired {});
    for merged_too in [false, true] {
        let lose = || UploadCommand::Lose { merged: merged_too };
        given::<Upload>([]).when(lose()).then_nothing();
        given::<Upload>([started(), received(1, 1)]).when(lose()).then([expired()]);
        given::<Upload>([started(), cancelled()]).when(lose()).then_nothing();
        given::<Upload>([started(), expired()]).when(lose()).then_nothing();
    }
    for history in [vec![merged()], vec![started(), merged()]] {
        given::<Upload>(history.clone()).when(UploadCommand::Lose { merged: false }).then_nothing();
        given::<Upload>(history.clone()).when(UploadCommand::Lose { merged: true }).then([expired()]);
        let lost: Upload = crate::decider::fold(&[history, vec![expired()]].concat());
        assert_eq!(*lost.phase(), Phase::Expired);
    }
}

#[test]
fn nothing_can_be_asked_of_an_upload_that_never_started() {
    for command in [UploadCommand::ReceiveChunk(chunk(1, 1)), merge(0), UploadCommand::Cancel] {
        given::<Upload>([]).when(command).then_rejected(UploadRejection::Absent);
    }
}

#[test]
fn what_is_there_and_what_is_missing_are_runs() {
    let big = UploadEvent::UploadStarted(UploadStarted { size: 40, ..start() });
    let upload: Upload = crate::decider::fold(&[big, received(1, 1), received(2, 2), received(5, 5)]);
    assert_eq!(upload.received(), [(1, 2), (5, 5)]);
    assert_eq!(upload.missing(), [(3, 4), (6, 10)]);
}

#[test]
fn a_plan_keeps_the_number_of_parts_within_bounds() {
    assert_eq!(Plan::new(10, 4, 10_000).count(), 3);
    assert_eq!(Plan::new(0, 4, 10_000).count(), 0);
    let raised = Plan::new(1_000_000, 1, 10_000);
    assert_eq!((raised.part_bytes, raised.count()), (100, 10_000));
    assert_eq!(raised.part(10_000), Some(Part { offset: 999_900, length: 100 }));
    assert_eq!((raised.part(0), raised.part(10_001)), (None, None));
}

#[test]
fn a_file_that_was_fetched_says_for_which_download() {
    let offline = Some(crate::OfflineId(Uuid::from_u128(8)));
    let fetched = UploadEvent::UploadStarted(UploadStarted { offline, ..start() });
    let merged = UploadEvent::FileMerged(FileMerged { offline, ..file_merged() });
    given::<Upload>([fetched, received(1, 1), received(2, 2), received(3, 3)]).when(merge(3)).then([merged]);
}
