//! Contents on their way from one store to another.

use cairn_domain::Event;
use cairn_domain::transfer::{TransferEvent, TransferRequested};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, Value, value::integer};
use crate::table::{Columns, Table};

/// It waits for its time, as `tbl_transfer.state` says it.
pub const REQUESTED: &str = "requested";
/// A task for it is in the queue.
pub const QUEUED: &str = "queued";
/// A worker is at it.
pub const STARTED: &str = "started";
/// It has failed too often and rests.
pub const STALLED: &str = "stalled";
/// It is done.
pub const COMPLETED: &str = "completed";
/// It was given up.
pub const ABANDONED: &str = "abandoned";

/// The only key of `tbl_transfer_total`.
pub const EVER: &str = "ever";

table! {
    /// One row per transfer.
    TransferRow = "tbl_transfer" {
        /// The transfer.
        Id = "id": Id,
        /// The content.
        Sha256 = "sha256": Sha256,
        /// In bytes.
        Size = "size": Integer,
        /// The store that has it.
        FromStore = "from_store": Text(64),
        /// The store that shall have it.
        ToStore = "to_store": Text(64),
        /// Requested, queued, started, stalled, completed or abandoned.
        State = "state": Text(16),
        /// How often it has failed since somebody last looked at it.
        Failures = "failures": Integer,
        /// What went wrong the last time, or why it was given up.
        Reason = "reason": MaybeText(1024),
        /// The process that took it last.
        Worker = "worker": MaybeText(255),
        /// When it was asked for.
        RequestedAt = "requested_at": Integer,
        /// When something was last heard of it.
        UpdatedAt = "updated_at": Integer,
        /// Where in the log it was asked for: what "newest first" goes by, because it is unique.
        RequestedPosition = "requested_position": Integer,
    }
    indexes {
        "ix_transfer_requested_position": [RequestedPosition],
        "ix_transfer_state": [State, RequestedPosition],
        "ix_transfer_updated_at": [State, UpdatedAt, Size],
    }
}

table! {
    /// One row: every transfer that ever was. So nobody needs to count those that are done, which become as many as the contents.
    TransferTotal = "tbl_transfer_total" {
        /// Always `ever`.
        Id = "id": Text(16),
        /// How many.
        Transfers = "transfers": Integer,
        /// Their sizes together, in bytes.
        Bytes = "bytes": Integer,
    }
    indexes {}
}

/// `tbl_transfer` and `tbl_transfer_total`.
#[derive(Debug, Clone, Copy)]
pub struct Transfers;

impl Projection for Transfers {
    fn name(&self) -> &'static str {
        "transfers"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[TransferRow::TABLE, TransferTotal::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &[
            "TransferRequested",
            "TransferQueued",
            "TransferStarted",
            "TransferCompleted",
            "TransferStalled",
            "TransferRetried",
            "TransferAbandoned",
        ]
    }

    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        let Event::Transfer(event) = event else { return Ok(Vec::new()) };
        Ok(match event {
            TransferEvent::TransferRequested(request) => begin(request, envelope)?,
            TransferEvent::TransferQueued(queued) => {
                vec![change(QUEUED, envelope, [failed(queued.failures), because(queued.reason.as_deref()), by(None)])]
            }
            TransferEvent::TransferStarted(started) => vec![change(STARTED, envelope, [by(Some(&started.worker))])],
            TransferEvent::TransferCompleted(_) => vec![change(COMPLETED, envelope, [])],
            TransferEvent::TransferStalled(stalled) => {
                vec![change(STALLED, envelope, [failed(stalled.failures), because(Some(&stalled.reason))])]
            }
            TransferEvent::TransferRetried(_) => vec![change(REQUESTED, envelope, [failed(0), because(None), by(None)])],
            TransferEvent::TransferAbandoned(abandoned) => vec![change(ABANDONED, envelope, [because(Some(&abandoned.reason))])],
        })
    }
}

/// What the columns take.
const REASON_CHARACTERS_MAX: usize = 1024;
const WORKER_CHARACTERS_MAX: usize = 255;

fn begin(request: &TransferRequested, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
    let size = integer(request.size)?;
    let row = [
        (TransferRow::Sha256, request.sha256.into()),
        (TransferRow::Size, size.into()),
        (TransferRow::FromStore, request.from.clone().into()),
        (TransferRow::ToStore, request.to.clone().into()),
        (TransferRow::State, REQUESTED.into()),
        failed(0),
        because(None),
        by(None),
        (TransferRow::RequestedAt, envelope.time.into()),
        (TransferRow::UpdatedAt, envelope.time.into()),
        (TransferRow::RequestedPosition, envelope.position.try_into()?),
    ];
    let counted = Statement::add(EVER, [(TransferTotal::Transfers, 1), (TransferTotal::Bytes, size)]);
    Ok(vec![Statement::put(envelope.id(), row), counted])
}

fn change<const N: usize>(state: &'static str, envelope: Envelope<'_>, values: [(TransferRow, Value); N]) -> Statement {
    let of_every = [(TransferRow::State, state.into()), (TransferRow::UpdatedAt, envelope.time.into())];
    Statement::set(envelope.id(), values.into_iter().chain(of_every))
}

fn failed(failures: u32) -> (TransferRow, Value) {
    (TransferRow::Failures, i64::from(failures).into())
}

fn because(reason: Option<&str>) -> (TransferRow, Value) {
    (TransferRow::Reason, reason.map(|reason| short(reason, REASON_CHARACTERS_MAX)).into())
}

fn by(worker: Option<&str>) -> (TransferRow, Value) {
    (TransferRow::Worker, worker.map(|worker| short(worker, WORKER_CHARACTERS_MAX)).into())
}

/// As much of the text as its column takes.
fn short(text: &str, characters_max: usize) -> String {
    text.chars().take(characters_max).collect()
}
