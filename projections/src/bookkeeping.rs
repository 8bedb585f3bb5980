//! The runner's own tables: how far each projection has come, and what is parked.
//!
//! They stand in the same database as the rows, so that they change in the same transaction. The statements are made here, once for
//! every dialect; adapters execute them.

use cairn_domain::Position;
use sea_query::{Cond, Expr, ExprTrait, Order, Query, UpdateStatement};

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
        /// The id of that event: whether the log still has it there.
        EventId = "event_id": MaybeId,
        /// The id of the first event of the log from which the rows come.
        LogId = "log_id": MaybeId,
        /// Which process projects, where several share the tables.
        LeaseOwner = "lease_owner": MaybeText(64),
        /// Until when.
        LeaseExpiresAt = "lease_expires_at": MaybeInteger,
        /// When the position last moved.
        UpdatedAt = "updated_at": Integer,
        /// 1 when somebody has told the projection to stand still.
        Paused = "paused": MaybeInteger,
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
    let columns = [
        CheckpointRow::Projection,
        CheckpointRow::Version,
        CheckpointRow::Position,
        CheckpointRow::LogId,
        CheckpointRow::UpdatedAt,
        CheckpointRow::Paused,
        CheckpointRow::EventId,
    ];
    dialect.select(Query::select().columns(columns).from(dialect.alias(CheckpointRow::TABLE)))
}

/// Reads a row of [`checkpoints`].
pub fn checkpoint(row: &Row) -> Result<Checkpoint, ReadError> {
    Ok(Checkpoint {
        projection: row.get(0)?,
        version: row.get(1)?,
        position: row.get(2)?,
        log: row.get(3)?,
        updated_at: row.get(4)?,
        held_elsewhere: false,
        paused: row.get::<Option<i64>>(5)?.is_some_and(|paused| paused != 0),
        event: row.get(6)?,
    })
}

/// One key of a table that has any rows.
pub fn any_row(dialect: Dialect, table: &Table) -> Sql {
    dialect.select(Query::select().expr(Expr::val(1)).from(dialect.alias(table)).limit(1))
}

/// Makes the checkpoint of a projection that has none, at the start of the log.
pub fn begin(dialect: Dialect, projection: &dyn Projection) -> Sql {
    let mut insert = Query::insert();
    insert
        .into_table(dialect.alias(CheckpointRow::TABLE))
        .columns([CheckpointRow::Projection, CheckpointRow::Version, CheckpointRow::Position, CheckpointRow::UpdatedAt])
        .values_panic([
            Expr::val(projection.name()),
            Expr::val(i64::from(projection.version())),
            Expr::val(0_i64),
            Expr::val(0_i64),
        ]);
    dialect.insert(&insert)
}

/// Lets a projection stand still, or go on.
pub fn pause(dialect: Dialect, projection: &str, paused: bool) -> Sql {
    let mut update = Query::update();
    update
        .table(dialect.alias(CheckpointRow::TABLE))
        .value(CheckpointRow::Paused, Expr::val(i64::from(paused)))
        .and_where(Expr::col(CheckpointRow::Projection).eq(projection));
    dialect.update(&update)
}

/// The steps in pieces that end alike, for [`advance`].
pub fn moving_together(steps: &[Move]) -> impl Iterator<Item = &[Move]> {
    steps.chunk_by(|one, next| (one.to, one.event, one.log, one.at) == (next.to, next.event, next.log, next.at))
}

/// The right to move checkpoints, where several processes share the tables.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    /// Who has it.
    pub owner: &'a str,
    /// For how long after a move, in seconds.
    pub seconds: u32,
    /// Nobody else may have had it since.
    pub continued: bool,
}

/// Moves checkpoints that end alike; it must touch exactly one row for each, or somebody else has moved one. With a lease, it also must not be
/// another's, and is taken or renewed.
pub fn advance(dialect: Dialect, steps: &[Move], lease: Option<Lease<'_>>) -> Sql {
    let mut update = Query::update();
    update.table(dialect.alias(CheckpointRow::TABLE));
    if let Some(Move { to, event, log, at, .. }) = steps.first() {
        update
            .value(CheckpointRow::Position, number(*to))
            .value(CheckpointRow::EventId, Expr::val(event.to_string()))
            .value(CheckpointRow::LogId, Expr::val(log.to_string()))
            .value(CheckpointRow::UpdatedAt, Expr::val(at.0));
    }
    let from = |step: &Move| {
        Cond::all()
            .add(Expr::col(CheckpointRow::Projection).eq(step.projection.as_str()))
            .add(Expr::col(CheckpointRow::Version).eq(i64::from(step.version)))
            .add(Expr::col(CheckpointRow::Position).eq(number(step.from)))
    };
    let mut all = Cond::all().add(steps.iter().map(from).fold(Cond::any(), Cond::add));
    if let Some(lease) = lease {
        let own = Expr::col(CheckpointRow::LeaseOwner).eq(lease.owner);
        all = if lease.continued { all.add(own) } else { all.add(not_held_elsewhere(dialect, lease.owner)) };
        lend(dialect, &mut update, lease);
    }
    update.cond_where(all);
    dialect.update(&update)
}

/// Takes the lease of every projection, whoever has it: from now on no other process moves a checkpoint.
pub fn take_over(dialect: Dialect, lease: Lease<'_>) -> Sql {
    let mut update = Query::update();
    update.table(dialect.alias(CheckpointRow::TABLE));
    lend(dialect, &mut update, lease);
    dialect.update(&update)
}

/// Gives the lease of every projection back that the owner has.
pub fn give_back(dialect: Dialect, owner: &str) -> Sql {
    let mut update = Query::update();
    update
        .table(dialect.alias(CheckpointRow::TABLE))
        .value(CheckpointRow::LeaseExpiresAt, Expr::val(0_i64))
        .and_where(Expr::col(CheckpointRow::LeaseOwner).eq(owner));
    dialect.update(&update)
}

/// The projections whose lease somebody has, by the database's clock, and who that is.
pub fn leases(dialect: Dialect) -> Sql {
    let mut query = Query::select();
    query
        .columns([CheckpointRow::Projection, CheckpointRow::LeaseOwner])
        .from(dialect.alias(CheckpointRow::TABLE))
        .and_where(Expr::col(CheckpointRow::LeaseOwner).is_not_null())
        .and_where(Expr::col(CheckpointRow::LeaseExpiresAt).gt(dialect.now()));
    dialect.select(&query)
}

/// The projections of which another process has the lease.
pub fn held_elsewhere(dialect: Dialect, owner: &str) -> Sql {
    let mut query = Query::select();
    query
        .column(CheckpointRow::Projection)
        .from(dialect.alias(CheckpointRow::TABLE))
        .cond_where(not_held_elsewhere(dialect, owner).not());
    dialect.select(&query)
}

fn lend(dialect: Dialect, update: &mut UpdateStatement, lease: Lease<'_>) {
    let expires = dialect.now().add(i64::from(lease.seconds) * 1_000_000);
    update.value(CheckpointRow::LeaseOwner, Expr::val(lease.owner)).value(CheckpointRow::LeaseExpiresAt, expires);
}

fn not_held_elsewhere(dialect: Dialect, owner: &str) -> Cond {
    Cond::any()
        .add(Expr::col(CheckpointRow::LeaseOwner).is_null())
        .add(Expr::col(CheckpointRow::LeaseOwner).eq(owner))
        .add(Expr::col(CheckpointRow::LeaseExpiresAt).lte(dialect.now()))
}

/// What is parked for a projection after a position, in log order.
pub fn parked(dialect: Dialect, projection: &str, after: Position, limit: usize) -> Sql {
    let columns = [
        ParkedRow::Projection,
        ParkedRow::Stream,
        ParkedRow::Position,
        ParkedRow::EventId,
        ParkedRow::Name,
        ParkedRow::Reason,
        ParkedRow::ParkedAt,
    ];
    let mut query = Query::select();
    query
        .columns(columns)
        .from(dialect.alias(ParkedRow::TABLE))
        .and_where(Expr::col(ParkedRow::Projection).eq(projection))
        .and_where(Expr::col(ParkedRow::Position).gt(number(after)))
        .order_by(ParkedRow::Position, Order::Asc)
        .limit(limit as u64);
    dialect.select(&query)
}

/// How many events are parked for each projection that has any: its name and their number.
pub fn parked_counts(dialect: Dialect) -> Sql {
    let mut query = Query::select();
    query
        .column(ParkedRow::Projection)
        .expr(Expr::col(ParkedRow::Id).count())
        .from(dialect.alias(ParkedRow::TABLE))
        .group_by_col(ParkedRow::Projection);
    dialect.select(&query)
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
