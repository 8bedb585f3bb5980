//! Files that are fetched from elsewhere.

use cairn_domain::offline::{Offline, Phase};
use cairn_domain::{AccountId, OfflineId, Timestamp};
use uuid::Uuid;

use super::Asked;
use crate::queries::PageOf;
use crate::queries::offline::{
    OfflineRecord, OfflineState, count_open_offline, offline_by_id, offline_downloads, silent_offline, waiting_offline,
};

pub(super) async fn all(asked: &Asked<'_>) {
    downloads_are_what_the_log_says_newest_first(asked).await;
    what_waits_comes_the_oldest_first(asked).await;
    what_is_silent_comes_the_one_longest_silent_first(asked).await;
}

impl Asked<'_> {
    /// Whoever has asked for something.
    fn askers(&self) -> Vec<AccountId> {
        let folded = self.folded::<Offline>();
        let mut owners: Vec<_> =
            folded.values().filter_map(|offline| offline.requested()).map(|requested| requested.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        owners
    }

    /// All pages of a list, put together.
    async fn downloads(&self, owner: AccountId, limit: u64) -> Vec<OfflineRecord> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let page = offline_downloads(self.tables, owner, PageOf { after, limit }).await.unwrap();
            items.extend(page.items);
            match page.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return items,
            }
        }
    }

    async fn everybodys(&self) -> Vec<OfflineRecord> {
        let mut all = Vec::new();
        for owner in self.askers() {
            all.extend(self.downloads(owner, 1_000).await);
        }
        all
    }
}

async fn downloads_are_what_the_log_says_newest_first(asked: &Asked<'_>) {
    let folded = asked.folded::<Offline>();
    assert!(folded.len() > 10);
    assert_eq!(asked.everybodys().await.len(), folded.len());
    for owner in asked.askers() {
        let listed = asked.downloads(owner, 1_000).await;
        assert!(listed.is_sorted_by(|a, b| a.requested_at >= b.requested_at));
        for limit in [1, 3] {
            assert_eq!(asked.downloads(owner, limit).await, listed, "{limit}");
        }
        let open = listed.iter().filter(|record| matches!(record.state, OfflineState::Queued | OfflineState::Running)).count();
        assert_eq!(count_open_offline(asked.tables, owner).await.unwrap(), open as u64);
        for record in &listed {
            compare(record, owner, &folded[record.id.to_string().as_str()]);
            assert_eq!(offline_by_id(asked.tables, owner, record.id).await.unwrap().as_ref(), Some(record));
            assert_eq!(offline_by_id(asked.tables, AccountId(Uuid::nil()), record.id).await.unwrap(), None);
        }
    }
    assert_eq!(offline_by_id(asked.tables, asked.owner(), OfflineId(Uuid::nil())).await.unwrap(), None);
}

fn compare(record: &OfflineRecord, owner: AccountId, offline: &Offline) {
    let requested = offline.requested().unwrap();
    assert_eq!((record.owner, record.url.as_str()), (owner, requested.url.as_str()));
    assert_eq!(record.received_bytes, offline.received_bytes(), "{record:?}");
    assert!(record.updated_at >= record.requested_at);
    let (state, file, error) = match offline.phase() {
        Phase::Queued => (OfflineState::Queued, None, None),
        Phase::Running => (OfflineState::Running, None, None),
        Phase::Completed(completed) => (OfflineState::Completed, Some(completed.file), None),
        Phase::Failed(failed) => (OfflineState::Failed, None, Some(failed.reason.code().to_owned())),
        Phase::Cancelled => (OfflineState::Cancelled, None, None),
    };
    assert_eq!((record.state, record.file, &record.error), (state, file, &error), "{record:?}");
    let name = offline.found().map(|found| &found.name).or(requested.name.as_ref());
    assert_eq!(record.name.as_deref(), name.map(cairn_domain::FileName::as_str));
}

async fn what_waits_comes_the_oldest_first(asked: &Asked<'_>) {
    let mut expected = asked.everybodys().await;
    expected.retain(|record| record.state == OfflineState::Queued);
    expected.sort_by_key(|record| record.requested_at);
    let expected: Vec<_> = expected.iter().map(|record| (record.id, record.owner)).collect();
    assert!(expected.len() > 1);
    assert_eq!(waiting_offline(asked.tables, 1_000).await.unwrap(), expected);
    assert_eq!(waiting_offline(asked.tables, 1).await.unwrap(), expected[..1]);
}

async fn what_is_silent_comes_the_one_longest_silent_first(asked: &Asked<'_>) {
    let mut expected = asked.everybodys().await;
    expected.retain(|record| record.state == OfflineState::Running);
    expected.sort_by_key(|record| record.updated_at);
    assert!(expected.len() > 1);
    let ids: Vec<_> = expected.iter().map(|record| (record.id, record.owner)).collect();
    assert_eq!(silent_offline(asked.tables, Timestamp(i64::MAX), 1_000).await.unwrap(), ids);
    assert_eq!(silent_offline(asked.tables, Timestamp(i64::MAX), 1).await.unwrap(), ids[..1]);
    assert_eq!(silent_offline(asked.tables, expected[0].updated_at, 1_000).await.unwrap(), ids[..1]);
    assert_eq!(silent_offline(asked.tables, Timestamp(0), 1_000).await.unwrap(), []);
}
