//! The runner's own tables: how far each projection has come, and what is parked.
//!
//! They stand in the same database as the rows, so that they change in the same transaction. The statements are made here, once for
//! every dialect; adapters execute them.

use cairn_domain::Position;
use sea_query::{Cond, Expr, ExprTrait, Order, Query, SelectStatement};

use crate::ports::{Checkpoint, Move, Parked, ReadError, Row};
use crate::projection::Projection;
use crate::sql::{Dialect, Sql};
use crate::statement::Value;
use crate::table::{Columns, Table};

table! {
    /// One row per projection.
    CheckpointRow = "tbl_checkpoint" {
        /// Whose.
        Projection = "projection": Text(64),
        /// The version of the code that made the rows.
        Version = "version": Integer,
        /// The last event in the rows.
        Position = "position": Integer,
        /// The id of the first event of the log from which the rows come.
        LogId = "log_id": MaybeId,
        /// Which process projects, where several share the tables.
        LeaseOwner = "lease_owner": MaybeText(64),
        /// Until when.
        LeaseExpiresAt = "lease_expires_at": MaybeInteger,
        /// When the position last moved.
        UpdatedAt = "updated_at": Integer,
    }
    indexes {}
}

table! {
    /// One row per projection and parked event.
    ParkedRow = "tbl_parked" {
        /// The projection and the position, as one key.
        Id = "id": Text(96),
        /// For which projection.
        Projection = "projection": Text(64),
        /// Where the event stands in the log.
        Position = "position": Integer,
        /// Where it stands. A name may be 64 characters long in any script, a category not.
        Stream = "stream": Text(255),
        /// Which event.
        EventId = "event_id": Id,
        /// What happened, by name.
        Name = "name": Text(64),
        /// Why, for the operator.
        Reason = "reason": Text(1024),
        /// When it was parked.
        ParkedAt = "parked_at": Integer,
    }
    indexes { "ix_parked_position": [Projection, Position], }
}

/// The runner's own tables.
pub const TABLES: &[&Table] = &[CheckpointRow::TABLE, ParkedRow::TABLE];

/// Characters of a reason that are kept.
const REASON_CHARACTERS_MAX: usize = 1024;

/// All checkpoints.
pub fn checkpoints(dialect: Dialect) -> Sql {
    dialect.select(&select_checkpoints())
}

pub(crate) fn select_checkpoints() -> SelectStatement {
    let columns = [
        CheckpointRow::Projection,
        CheckpointRow::Version,
        CheckpointRow::Position,
        CheckpointRow::LogId,
        CheckpointRow::UpdatedAt,
    ];
    Query::select().columns(columns).from(CheckpointRow::TABLE.name).to_owned()
}

/// Reads a row of [`checkpoints`].
pub fn checkpoint(row: &Row) -> Result<Checkpoint, ReadError> {
    Ok(Checkpoint {
        projection: row.get(0)?,
        version: row.get(1)?,
        position: row.get(2)?,
        log: row.get(3)?,
        updated_at: row.get(4)?,
    })
}

/// Makes the checkpoint of a projection that has none, at the start of the log.
pub fn begin(dialect: Dialect, projection: &dyn Projection) -> Sql {
    let mut insert = Query::insert();
    insert
        .into_table(CheckpointRow::TABLE.name)
        .columns([CheckpointRow::Projection, CheckpointRow::Version, CheckpointRow::Position, CheckpointRow::UpdatedAt])
        .values_panic([
            Expr::val(projection.name()),
            Expr::val(i64::from(projection.version())),
            Expr::val(0_i64),
            Expr::val(0_i64),
        ]);
    dialect.insert(&insert)
}

/// The steps in pieces that end alike, for [`advance`].
pub fn moving_together(steps: &[Move]) -> impl Iterator<Item = &[Move]> {
    steps.chunk_by(|one, next| (one.to, one.log, one.at) == (next.to, next.log, next.at))
}

/// Moves checkpoints that end alike; it must touch exactly one row for each, or somebody else has moved one.
pub fn advance(dialect: Dialect, steps: &[Move]) -> Sql {
    let mut update = Query::update();
    update.table(CheckpointRow::TABLE.name);
    if let Some(Move { to, log, at, .. }) = steps.first() {
        update
            .value(CheckpointRow::Position, number(*to))
            .value(CheckpointRow::LogId, Expr::val(log.to_string()))
            .value(CheckpointRow::UpdatedAt, Expr::val(at.0));
    }
    let from = |step: &Move| {
        Cond::all()
            .add(Expr::col(CheckpointRow::Projection).eq(step.projection.as_str()))
            .add(Expr::col(CheckpointRow::Version).eq(i64::from(step.version)))
            .add(Expr::col(CheckpointRow::Position).eq(number(step.from)))
    };
    update.cond_where(steps.iter().map(from).fold(Cond::any(), Cond::add));
    dialect.update(&update)
}

/// What is parked for a projection after a position, in log order.
pub fn parked(dialect: Dialect, projection: &str, after: Position, limit: usize) -> Sql {
    dialect.select(&select_parked(projection, after, limit))
}

pub(crate) fn select_parked(projection: &str, after: Position, limit: usize) -> SelectStatement {
    let columns = [
        ParkedRow::Projection,
        ParkedRow::Stream,
        ParkedRow::Position,
        ParkedRow::EventId,
        ParkedRow::Name,
        ParkedRow::Reason,
        ParkedRow::ParkedAt,
    ];
    Query::select()
        .columns(columns)
        .from(ParkedRow::TABLE.name)
        .and_where(Expr::col(ParkedRow::Projection).eq(projection))
        .and_where(Expr::col(ParkedRow::Position).gt(number(after)))
        .order_by(ParkedRow::Position, Order::Asc)
        .limit(limit as u64)
        .to_owned()
}

/// Reads a row of [`parked`].
pub fn parked_event(row: &Row) -> Result<Parked, ReadError> {
    Ok(Parked {
        projection: row.get(0)?,
        stream: row.get(1)?,
        position: row.get(2)?,
        event: row.get(3)?,
        name: row.get(4)?,
        reason: row.get(5)?,
        parked_at: row.get(6)?,
    })
}

/// Parks an event; again only renews the reason.
pub fn park(dialect: Dialect, parked: &Parked) -> Sql {
    let reason: String = parked.reason.chars().take(REASON_CHARACTERS_MAX).collect();
    let values: Vec<Value> = vec![
        parked_key(&parked.projection, parked.position).into(),
        parked.projection.clone().into(),
        Value::Integer(i64::try_from(parked.position.0).unwrap_or(i64::MAX)),
        parked.stream.as_str().to_owned().into(),
        parked.event.into(),
        parked.name.clone().into(),
        reason.into(),
        parked.parked_at.into(),
    ];
    Sql { text: dialect.action(ParkedRow::TABLE, &crate::statement::Action::Put, 1), values }
}

/// Forgets that an event was parked.
pub fn release(dialect: Dialect, projection: &str, position: Position) -> Sql {
    let text = dialect.action(ParkedRow::TABLE, &crate::statement::Action::Remove, 1);
    Sql { text, values: vec![parked_key(projection, position).into()] }
}

fn parked_key(projection: &str, position: Position) -> String {
    format!("{projection}:{position}")
}

fn number(position: Position) -> Expr {
    Expr::val(i64::try_from(position.0).unwrap_or(i64::MAX))
}
