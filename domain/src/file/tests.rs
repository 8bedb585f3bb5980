use uuid::Uuid;

use super::*;
use crate::decider::spec::given;
use crate::{AccountId, FileId, FileName, FolderId, Sha1, Sha256, Timestamp};

fn name(text: &str) -> FileName {
    text.parse().expect("a name")
}

fn addition() -> FileAdded {
    FileAdded {
        owner: AccountId(Uuid::from_u128(1)),
        name: name("a.txt"),
        folder: None,
        size: 3,
        sha256: Sha256([2; 32]),
        sha1: Sha1([3; 20]),
        content_type: "text/plain".to_owned(),
        origin: Origin::Instant,
        version_of: None,
    }
}

fn added() -> FileEvent {
    FileEvent::FileAdded(addition())
}

fn trashed() -> FileEvent {
    FileEvent::FileTrashed(FileTrashed {})
}

fn restored() -> FileEvent {
    FileEvent::FileRestored(FileRestored {})
}

fn purged() -> FileEvent {
    let FileAdded { owner, size, sha256, .. } = addition();
    FileEvent::FilePurged(FilePurged { owner, size, sha256 })
}

fn rename(to: &str) -> FileCommand {
    FileCommand::Update { name: Some(name(to)), folder: None }
}

#[test]
fn an_entry_is_made_once() {
    given::<File>([]).when(FileCommand::Add(addition())).then([added()]);
    given::<File>([added()]).when(FileCommand::Add(addition())).then_nothing();
    let other = FileAdded { size: 4, ..addition() };
    given::<File>([added()]).when(FileCommand::Add(other)).then_rejected(FileRejection::AlreadyAdded);
}

#[test]
fn an_update_says_only_what_changes() {
    let folder = Some(FolderId(Uuid::from_u128(9)));
    given::<File>([added()])
        .when(FileCommand::Update { name: Some(name("b.txt")), folder: Some(folder) })
        .then([FileEvent::FileRenamed(FileRenamed { name: name("b.txt") }), FileEvent::FileMoved(FileMoved { folder })]);
    given::<File>([added()]).when(rename("a.txt")).then_nothing();
}

#[test]
fn the_trash_takes_and_gives_back_once() {
    given::<File>([added()]).when(FileCommand::Trash).then([trashed()]);
    given::<File>([added(), trashed()]).when(FileCommand::Trash).then_nothing();
    given::<File>([added(), trashed()]).when(FileCommand::Restore).then([restored()]);
    given::<File>([added()]).when(FileCommand::Restore).then_nothing();
}

#[test]
fn what_is_in_the_trash_does_not_change() {
    given::<File>([added(), trashed()]).when(rename("b.txt")).then_rejected(FileRejection::Trashed);
}

#[test]
fn what_is_purged_is_gone() {
    given::<File>([added()]).when(FileCommand::Purge).then([purged()]);
    given::<File>([added(), trashed()]).when(FileCommand::Purge).then([purged()]);
    for command in [FileCommand::Trash, FileCommand::Restore, FileCommand::Purge, rename("b")] {
        given::<File>([added(), purged()]).when(command).then_rejected(FileRejection::Absent);
    }
}

#[test]
fn nothing_can_be_asked_of_an_entry_that_was_never_made() {
    given::<File>([]).when(FileCommand::Trash).then_rejected(FileRejection::Absent);
    given::<File>([trashed()]).when(FileCommand::Restore).then_rejected(FileRejection::Absent);
}

fn content(number: u8) -> Content {
    Content { size: number.into(), sha256: Sha256([number; 32]), sha1: Sha1([number; 20]), content_type: "text/plain".to_owned() }
}

fn holder(number: u8) -> FileId {
    FileId(Uuid::from_u128(number.into()))
}

fn replace(number: u8, versions_max: usize) -> FileCommand {
    let (by, content, at) = (holder(number), content(number), Timestamp(number.into()));
    FileCommand::Replace(Replace { by, content, at, versions_max })
}

fn replaced(number: u8) -> FileEvent {
    let Content { size, sha256, sha1, content_type } = content(number);
    let (by, at) = (Some(holder(number)), Timestamp(number.into()));
    FileEvent::FileReplaced(FileReplaced { by, size, sha256, sha1, content_type, at })
}

fn removed(number: u8) -> FileEvent {
    let (held_by, owner) = (Some(holder(number)), addition().owner);
    FileEvent::FileVersionRemoved(FileVersionRemoved { held_by, owner, size: number.into(), sha256: Sha256([number; 32]) })
}

fn original_removed() -> FileEvent {
    let FileAdded { owner, size, sha256, .. } = addition();
    FileEvent::FileVersionRemoved(FileVersionRemoved { held_by: None, owner, size, sha256 })
}

#[test]
fn a_content_that_takes_the_place_of_another_leaves_it_as_a_version() {
    given::<File>([added()]).when(replace(7, 9)).then([replaced(7)]);
    given::<File>([added(), replaced(7)]).when(replace(7, 9)).then_nothing();
    given::<File>([added(), trashed()]).when(replace(7, 9)).then_rejected(FileRejection::Trashed);
    let file: File = crate::decider::fold(&[added(), replaced(7), replaced(8)]);
    let entry = file.entry().expect("an entry");
    assert_eq!((entry.content(), entry.current()), (content(8), 3));
    assert_eq!(entry.versions().iter().map(|version| version.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(file.holders().collect::<Vec<_>>(), [holder(7), holder(8)]);
}

#[test]
fn beyond_the_limit_the_oldest_content_goes() {
    given::<File>([added()]).when(replace(7, 1)).then([replaced(7), original_removed()]);
    given::<File>([added(), replaced(7)]).when(replace(8, 2)).then([replaced(8), original_removed()]);
    given::<File>([added(), replaced(7), replaced(8), original_removed()]).when(replace(9, 2)).then([replaced(9), removed(7)]);
}

#[test]
fn an_earlier_content_comes_back_and_keeps_its_number() {
    let restore = |number| FileCommand::RestoreVersion { number, at: Timestamp(50) };
    let FileAdded { size, sha256, sha1, content_type, .. } = addition();
    let back = FileEvent::FileReplaced(FileReplaced { by: None, size, sha256, sha1, content_type, at: Timestamp(50) });
    given::<File>([added(), replaced(7)]).when(restore(1)).then([back.clone()]);
    given::<File>([added(), replaced(7)]).when(restore(2)).then_nothing();
    given::<File>([added(), replaced(7)]).when(restore(3)).then_rejected(FileRejection::NoSuchVersion);
    let file: File = crate::decider::fold(&[added(), replaced(7), back]);
    assert_eq!(file.entry().map(Entry::current), Some(1));
    given::<File>([added(), replaced(7), original_removed()]).when(restore(1)).then_rejected(FileRejection::NoSuchVersion);
}

#[test]
fn contents_that_were_replaced_long_ago_go_and_the_one_in_use_stays() {
    let remove = |before| FileCommand::RemoveVersions { replaced_before: Timestamp(before) };
    given::<File>([added(), replaced(7), replaced(9)]).when(remove(7)).then_nothing();
    given::<File>([added(), replaced(7), replaced(9)]).when(remove(8)).then([original_removed()]);
    given::<File>([added(), replaced(7), replaced(9)]).when(remove(10)).then([original_removed(), removed(7)]);
    given::<File>([added()]).when(remove(99)).then_nothing();
    // What came back counts from when it was replaced again, and what it had replaced from then on.
    let FileAdded { size, sha256, sha1, content_type, .. } = addition();
    let back = FileEvent::FileReplaced(FileReplaced { by: None, size, sha256, sha1, content_type, at: Timestamp(50) });
    given::<File>([added(), replaced(7), back.clone(), replaced(99)]).when(remove(60)).then([removed(7)]);
    given::<File>([added(), replaced(7), back]).when(remove(60)).then([removed(7)]);
}

#[test]
fn a_purge_frees_what_the_entry_itself_occupies() {
    let FileAdded { owner, sha256, .. } = addition();
    let nothing_left = FileEvent::FilePurged(FilePurged { owner, size: 0, sha256 });
    given::<File>([added(), replaced(7)]).when(FileCommand::Purge).then([purged()]);
    given::<File>([added(), replaced(7), original_removed()]).when(FileCommand::Purge).then([nothing_left]);
}
