use cairn_domain::{FileId, Sha256, Timestamp};
use cairn_projections::queries::files::EntryStatus;
use uuid::Uuid;

use super::*;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn folder(number: u128, path: &str, parent: Option<u128>) -> Entry {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    let parent = parent.map(|parent| FolderId(id(parent)));
    let (path, state) = (path.to_owned(), EntryStatus::Active);
    Entry { id: id(number).to_string(), name, parent, path, content: None, state, updated_at: Timestamp(0) }
}

fn file(number: u128, path: &str, parent: u128) -> Entry {
    let entry = folder(number, path, Some(parent));
    Entry { content: Some((1, Sha256([1; 32]))), ..entry }
}

fn file_at_the_top(number: u128, path: &str) -> Entry {
    Entry { parent: None, ..file(number, path, 0) }
}

fn trashed(entry: Entry) -> Entry {
    Entry { state: EntryStatus::Trashed, ..entry }
}

/// Of the folder 1, with these gone for good.
fn planned(then: &[Entry], now: &[Entry], gone: &[u128]) -> Option<Vec<Planned>> {
    plan(then, now, FolderId(id(1)), &Gone::new(gone.iter().map(|gone| FolderId(id(*gone))))).unwrap()
}

fn told(then: &[Entry], now: &[Entry]) -> Vec<String> {
    let planned = planned(then, now, &[]).unwrap();
    planned.iter().map(|planned| format!("{} {}", planned.what.text(), planned.path)).collect()
}

#[test]
fn what_is_as_it_was_needs_nothing() {
    let same = [folder(1, "/a/", None), file(2, "/a/b.txt", 1), file(4, "/d.txt", 9)];
    assert_eq!(told(&same, &same), [""; 0]);
}

#[test]
fn folders_come_before_what_they_hold_and_what_is_newer_goes_last() {
    let then = [folder(2, "/a/b/", Some(1)), file(3, "/a/b/c.txt", 2), file(4, "/a/d.txt", 1), folder(1, "/a/", None)];
    let other = Entry { content: Some((2, Sha256([2; 32]))), ..file(4, "/a/d.txt", 1) };
    let now = [
        folder(1, "/z/", None),
        trashed(folder(2, "/z/b/", Some(1))),
        file(3, "/z/c.txt", 1),
        other,
        folder(5, "/z/new/", Some(1)),
        file(6, "/z/new/e.txt", 5),
    ];
    assert_eq!(told(&then, &now), ["rename /a/", "restore /a/b/", "move /a/b/c.txt", "replace /a/d.txt", "trash /z/new/"]);
}

#[test]
fn what_stood_elsewhere_goes_back_there_as_it_was() {
    let then = [folder(1, "/a/", None), folder(2, "/b/", None), file_at_the_top(3, "/c.txt"), file(4, "/b/d.txt", 2)];
    let now = [folder(1, "/a/", None), folder(2, "/a/b/", Some(1)), file(3, "/a/z.txt", 1), file(4, "/a/d.txt", 1)];
    assert_eq!(told(&then, &now), ["move /b/", "move /b/d.txt", "move /c.txt"]);
}

#[test]
fn what_stood_in_a_folder_that_is_not_there_comes_to_the_top_and_that_is_said() {
    let then = [folder(1, "/a/", None), folder(2, "/b/", None), file(3, "/b/c.txt", 2)];
    let now = [folder(1, "/a/", None), trashed(folder(2, "/b/", None)), file(3, "/a/c.txt", 1)];
    let planned = planned(&then, &now, &[]).unwrap();
    assert_eq!(planned.len(), 1);
    assert!(planned[0].displaced && matches!(planned[0].step, Step::File { folder: None, .. }), "{planned:?}");
}

#[test]
fn what_was_in_the_trash_goes_there_again_wherever_it_is_now() {
    let then = [folder(1, "/a/", None), trashed(file(2, "/a/b.txt", 1)), trashed(file_at_the_top(3, "/c.txt"))];
    let now = [folder(1, "/a/", None), file_at_the_top(2, "/b.txt"), file(3, "/a/c.txt", 1)];
    assert_eq!(told(&then, &now), ["move /a/b.txt", "move /c.txt", "trash /a/c.txt", "trash /b.txt"]);
}

#[test]
fn a_folder_that_was_in_the_trash_goes_there_again() {
    let then = [trashed(folder(1, "/a/", None)), trashed(file(2, "/a/b.txt", 1))];
    assert_eq!(told(&then, &[folder(1, "/a/", None), file(2, "/a/b.txt", 1)]), ["trash /a/"]);
}

#[test]
fn a_folder_in_the_trash_with_the_one_above_it_comes_to_the_top() {
    let then = [folder(9, "/o/", None), folder(1, "/o/a/", Some(9))];
    let now = [trashed(folder(9, "/o/", None)), trashed(folder(1, "/o/a/", Some(9)))];
    let planned = planned(&then, &now, &[]).unwrap();
    assert!(matches!(planned[0].step, Step::Folder { parent: None, .. }) && planned[0].displaced, "{planned:?}");
}

#[test]
fn a_folder_that_has_gone_is_made_under_another_id_and_files_that_have_gone_are_told() {
    let then = [folder(1, "/a/", None), folder(2, "/a/b/", Some(1)), file(3, "/a/b/c.txt", 2), file(4, "/a/b/d.txt", 2)];
    let now = [folder(1, "/a/", None), file(4, "/a/d.txt", 1)];
    let planned = planned(&then, &now, &[2]).unwrap();
    let whats: Vec<_> = planned.iter().map(|planned| planned.what).collect();
    assert_eq!(whats, [What::Make, What::Lost, What::Move]);
    let (made, moved) = (made_again(FolderId(id(2))), &planned[2].step);
    assert!(matches!(&planned[0].step, Step::Folder { folder, .. } if *folder == made));
    assert!(matches!(moved, Step::File { file, folder: Some(folder), .. } if *file == FileId(id(4)) && *folder == made));
}

#[test]
fn a_folder_that_was_made_again_is_the_one_that_was_and_going_back_before_that_trashes_it() {
    let made = |path: &str| Entry { id: made_again(FolderId(id(1))).to_string(), ..folder(1, path, None) };
    let inside = Entry { parent: Some(made_again(FolderId(id(1)))), ..file_at_the_top(2, "/a/b.txt") };
    let (then, now) = ([folder(1, "/a/", None), file(2, "/a/b.txt", 1)], [made("/a/"), inside]);
    assert_eq!(planned(&then, &now, &[1]), Some(Vec::new()), "nothing is made twice");
    let undone = planned(&[], &[made("/a/")], &[1]).unwrap();
    let what_was_made = Step::FolderInTrash(made_again(FolderId(id(1))));
    assert_eq!(undone.iter().map(|planned| &planned.step).collect::<Vec<_>>(), [&what_was_made]);
    let by_its_new_id = plan(&then, &now, made_again(FolderId(id(1))), &Gone::new([FolderId(id(1))])).unwrap();
    assert_eq!(by_its_new_id, Some(Vec::new()));
}

#[test]
fn a_folder_that_was_made_again_and_has_gone_again_is_made_under_a_third_id() {
    let (first, second) = (FolderId(id(1)), made_again(FolderId(id(1))));
    let planned = plan(&[folder(1, "/a/", None)], &[], first, &Gone::new([first, second])).unwrap().unwrap();
    assert!(matches!(planned[0].step, Step::Folder { folder, .. } if folder == made_again(second)), "{planned:?}");
}

#[test]
fn of_a_folder_that_was_not_there_nothing_is_planned() {
    assert_eq!(planned(&[], &[folder(1, "/a/", None)], &[]), None);
    assert_eq!(planned(&[], &[], &[1]), None);
}
