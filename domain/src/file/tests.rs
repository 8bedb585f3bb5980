use uuid::Uuid;

use super::*;
use crate::decider::spec::given;
use crate::{AccountId, FileName, FolderId, Sha1, Sha256};

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
