//! What every adapter of [`Tables`] and [`Workshop`] must do. Each check takes new, empty tables of [`projections`](crate::projections).
//!
//! # Panics
//! Every check panics when the adapter does not do it.
#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "checks panic; it says so above")]

pub mod asking;
pub mod rows;

use cairn_domain::{AccountId, EventId, Position, StreamName, Timestamp};
use uuid::Uuid;

use super::{Batch, Checkpoint, Move, OnRefusal, Parked, ReadTables, Snapshots, Tables, TablesError, Workshop};
use crate::projection::Projection as _;
use crate::projection::usage::{Usage, UsageRow};
use crate::queries::operations::checkpoints;
use crate::queries::users::usage_of;
use crate::statement::{Action, Run, Statement, Value, combine};
use crate::table::Columns as _;

const LOG: EventId = EventId(Uuid::from_u128(1));

/// All of it, each check on tables of its own.
pub async fn all<T: Workshop, F: Future<Output = T>>(mut make: impl FnMut() -> F) {
    new_tables_stand_at_the_start(&make().await).await;
    rows_and_checkpoints_move_together(&make().await).await;
    a_checkpoint_that_moved_stops_the_batch(&make().await).await;
    parked_events_are_listed_in_order_until_they_are_released(&make().await).await;
    a_draft_has_no_effect_before_it_is_promoted(&make().await).await;
    a_draft_takes_back_what_it_refuses(&make().await).await;
    a_draft_that_is_kept_can_be_gone_on_with(&make().await).await;
    what_was_replaced_can_be_put_back(&make().await).await;
    a_projection_is_paused_until_it_goes_on(&make().await).await;
}

/// Every projection has a checkpoint, at the start and of no log.
pub async fn new_tables_stand_at_the_start(tables: &dyn Workshop) {
    for projection in crate::projections() {
        let checkpoint = checkpoint(tables, projection.name()).await;
        assert_eq!((checkpoint.position, checkpoint.log), (Position::START, None));
        assert_eq!(checkpoint.version, projection.version());
    }
}

/// A batch moves the checkpoint of the projections that it names, and only theirs.
pub async fn rows_and_checkpoints_move_together(tables: &dyn Workshop) {
    tables.apply(used(5, 0, 3)).await.expect("applied");
    tables.apply(used(7, 3, 9)).await.expect("applied");
    let moved = checkpoint(tables, "usage").await;
    assert_eq!((moved.position, moved.log, moved.updated_at), (Position(9), Some(LOG), Timestamp(9)));
    assert_eq!(checkpoint(tables, "files").await.position, Position::START);
}

/// Nothing of a batch is done when one of its checkpoints is elsewhere, or was made by other code.
pub async fn a_checkpoint_that_moved_stops_the_batch(tables: &dyn Workshop) {
    tables.apply(used(5, 0, 3)).await.expect("applied");
    let park = vec![parked(2)];
    let lost = tables.apply(Batch { park, ..used(5, 0, 4) }).await;
    assert!(matches!(lost, Err(TablesError::Lost { projection }) if projection == "usage"));
    let mut other_version = used(5, 3, 4);
    other_version.moves[0].version += 1;
    assert!(matches!(tables.apply(other_version).await, Err(TablesError::Lost { .. })));
    assert_eq!(checkpoint(tables, "usage").await.position, Position(3));
    assert_eq!(all_parked(tables).await, []);
    let not_parked = Batch { release: vec![("usage".to_owned(), Position(2))], ..Batch::default() };
    assert!(matches!(tables.apply(not_parked).await, Err(TablesError::Lost { .. })));
}

/// They come in log order and in pages; parking again renews the reason.
pub async fn parked_events_are_listed_in_order_until_they_are_released(tables: &dyn Workshop) {
    let park = vec![parked(30), parked(4), parked(200)];
    tables.apply(Batch { park, ..Batch::default() }).await.expect("applied");
    assert_eq!(all_parked(tables).await, [parked(4), parked(30), parked(200)]);
    assert_eq!(tables.parked("usage", Position(4), 1).await.expect("parked"), [parked(30)]);
    assert_eq!(tables.parked("files", Position::START, 9).await.expect("parked"), []);
    let renewed = Parked { reason: "another".to_owned(), ..parked(30) };
    let release = vec![("usage".to_owned(), Position(4))];
    tables.apply(Batch { park: vec![renewed.clone()], release, ..Batch::default() }).await.expect("applied");
    assert_eq!(all_parked(tables).await, [renewed, parked(200)]);
}

/// A discarded one never has any, and one that follows begins anew.
pub async fn a_draft_has_no_effect_before_it_is_promoted(tables: &dyn Workshop) {
    tables.apply(used(5, 0, 3)).await.expect("applied");
    let draft = tables.draft(OnRefusal::Spoil).await.expect("a draft");
    assert_eq!(checkpoint(&*draft, "usage").await.position, Position::START);
    draft.apply(used(5, 0, 8)).await.expect("applied");
    assert_eq!(checkpoint(tables, "usage").await.position, Position(3));
    draft.discard().await;
    assert_eq!(checkpoint(tables, "usage").await.position, Position(3));
    let draft = tables.draft(OnRefusal::Spoil).await.expect("a draft");
    draft.apply(used(5, 0, 6)).await.expect("applied");
    draft.index().await.expect("indexed");
    draft.apply(used(5, 6, 7)).await.expect("applied");
    draft.promote().await.expect("promoted");
    assert_eq!(checkpoint(tables, "usage").await.position, Position(7));
    tables.apply(used(5, 7, 8)).await.expect("applied to the promoted tables");
}

/// Unless it may be spoilt: then it says so, if it is.
pub async fn a_draft_takes_back_what_it_refuses(tables: &dyn Workshop) {
    let without_a_key = Run { table: UsageRow::TABLE, action: Action::Put, rows: 1, values: vec![Value::Null, 1.into(), 1.into()] };
    let refused = || {
        let mut batch = used(5, 3, 6);
        batch.runs.push(without_a_key.clone());
        batch
    };
    let draft = tables.draft(OnRefusal::TakeBack).await.expect("a draft");
    draft.apply(used(5, 0, 3)).await.expect("applied");
    let applied = draft.apply(refused()).await;
    assert!(matches!(applied, Err(TablesError::Rejected(_))), "{applied:?}");
    assert_eq!(checkpoint(&*draft, "usage").await.position, Position(3));
    draft.apply(used(5, 3, 6)).await.expect("applied");
    draft.promote().await.expect("promoted");
    let draft = tables.draft(OnRefusal::Spoil).await.expect("a draft");
    draft.apply(used(5, 0, 3)).await.expect("applied");
    let applied = draft.apply(refused()).await;
    assert!(matches!(applied, Err(TablesError::Rejected(_) | TablesError::Spoilt(_))), "{applied:?}");
    draft.discard().await;
    assert_eq!(checkpoint(tables, "usage").await.position, Position(6));
}

/// Kept at any stage, it is as it was; it is taken up once, and another draft makes an end of it.
pub async fn a_draft_that_is_kept_can_be_gone_on_with(tables: &dyn Workshop) {
    assert!(tables.kept().await.expect("asked").is_none());
    let draft = tables.draft(OnRefusal::Spoil).await.expect("a draft");
    draft.apply(used(5, 0, 4)).await.expect("applied");
    draft.apply(Batch { park: vec![parked(2)], ..Batch::default() }).await.expect("parked");
    draft.keep().await.expect("kept");
    assert_eq!(checkpoint(tables, "usage").await.position, Position::START);
    let draft = tables.kept().await.expect("asked").expect("a kept draft");
    assert_eq!(checkpoint(&*draft, "usage").await.position, Position(4));
    draft.apply(used(6, 4, 6)).await.expect("applied");
    draft.index().await.expect("indexed");
    draft.keep().await.expect("kept");
    let draft = tables.kept().await.expect("asked").expect("a kept draft");
    draft.index().await.expect("indexed again");
    draft.apply(used(1, 6, 7)).await.expect("applied");
    draft.promote().await.expect("promoted");
    assert_eq!(checkpoint(tables, "usage").await.position, Position(7));
    assert_eq!(all_parked(tables).await, [parked(2)]);
    assert!(tables.kept().await.expect("asked").is_none());
    tables.draft(OnRefusal::Spoil).await.expect("a draft").keep().await.expect("kept");
    tables.draft(OnRefusal::Spoil).await.expect("another").discard().await;
    assert!(tables.kept().await.expect("asked").is_none());
}

/// And put back again: the two are exchanged.
pub async fn what_was_replaced_can_be_put_back(tables: &dyn Workshop) {
    assert_eq!(tables.before().await.expect("asked"), []);
    tables.apply(used(5, 0, 3)).await.expect("applied");
    for to in [6, 9] {
        let draft = tables.draft(OnRefusal::Spoil).await.expect("a draft");
        draft.apply(used(5, 0, to)).await.expect("applied");
        draft.index().await.expect("indexed");
        draft.promote().await.expect("promoted");
    }
    let usage = |all: Vec<Checkpoint>| all.into_iter().find(|checkpoint| checkpoint.projection == "usage").expect("usage").position;
    assert_eq!(usage(tables.before().await.expect("asked")), Position(6));
    tables.roll_back().await.expect("rolled back");
    assert_eq!(checkpoint(tables, "usage").await.position, Position(6));
    tables.apply(used(1, 6, 8)).await.expect("applied to the old tables");
    assert_eq!(usage(tables.before().await.expect("asked")), Position(9));
    tables.roll_back().await.expect("rolled back");
    assert_eq!(checkpoint(tables, "usage").await.position, Position(9));
    assert_eq!(usage(tables.before().await.expect("asked")), Position(8));
}

/// The others do not notice.
pub async fn a_projection_is_paused_until_it_goes_on(tables: &dyn Workshop) {
    let paused = async || {
        let all = tables.checkpoints().await.expect("checkpoints");
        all.into_iter().filter(|checkpoint| checkpoint.paused).map(|checkpoint| checkpoint.projection).collect::<Vec<_>>()
    };
    tables.pause("usage", true).await.expect("paused");
    tables.pause("files", true).await.expect("paused");
    tables.pause("files", false).await.expect("goes on");
    assert_eq!(paused().await, ["usage"]);
    tables.pause("usage", false).await.expect("goes on");
    assert_eq!(paused().await, Vec::<String>::new());
}

/// The tables, and the same to be asked: what is applied after a snapshot was taken is not in it, in the rows as in the checkpoints.
pub async fn a_snapshot_stays_as_it_was(tables: &dyn Workshop, asked: &dyn Snapshots) {
    tables.apply(used(5, 0, 3)).await.expect("applied");
    let before = asked.snapshot().await.expect("a snapshot");
    let usage = async |tables: &dyn ReadTables| usage_of(tables, AccountId(Uuid::from_u128(1))).await.expect("usage").used_bytes;
    tables.apply(used(7, 3, 9)).await.expect("applied");
    assert_eq!((usage(&*before).await, usage(asked).await), (5, 12));
    let position = async |tables: &dyn ReadTables| {
        let all = checkpoints(tables).await.expect("checkpoints");
        all.into_iter().find(|checkpoint| checkpoint.projection == "usage").expect("a checkpoint").position
    };
    assert_eq!((position(&*before).await, position(asked).await), (Position(3), Position(9)));
    tables.apply(used(1, 9, 10)).await.expect("applied beside a snapshot");
    assert_eq!(usage(&*before).await, 5);
    drop(before);
    assert_eq!(usage(&*asked.snapshot().await.expect("another snapshot")).await, 13);
}

fn used(bytes: i64, from: u64, to: u64) -> Batch {
    let step = Move {
        projection: "usage".to_owned(),
        version: Usage.version(),
        from: Position(from),
        to: Position(to),
        event: EventId(Uuid::from_u128(to.into())),
        log: LOG,
        at: Timestamp(i64::try_from(to).expect("a small number")),
    };
    let account = Uuid::from_u128(1).to_string();
    let statement = Statement::add(account, [(UsageRow::UsedBytes, bytes), (UsageRow::Files, 1)]);
    Batch { runs: combine(vec![statement]), moves: vec![step], ..Batch::default() }
}

fn parked(position: u64) -> Parked {
    Parked {
        projection: "usage".to_owned(),
        stream: StreamName::try_from(format!("file-{position}")).expect("a stream name"),
        position: Position(position),
        event: EventId(Uuid::from_u128(position.into())),
        name: "FileAdded".to_owned(),
        reason: "no reason".to_owned(),
        parked_at: Timestamp(77),
    }
}

async fn all_parked(tables: &dyn Workshop) -> Vec<Parked> {
    tables.parked("usage", Position::START, 100).await.expect("parked")
}

async fn checkpoint<T: Tables + ?Sized>(tables: &T, name: &str) -> Checkpoint {
    let all = tables.checkpoints().await.expect("checkpoints");
    all.into_iter().find(|checkpoint| checkpoint.projection == name).expect("a checkpoint")
}
