use std::ops::RangeInclusive;

use cairn_domain::transfer::Phase;
use cairn_domain::{Position, Sha256, Timestamp, TransferId};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};

use super::{PAGE_MAX, Page, PageOf, all, along, first, page, position};
use crate::ports::{ReadError, ReadTables, Row};
use crate::projection::transfers::{ABANDONED, COMPLETED, EVER, QUEUED, REQUESTED, STALLED, STARTED, TransferRow, TransferTotal};
use crate::statement::Value;
use crate::table::Columns;

/// A content on its way from one store to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferRecord {
    /// The transfer.
    pub id: TransferId,
    /// The content.
    pub sha256: Sha256,
    /// In bytes.
    pub size: u64,
    /// The store that has it.
    pub from: String,
    /// The store that shall have it.
    pub to: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// How often it has failed since somebody last looked at it.
    pub failures: u32,
    /// What went wrong the last time, or why it was given up.
    pub reason: Option<String>,
    /// The process that took it last.
    pub worker: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When something was last heard of it.
    pub updated_at: Timestamp,
}

/// Which transfers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransferFilter {
    /// Those that are there in their life; none for all.
    pub phase: Option<Phase>,
    /// Those from or to the store of this name.
    pub store: Option<String>,
}

/// How many transfers there are in each phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferFigures {
    /// Each phase once.
    pub phases: Vec<PhaseFigures>,
    /// When the oldest transfer that is under way was asked for; none when none is under way.
    pub oldest_requested_at: Option<Timestamp>,
    /// When something was last heard of the transfer that is under way and longest silent; none when none is under way.
    pub silent_since: Option<Timestamp>,
}

/// The transfers of one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseFigures {
    /// Which phase.
    pub phase: Phase,
    /// How many.
    pub transfers: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// Every phase, with what `tbl_transfer.state` says of it.
const PHASES: [(Phase, &str); 6] = [
    (Phase::Requested, REQUESTED),
    (Phase::Queued, QUEUED),
    (Phase::Started, STARTED),
    (Phase::Stalled, STALLED),
    (Phase::Completed, COMPLETED),
    (Phase::Abandoned, ABANDONED),
];

/// The transfer of that id.
pub async fn transfer_by_id(tables: &dyn ReadTables, id: TransferId) -> Result<Option<TransferRecord>, ReadError> {
    let mut query = select_transfer();
    query.and_where(Expr::col(TransferRow::Id).eq(Value::from(id))).limit(1);
    first(tables, query, |row| transfer(row).map(|(_, transfer)| transfer)).await
}

/// Transfers, newest first. A store is looked for on the way, not by an index: there are few stores.
pub async fn transfers(tables: &dyn ReadTables, filter: &TransferFilter, of: PageOf) -> Result<Page<TransferRecord>, ReadError> {
    let mut query = select_transfer();
    let before = of.after.map_or(i64::MAX, |after| position(after.0));
    along(&mut query, if filter.phase.is_some() { BY_STATE } else { BY_POSITION })
        .and_where_option(filter.phase.map(|phase| Expr::col(TransferRow::State).eq(state_text(phase))))
        .and_where_option(filter.store.clone().map(concerns))
        .and_where(Expr::col(TransferRow::RequestedPosition).lt(before))
        .order_by(TransferRow::RequestedPosition, Order::Desc);
    page(tables, query, of, transfer).await
}

/// Transfers in one of these phases of which something was heard within that time, and nothing after it, with the time when; the one longest
/// silent first; at most `limit`, and at most [`PAGE_MAX`].
pub async fn silent_transfers(
    tables: &dyn ReadTables,
    phases: &[Phase],
    heard: RangeInclusive<Timestamp>,
    limit: u64,
) -> Result<Vec<(Timestamp, TransferId)>, ReadError> {
    let limit = Ord::min(limit, PAGE_MAX);
    let mut silent: Vec<(Timestamp, TransferId)> = Vec::new();
    // One question for each phase: an index gives the order within one, not over several.
    for phase in phases {
        let mut query = Query::select()
            .columns([TransferRow::UpdatedAt, TransferRow::Id])
            .from(TransferRow::TABLE.name)
            .and_where(Expr::col(TransferRow::State).eq(state_text(*phase)))
            .and_where(Expr::col(TransferRow::UpdatedAt).gte(heard.start().0))
            .and_where(Expr::col(TransferRow::UpdatedAt).lte(heard.end().0))
            .order_by(TransferRow::UpdatedAt, Order::Asc)
            .limit(limit)
            .to_owned();
        along(&mut query, BY_SILENCE);
        for row in all(tables, query).await? {
            silent.push((row.get(0)?, row.get(1)?));
        }
    }
    silent.sort_unstable();
    silent.dedup();
    silent.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(silent)
}

/// How many transfers there are in each phase. What is completed is what there ever was without the rest, so that nobody counts it;
/// while transfers move on, the figures may be out by those.
pub async fn transfer_figures(tables: &dyn ReadTables) -> Result<TransferFigures, ReadError> {
    let query = Query::select()
        .columns([TransferTotal::Transfers, TransferTotal::Bytes])
        .from(TransferTotal::TABLE.name)
        .and_where(Expr::col(TransferTotal::Id).eq(EVER))
        .to_owned();
    let ever: Option<(u64, u64)> = first(tables, query, |row| Ok((row.get(0)?, row.get(1)?))).await?;
    let (mut transfers, mut bytes) = ever.unwrap_or_default();
    let mut figures = TransferFigures { phases: Vec::new(), oldest_requested_at: None, silent_since: None };
    for (phase, _) in PHASES.into_iter().filter(|(phase, _)| *phase != Phase::Completed) {
        let (counted, silent_since) = count(tables, phase).await?;
        transfers = transfers.saturating_sub(counted.transfers);
        bytes = bytes.saturating_sub(counted.bytes);
        if is_under_way(phase) && counted.transfers > 0 {
            figures.silent_since = figures.silent_since.into_iter().chain(silent_since).min();
            figures.oldest_requested_at = figures.oldest_requested_at.into_iter().chain(oldest(tables, phase).await?).min();
        }
        figures.phases.push(counted);
    }
    figures.phases.push(PhaseFigures { phase: Phase::Completed, transfers, bytes });
    Ok(figures)
}

const BY_POSITION: &str = "ix_transfer_requested_position";
const BY_STATE: &str = "ix_transfer_state";
const BY_SILENCE: &str = "ix_transfer_updated_at";

/// When the first of that phase was asked for.
async fn oldest(tables: &dyn ReadTables, phase: Phase) -> Result<Option<Timestamp>, ReadError> {
    let mut query = Query::select()
        .column(TransferRow::RequestedAt)
        .from(TransferRow::TABLE.name)
        .and_where(Expr::col(TransferRow::State).eq(state_text(phase)))
        .order_by(TransferRow::RequestedPosition, Order::Asc)
        .limit(1)
        .to_owned();
    along(&mut query, BY_STATE);
    first(tables, query, |row| row.get(0)).await
}

/// The transfers of one phase, and when something was heard of the one longest silent. The index alone answers it.
async fn count(tables: &dyn ReadTables, phase: Phase) -> Result<(PhaseFigures, Option<Timestamp>), ReadError> {
    let mut query = Query::select()
        .expr(Expr::col(TransferRow::State).count())
        // The sum of numbers is no whole number in MySQL.
        .expr(Expr::col(TransferRow::Size).sum().cast_as("SIGNED"))
        .expr(Expr::col(TransferRow::UpdatedAt).min())
        .from(TransferRow::TABLE.name)
        .and_where(Expr::col(TransferRow::State).eq(state_text(phase)))
        .to_owned();
    along(&mut query, BY_SILENCE);
    let read = |row: &Row| {
        let (transfers, bytes) = (row.get(0)?, row.get::<Option<u64>>(1)?.unwrap_or_default());
        Ok((PhaseFigures { phase, transfers, bytes }, row.get(2)?))
    };
    let counted = first(tables, query, read).await?;
    Ok(counted.unwrap_or((PhaseFigures { phase, transfers: 0, bytes: 0 }, None)))
}

const fn is_under_way(phase: Phase) -> bool {
    matches!(phase, Phase::Requested | Phase::Queued | Phase::Started)
}

/// What the state of a transfer is called, in the tables and wherever people see it.
pub const fn state_text(phase: Phase) -> &'static str {
    match phase {
        Phase::Requested => REQUESTED,
        Phase::Queued => QUEUED,
        Phase::Started => STARTED,
        Phase::Stalled => STALLED,
        Phase::Completed => COMPLETED,
        Phase::Abandoned => ABANDONED,
    }
}

fn concerns(store: String) -> Expr {
    Expr::col(TransferRow::FromStore).eq(store.clone()).or(Expr::col(TransferRow::ToStore).eq(store))
}

fn select_transfer() -> SelectStatement {
    let columns = [
        TransferRow::Id,
        TransferRow::Sha256,
        TransferRow::Size,
        TransferRow::FromStore,
        TransferRow::ToStore,
        TransferRow::State,
        TransferRow::Failures,
        TransferRow::Reason,
        TransferRow::Worker,
        TransferRow::RequestedAt,
        TransferRow::UpdatedAt,
        TransferRow::RequestedPosition,
    ];
    Query::select().columns(columns).from(TransferRow::TABLE.name).to_owned()
}

fn transfer(row: &Row) -> Result<(Position, TransferRecord), ReadError> {
    let record = TransferRecord {
        id: row.get(0)?,
        sha256: row.get(1)?,
        size: row.get(2)?,
        from: row.get(3)?,
        to: row.get(4)?,
        phase: phase(row, 5)?,
        failures: row.get(6)?,
        reason: row.get(7)?,
        worker: row.get(8)?,
        requested_at: row.get(9)?,
        updated_at: row.get(10)?,
    };
    Ok((row.get(11)?, record))
}

fn phase(row: &Row, column: usize) -> Result<Phase, ReadError> {
    let state = row.get::<String>(column)?;
    let known = PHASES.into_iter().find(|(_, text)| *text == state).map(|(phase, _)| phase);
    known.ok_or_else(|| ReadError::Unreadable { column, value: row.0.get(column).cloned() })
}
