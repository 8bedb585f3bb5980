//! Folders, and what stands in them.

use std::collections::BTreeMap;

use cairn_domain::file::{File, FileStatus};
use cairn_domain::folder::{FolderEvent, FolderStatus, Tree};
use cairn_domain::{AccountId, Event, FileId, FolderId};
use uuid::Uuid;

use super::Asked;
use crate::queries::PageOf;
use crate::queries::files::{EntryStatus, FileFilter, file_by_id};
use crate::queries::folders::{FolderFilter, FolderRecord, folder_by_id, folders};

pub(super) async fn all(asked: &Asked<'_>) {
    folders_are_what_the_log_says_newest_first(asked).await;
    a_folder_is_found_by_its_owner_only_until_it_is_gone(asked).await;
    what_stands_in_a_folder_is_in_use_or_in_the_trash_with_it(asked).await;
}

const STATUSES: [(EntryStatus, FolderStatus); 2] =
    [(EntryStatus::Active, FolderStatus::Active), (EntryStatus::Trashed, FolderStatus::Trashed)];

impl Asked<'_> {
    /// Every folder that ever was, oldest first, and whose it is.
    fn created(&self) -> Vec<(AccountId, FolderId)> {
        let created = self.decoded().filter_map(|(stored, event)| match event {
            Event::Folder(FolderEvent::FolderCreated(created)) => Some((stored.stream.id().parse().unwrap(), created.folder)),
            _ => None,
        });
        created.collect()
    }

    fn trees(&self) -> BTreeMap<AccountId, Tree> {
        self.folded::<Tree>().into_iter().map(|(owner, tree)| (owner.parse().unwrap(), tree)).collect()
    }

    async fn folders(&self, owner: AccountId, filter: FolderFilter, limit: u64) -> Vec<FolderRecord> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let page = folders(self.tables, owner, filter, PageOf { after, limit }).await.unwrap();
            items.extend(page.items);
            match page.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return items,
            }
        }
    }
}

async fn folders_are_what_the_log_says_newest_first(asked: &Asked<'_>) {
    let created = asked.created();
    let mut found = BTreeMap::from(STATUSES.map(|(_, status)| (format!("{status:?}"), 0)));
    for (owner, tree) in asked.trees() {
        for (status, expected) in STATUSES {
            let of_owner = created.iter().rev().filter(|(of, _)| *of == owner).map(|(_, folder)| *folder);
            let expected: Vec<_> = of_owner.filter(|folder| tree.status(*folder) == expected).collect();
            let listed = asked.folders(owner, FolderFilter { parent: None, status }, 2).await;
            assert_eq!(listed.iter().map(|record| record.id).collect::<Vec<_>>(), expected, "{status:?}");
            *found.entry(format!("{status:?}")).or_default() += listed.len();
            for record in &listed {
                let folder = tree.folder(record.id).unwrap();
                assert_eq!((record.name.as_str(), record.parent), (folder.name.as_str(), folder.parent));
                assert_eq!((record.owner, record.status, record.created_at), (owner, status, folder.created_at));
                let beside = asked.folders(owner, FolderFilter { parent: Some(record.parent), status }, 1).await;
                let expected: Vec<_> = listed.iter().filter(|other| other.parent == record.parent).cloned().collect();
                assert_eq!(beside, expected);
            }
        }
    }
    assert!(found.values().all(|number| *number > 3), "{found:?}");
}

async fn a_folder_is_found_by_its_owner_only_until_it_is_gone(asked: &Asked<'_>) {
    let trees = asked.trees();
    let mut gone = 0;
    for (owner, id) in asked.created() {
        let found = folder_by_id(asked.tables, owner, id).await.unwrap();
        assert_eq!(found.is_some(), trees[&owner].folder(id).is_some());
        gone += usize::from(found.is_none());
        assert_eq!(folder_by_id(asked.tables, AccountId(Uuid::nil()), id).await.unwrap(), None);
    }
    assert!(gone > 0);
}

async fn what_stands_in_a_folder_is_in_use_or_in_the_trash_with_it(asked: &Asked<'_>) {
    let (trees, files) = (asked.trees(), asked.folded::<File>());
    let mut went_along = 0;
    for status in [EntryStatus::Active, EntryStatus::Trashed] {
        let listed = asked.all(&FileFilter { status, ..FileFilter::default() }, 1_000).await;
        let mut expected: Vec<FileId> = Vec::new();
        for (id, file) in &files {
            let Some(entry) = file.entry().filter(|entry| entry.added.owner == asked.owner()) else { continue };
            let place = trees.get(&asked.owner()).map_or(FolderStatus::Active, |tree| tree.status_of_place(entry.folder));
            let in_use = entry.status == FileStatus::Active && place == FolderStatus::Active;
            went_along += usize::from(entry.status == FileStatus::Active && place == FolderStatus::Trashed);
            if in_use == (status == EntryStatus::Active) {
                expected.push(id.parse().unwrap());
            }
        }
        let mut ids: Vec<_> = listed.iter().map(|record| record.id).collect();
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{status:?}");
        for record in listed {
            assert_eq!(file_by_id(asked.tables, record.owner, record.id).await.unwrap().as_ref(), Some(&record));
            let folder = record.folder;
            let beside = asked.all(&FileFilter { folder: Some(folder), status, ..FileFilter::default() }, 3).await;
            assert!(beside.contains(&record) && beside.iter().all(|other| other.folder == folder));
        }
    }
    assert!(went_along > 0);
}
