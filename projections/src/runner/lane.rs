use cairn_domain::{EventId, Position, StoredEvent, Timestamp};

use super::Failure;
use super::plan::{Mask, Plan, Projected, chain, parked};
use super::state::{Group, State};
use crate::ports::{Batch, Move, Source, Tables, TablesError};
use crate::statement::combine;

/// One set of tables and what fills it.
#[derive(Clone, Copy)]
pub(super) struct Lane<'a> {
    pub(super) plan: &'a Plan,
    pub(super) source: &'a dyn Source,
    pub(super) tables: &'a dyn Tables,
    pub(super) now: Timestamp,
    pub(super) batch_events_max: usize,
}

/// Events that are applied together, by their ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    first: EventId,
    last: EventId,
    /// Where the last one stands.
    pub(super) end: Position,
}

impl Span {
    /// None of no events.
    pub(super) fn of(events: &[StoredEvent]) -> Option<Self> {
        let (first, last) = events.first().zip(events.last())?;
        Some(Self { first: first.id, last: last.id, end: last.position })
    }
}

impl Lane<'_> {
    /// Takes every group one batch further; false when there was nothing to apply.
    pub(super) async fn go_on(&self, state: &mut State) -> Result<bool, Failure> {
        let mut applied = false;
        for group in state.groups() {
            let mut events = self.source.read_all(group.at, self.batch_events_max).await?;
            events.retain(|event| group.until.is_none_or(|until| event.position <= until));
            if !events.is_empty() {
                self.apply(state, group, &events).await?;
                applied = true;
            }
        }
        Ok(applied)
    }

    /// Applies the events to the group's tables, all at once if that is possible.
    pub(super) async fn apply(&self, state: &mut State, group: Group, events: &[StoredEvent]) -> Result<(), Failure> {
        let projected = self.plan.project(group.mask, events, &state.streams, self.now);
        let batch = self.batch(state, group.mask, projected, events);
        match self.apply_batch(state, group.mask, batch).await {
            Err(Failure::Tables(TablesError::Rejected(_))) => self.isolate(state, group.mask, events).await,
            done => done,
        }
    }

    /// Finds out which events the tables refuse, by applying them one by one, and parks those.
    pub(super) async fn isolate(&self, state: &mut State, mask: Mask, events: &[StoredEvent]) -> Result<(), Failure> {
        for (number, _) in self.plan.of(mask) {
            for event in events.iter().filter(|event| event.position > state.positions[number]).collect::<Vec<_>>() {
                self.apply_or_park(state, 1 << number, event).await?;
            }
        }
        Ok(())
    }

    async fn apply_or_park(&self, state: &mut State, one: Mask, event: &StoredEvent) -> Result<(), Failure> {
        let events = std::slice::from_ref(event);
        let projected = self.plan.project(one, events, &state.streams, self.now);
        let batch = self.batch(state, one, projected, events);
        let error = match self.apply_batch(state, one, batch).await {
            Err(Failure::Tables(TablesError::Rejected(error))) => error,
            done => return done,
        };
        let park = self.plan.of(one).map(|(_, projection)| parked(projection.name(), event, chain(&*error), self.now)).collect();
        let batch = Batch { park, moves: self.moves_over(state, one, events), ..Batch::default() };
        self.apply_batch(state, one, batch).await
    }

    fn batch(&self, state: &mut State, mask: Mask, projected: Projected, events: &[StoredEvent]) -> Batch {
        let Projected { statements, park, .. } = projected;
        Batch { runs: combine(statements), moves: self.moves_over(state, mask, events), park, ..Batch::default() }
    }

    /// The steps from where the projections stand to the last of the events. The first event of all tells which log it is.
    pub(super) fn moves(&self, state: &mut State, mask: Mask, span: Span) -> Vec<Move> {
        let log = *state.log.get_or_insert(span.first);
        let step = |(number, projection): (usize, &std::sync::Arc<dyn crate::Projection>)| Move {
            projection: projection.name().to_owned(),
            version: state.versions[number],
            from: state.positions[number],
            to: span.end,
            event: span.last,
            log,
            at: self.now,
        };
        self.plan.of(mask).map(step).collect()
    }

    fn moves_over(&self, state: &mut State, mask: Mask, events: &[StoredEvent]) -> Vec<Move> {
        Span::of(events).map(|span| self.moves(state, mask, span)).unwrap_or_default()
    }

    /// Applies, and takes over into the state what has been applied.
    pub(super) async fn apply_batch(&self, state: &mut State, mask: Mask, batch: Batch) -> Result<(), Failure> {
        let to = batch.moves.first().map_or(Position::START, |step| step.to);
        let park = batch.park.clone();
        self.tables.apply(Batch { continued: state.moved, ..batch }).await?;
        state.moved = true;
        for (number, projection) in self.plan.of(mask) {
            state.positions[number] = to;
            for parked in park.iter().filter(|parked| parked.projection == projection.name()) {
                tracing::error!(
                    projection = projection.name(),
                    stream = %parked.stream,
                    position = parked.position.0,
                    reason = parked.reason,
                    "an event was parked"
                );
                state.streams[number].insert(parked.stream.clone());
                state.parked[number] += 1;
            }
        }
        Ok(())
    }
}
