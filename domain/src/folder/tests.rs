use uuid::Uuid;

use super::*;
use crate::decider::fold;
use crate::decider::spec::given;
use crate::{FileName, FolderId, Timestamp};

const AT: Timestamp = Timestamp(7);

fn id(number: u128) -> FolderId {
    FolderId(Uuid::from_u128(number))
}

fn name(text: &str) -> FileName {
    text.parse().expect("a name")
}

fn created_in(folder: u128, parent: Option<u128>) -> FolderEvent {
    let (name, parent) = (name(&format!("folder {folder}")), parent.map(id));
    FolderEvent::FolderCreated(FolderCreated { folder: id(folder), name, parent, at: Timestamp(1) })
}

/// One stands in two stands in three.
fn nested() -> [FolderEvent; 3] {
    [created_in(1, None), created_in(2, Some(1)), created_in(3, Some(2))]
}

fn with(events: &[FolderEvent]) -> Vec<FolderEvent> {
    nested().into_iter().chain(events.iter().cloned()).collect()
}

fn create_in(folder: u128, parent: Option<u128>) -> FolderCommand {
    let (name, parent) = (name(&format!("folder {folder}")), parent.map(id));
    FolderCommand::Create(CreateFolder { folder: id(folder), name, parent, at: AT, folders_max: 4 })
}

fn move_to(folder: u128, parent: Option<u128>) -> FolderCommand {
    FolderCommand::Update(UpdateFolder { folder: id(folder), name: None, parent: Some(parent.map(id)), at: AT })
}

fn moved(folder: u128, parent: Option<u128>) -> FolderEvent {
    FolderEvent::FolderMoved(FolderMoved { folder: id(folder), parent: parent.map(id), at: AT })
}

fn trash(folder: u128) -> FolderCommand {
    FolderCommand::Trash { folder: id(folder), at: AT }
}

fn trashed(folder: u128, along: &[u128]) -> FolderEvent {
    FolderEvent::FolderTrashed(FolderTrashed { folder: id(folder), along: along.iter().copied().map(id).collect(), at: AT })
}

fn restore(folder: u128) -> FolderCommand {
    FolderCommand::Restore { folder: id(folder), at: AT }
}

fn restored(folder: u128, along: &[u128]) -> FolderEvent {
    FolderEvent::FolderRestored(FolderRestored { folder: id(folder), along: along.iter().copied().map(id).collect(), at: AT })
}

fn purge(folder: u128) -> FolderCommand {
    FolderCommand::Purge { folder: id(folder), at: AT }
}

fn purged(folder: u128, along: &[u128]) -> FolderEvent {
    FolderEvent::FolderPurged(FolderPurged { folder: id(folder), along: along.iter().copied().map(id).collect(), at: AT })
}

fn statuses(events: &[FolderEvent]) -> [FolderStatus; 3] {
    let tree: Tree = fold(events);
    [1, 2, 3].map(|number| tree.status(id(number)))
}

const ACTIVE: FolderStatus = FolderStatus::Active;
const TRASHED: FolderStatus = FolderStatus::Trashed;
const ABSENT: FolderStatus = FolderStatus::Absent;

#[test]
fn a_folder_is_made_once_and_in_one_that_is_in_use() {
    let made = FolderEvent::FolderCreated(FolderCreated { folder: id(4), name: name("folder 4"), parent: Some(id(3)), at: AT });
    given::<Tree>(nested()).when(create_in(4, Some(3))).then([made]);
    given::<Tree>(nested()).when(create_in(3, Some(2))).then_nothing();
    given::<Tree>(nested()).when(create_in(4, Some(9))).then_rejected(FolderRejection::NoSuchParent);
    given::<Tree>(with(&[trashed(1, &[2, 3])])).when(create_in(4, Some(3))).then_rejected(FolderRejection::NoSuchParent);
}

#[test]
fn there_may_be_so_many_and_no_more() {
    given::<Tree>(with(&[created_in(4, None)])).when(create_in(5, None)).then_rejected(FolderRejection::TooMany);
}

#[test]
fn an_update_says_only_what_changes() {
    let rename = |to: &str| {
        let (name, parent) = (Some(name(to)), Some(Some(id(1))));
        FolderCommand::Update(UpdateFolder { folder: id(2), name, parent, at: AT })
    };
    let renamed = FolderEvent::FolderRenamed(FolderRenamed { folder: id(2), name: name("b"), at: AT });
    given::<Tree>(nested()).when(rename("b")).then([renamed]);
    given::<Tree>(nested()).when(rename("folder 2")).then_nothing();
    given::<Tree>(nested()).when(move_to(3, Some(1))).then([moved(3, Some(1))]);
    given::<Tree>(nested()).when(move_to(3, None)).then([moved(3, None)]);
}

#[test]
fn no_folder_comes_to_stand_in_itself() {
    for into in [1, 2, 3] {
        given::<Tree>(nested()).when(move_to(1, Some(into))).then_rejected(FolderRejection::Cycle);
    }
}

#[test]
fn nothing_is_moved_into_the_trash_nor_changed_in_it() {
    let history = with(&[created_in(4, None), trashed(2, &[3])]);
    given::<Tree>(history.clone()).when(move_to(4, Some(3))).then_rejected(FolderRejection::NoSuchParent);
    given::<Tree>(history.clone()).when(move_to(2, None)).then_rejected(FolderRejection::Trashed);
    given::<Tree>(history).when(move_to(3, None)).then_rejected(FolderRejection::Trashed);
}

#[test]
fn what_a_folder_holds_goes_along_and_comes_back() {
    given::<Tree>(nested()).when(trash(1)).then([trashed(1, &[2, 3])]);
    let in_trash = with(&[trashed(1, &[2, 3])]);
    assert_eq!(statuses(&in_trash), [TRASHED; 3]);
    given::<Tree>(in_trash.clone()).when(trash(1)).then_nothing();
    given::<Tree>(in_trash.clone()).when(trash(3)).then_nothing();
    given::<Tree>(in_trash.clone()).when(restore(1)).then([restored(1, &[2, 3])]);
    assert_eq!(statuses(&with(&[trashed(1, &[2, 3]), restored(1, &[2, 3])])), [ACTIVE; 3]);
}

#[test]
fn exactly_that_comes_back_which_went_along() {
    let history = with(&[trashed(3, &[]), trashed(1, &[2])]);
    given::<Tree>(with(&[trashed(3, &[])])).when(trash(1)).then([trashed(1, &[2])]);
    given::<Tree>(history.clone()).when(restore(1)).then([restored(1, &[2])]);
    let back: Vec<_> = history.into_iter().chain([restored(1, &[2])]).collect();
    assert_eq!(statuses(&back), [ACTIVE, ACTIVE, TRASHED]);
}

#[test]
fn what_is_restored_without_its_place_comes_to_the_top() {
    let history = with(&[trashed(1, &[2, 3])]);
    given::<Tree>(history.clone()).when(restore(2)).then([moved(2, None), restored(2, &[3])]);
    let back: Vec<_> = history.into_iter().chain([moved(2, None), restored(2, &[3])]).collect();
    assert_eq!(statuses(&back), [TRASHED, ACTIVE, ACTIVE]);
    given::<Tree>(back).when(restore(2)).then_nothing();
}

#[test]
fn what_is_purged_is_gone_with_everything_in_it() {
    given::<Tree>(nested()).when(purge(1)).then([purged(1, &[2, 3])]);
    given::<Tree>(with(&[trashed(3, &[])])).when(purge(2)).then([purged(2, &[3])]);
    let history = with(&[purged(2, &[3])]);
    assert_eq!(statuses(&history), [ACTIVE, ABSENT, ABSENT]);
    for command in [trash(2), restore(2), purge(3), move_to(3, None)] {
        given::<Tree>(history.clone()).when(command).then_rejected(FolderRejection::Absent);
    }
}

#[test]
fn the_top_is_always_in_use() {
    assert_eq!(Tree::default().status_of_place(None), ACTIVE);
    assert_eq!(Tree::default().status_of_place(Some(id(1))), ABSENT);
}
