//! Transfers, and what entries say of contents that move.

use cairn_domain::blob::{Blob, Health};
use cairn_domain::transfer::{Phase, Transfer};
use cairn_domain::{Timestamp, TransferId};
use uuid::Uuid;

use super::Asked;
use crate::queries::PageOf;
use crate::queries::files::FileFilter;
use crate::queries::transfers::{
    TransferFilter, TransferRecord, silent_transfers, transfer_by_id, transfer_figures, transfers as transfers_of,
};

pub(super) async fn all(asked: &Asked<'_>) {
    entries_say_where_a_sound_copy_is(asked).await;
    transfers_are_what_the_log_says_newest_first(asked).await;
    transfers_are_picked_by_phase_and_store(asked).await;
    silent_transfers_come_the_one_longest_silent_first(asked).await;
    figures_are_what_counting_gives(asked).await;
}

impl Asked<'_> {
    /// All pages of a list, put together.
    async fn transfers(&self, filter: &TransferFilter, limit: u64) -> Vec<TransferRecord> {
        let (mut items, mut after) = (Vec::new(), None);
        loop {
            let page = transfers_of(self.tables, filter, PageOf { after, limit }).await.unwrap();
            items.extend(page.items);
            match page.next {
                Some(next) => after = Some(next.to_string().parse().unwrap()),
                None => return items,
            }
        }
    }
}

async fn entries_say_where_a_sound_copy_is(asked: &Asked<'_>) {
    let blobs = asked.folded::<Blob>();
    for file in asked.all(&FileFilter::default(), 1_000).await {
        let blob = &blobs[file.sha256.to_string().as_str()];
        match file.stored_in {
            Some(store) => assert_eq!(blob.health_in(&store), Some(Health::Sound), "{}", file.sha256),
            None => assert_eq!(blob.sound().next(), None, "{}", file.sha256),
        }
    }
}

async fn transfers_are_what_the_log_says_newest_first(asked: &Asked<'_>) {
    let listed = asked.transfers(&TransferFilter::default(), 1_000).await;
    assert!(listed.is_sorted_by(|a, b| a.requested_at >= b.requested_at));
    for limit in [1, 2, 7] {
        assert_eq!(asked.transfers(&TransferFilter::default(), limit).await, listed, "{limit}");
    }
    let folded = asked.folded::<Transfer>();
    assert!(folded.len() > 10 && listed.len() == folded.len());
    for record in &listed {
        let transfer = &folded[record.id.to_string().as_str()];
        let request = transfer.requested().unwrap();
        assert_eq!((record.phase, record.failures), (transfer.phase(), transfer.failures()), "{}", record.id);
        assert_eq!((record.sha256, record.size), (request.sha256, request.size));
        assert_eq!((&record.from, &record.to), (&request.from, &request.to));
        assert!(record.updated_at >= record.requested_at);
        assert_eq!(record.reason.is_some(), record.failures > 0 || record.phase == Phase::Abandoned, "{record:?}");
        assert_eq!(transfer_by_id(asked.tables, record.id).await.unwrap().as_ref(), Some(record));
    }
    assert_eq!(transfer_by_id(asked.tables, TransferId(Uuid::nil())).await.unwrap(), None);
}

async fn transfers_are_picked_by_phase_and_store(asked: &Asked<'_>) {
    let all = asked.transfers(&TransferFilter::default(), 1_000).await;
    for phase in [Phase::Requested, Phase::Queued, Phase::Started, Phase::Stalled, Phase::Completed, Phase::Abandoned] {
        let filter = TransferFilter { phase: Some(phase), store: Some("far".to_owned()) };
        let expected: Vec<_> = all.iter().filter(|transfer| transfer.phase == phase).cloned().collect();
        assert_eq!(asked.transfers(&filter, 2).await, expected, "{phase:?}");
    }
    for (store, expected) in [("local", all.len()), ("far", all.len()), ("nowhere", 0)] {
        let filter = TransferFilter { phase: None, store: Some(store.to_owned()) };
        assert_eq!(asked.transfers(&filter, 3).await.len(), expected, "{store}");
    }
}

async fn silent_transfers_come_the_one_longest_silent_first(asked: &Asked<'_>) {
    let phases = [Phase::Requested, Phase::Queued];
    let mut expected = asked.transfers(&TransferFilter::default(), 1_000).await;
    expected.retain(|transfer| phases.contains(&transfer.phase));
    expected.sort_by_key(|transfer| (transfer.updated_at, transfer.id));
    let expected: Vec<_> = expected.iter().map(|transfer| (transfer.updated_at, transfer.id)).collect();
    assert!(expected.len() > 2 && expected[0].0 < expected[1].0);
    let silent = async |heard, limit| silent_transfers(asked.tables, &phases, heard, limit).await.unwrap();
    let always = Timestamp(i64::MIN)..=Timestamp(i64::MAX);
    assert_eq!(silent(always.clone(), 1_000).await, expected);
    assert_eq!(silent(always.clone(), 2).await, expected[..2]);
    assert_eq!(silent(Timestamp(i64::MIN)..=expected[0].0, 10).await, expected[..1]);
    assert_eq!(silent(expected[1].0..=Timestamp(i64::MAX), 1_000).await, expected[1..]);
    assert_eq!(silent_transfers(asked.tables, &[], always, 10).await.unwrap(), []);
}

async fn figures_are_what_counting_gives(asked: &Asked<'_>) {
    let all = asked.transfers(&TransferFilter::default(), 1_000).await;
    let figures = transfer_figures(asked.tables).await.unwrap();
    assert_eq!(figures.phases.len(), 6);
    for counted in figures.phases {
        let of_phase = all.iter().filter(|transfer| transfer.phase == counted.phase);
        let (transfers, bytes) = of_phase.fold((0, 0), |(number, bytes), transfer| (number + 1, bytes + transfer.size));
        assert_eq!((counted.transfers, counted.bytes), (transfers, bytes), "{:?}", counted.phase);
    }
    let under_way = |transfer: &&TransferRecord| matches!(transfer.phase, Phase::Requested | Phase::Queued | Phase::Started);
    let oldest = all.iter().filter(under_way).map(|transfer| transfer.requested_at).min();
    assert_eq!(figures.oldest_requested_at, oldest);
    let silent_since = all.iter().filter(under_way).map(|transfer| transfer.updated_at).min();
    assert_eq!(figures.silent_since, silent_since);
}
