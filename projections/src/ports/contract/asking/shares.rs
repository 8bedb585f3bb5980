//! Shares, and what they lead to.

use std::collections::BTreeMap;

use cairn_domain::file::{File, FileStatus};
use cairn_domain::folder::{FolderStatus, Tree};
use cairn_domain::share::Share;
use cairn_domain::{AccountId, FileId, ShareId};
use uuid::Uuid;

use super::Asked;
use crate::queries::PageOf;
use crate::queries::shares::{ShareRecord, count_shares, share_by_id, shares};

pub(super) async fn all(asked: &Asked<'_>) {
    shares_are_what_the_log_says_newest_first(asked).await;
    a_share_is_found_by_its_owner_only(asked).await;
}

async fn every_page(asked: &Asked<'_>, owner: AccountId, file: Option<FileId>, limit: u64) -> Vec<ShareRecord> {
    let (mut items, mut after) = (Vec::new(), None);
    loop {
        let page = shares(asked.tables, owner, file, PageOf { after, limit }).await.unwrap();
        items.extend(page.items);
        match page.next {
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => return items,
        }
    }
}

async fn shares_are_what_the_log_says_newest_first(asked: &Asked<'_>) {
    let (folded, files, trees) = (asked.folded::<Share>(), asked.folded::<File>(), asked.folded::<Tree>());
    let mut owners = BTreeMap::<AccountId, Vec<&str>>::new();
    for stored in asked.events.iter().filter(|stored| stored.name == "ShareCreated") {
        let share = folded[stored.stream.id()].offered().unwrap();
        owners.entry(share.owner).or_default().insert(0, stored.stream.id());
    }
    let (mut used, mut revoked, mut gone) = (0, 0, 0);
    for (owner, ids) in owners {
        let listed = every_page(asked, owner, None, 2).await;
        assert_eq!(listed.iter().map(|record| record.id.to_string()).collect::<Vec<_>>(), ids);
        for record in &listed {
            let share = folded[record.id.to_string().as_str()].offered().unwrap();
            let terms = &share.terms;
            assert_eq!((record.owner, record.file, record.revoked), (share.owner, share.file, share.revoked));
            assert_eq!((record.expires_at, record.max_downloads), (terms.expires_at, terms.max_downloads));
            assert_eq!((record.has_password, record.downloads), (terms.password_hash.is_some(), share.downloads));
            let entry = files.get(share.file.to_string().as_str()).and_then(File::entry);
            assert_eq!(record.name.as_deref(), entry.map(|entry| entry.name.as_str()));
            let tree = trees.get(owner.to_string().as_str());
            let place = |folder| tree.map_or(FolderStatus::Active, |tree| tree.status_of_place(folder));
            let in_use =
                entry.is_some_and(|entry| entry.status == FileStatus::Active && place(entry.folder) == FolderStatus::Active);
            assert_eq!(record.file_in_use, in_use);
            let beside = every_page(asked, owner, Some(record.file), 1).await;
            assert_eq!(beside, listed.iter().filter(|other| other.file == record.file).cloned().collect::<Vec<_>>());
            used += record.downloads;
            revoked += u64::from(record.revoked);
            gone += u64::from(!in_use);
        }
        let standing = listed.iter().filter(|record| !record.revoked).count() as u64;
        assert_eq!(count_shares(asked.tables, owner).await.unwrap(), standing);
    }
    assert!(used > 3 && revoked > 0 && gone > 0, "{used} {revoked} {gone}");
}

async fn a_share_is_found_by_its_owner_only(asked: &Asked<'_>) {
    for (id, share) in asked.folded::<Share>() {
        let (id, owner): (ShareId, _) = (id.parse().unwrap(), share.offered().unwrap().owner);
        assert!(share_by_id(asked.tables, owner, id).await.unwrap().is_some_and(|record| record.id == id));
        assert_eq!(share_by_id(asked.tables, AccountId(Uuid::nil()), id).await.unwrap(), None);
    }
}
