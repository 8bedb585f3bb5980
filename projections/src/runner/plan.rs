use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cairn_domain::event::CATALOGUE;
use cairn_domain::{StoredEvent, StreamName, Timestamp, codec};

use crate::ports::Parked;
use crate::projection::{Envelope, Projection};
use crate::statement::Statement;

/// Some of the projections, one bit for each.
pub(super) type Mask = u32;

/// The projections, and which of them looks at which event.
pub(crate) struct Plan {
    pub(super) projections: Vec<Arc<dyn Projection>>,
    by_name: HashMap<&'static str, Mask>,
    by_category: HashMap<&'static str, Mask>,
}

/// The streams of which something is parked, for each projection.
pub(super) type ParkedStreams = Vec<HashSet<StreamName>>;

/// What comes out of some events.
pub(super) struct Projected {
    pub(super) statements: Vec<Statement>,
    pub(super) park: Vec<Parked>,
    /// Streams of which nothing was parked before.
    pub(super) streams: ParkedStreams,
}

impl Plan {
    /// At most 32 projections.
    pub(super) fn new(projections: Vec<Arc<dyn Projection>>) -> Self {
        let mut by_name: HashMap<&'static str, Mask> = HashMap::new();
        let mut by_category: HashMap<&'static str, Mask> = HashMap::new();
        for (number, projection) in projections.iter().enumerate() {
            for name in projection.events() {
                *by_name.entry(name).or_default() |= 1 << number;
                let category = CATALOGUE.iter().find(|entry| entry.1 == *name).map_or("", |entry| entry.0);
                *by_category.entry(category).or_default() |= 1 << number;
            }
        }
        Self { projections, by_name, by_category }
    }

    pub(super) fn len(&self) -> usize {
        self.projections.len()
    }

    pub(super) fn all(&self) -> Mask {
        (0..self.len()).fold(0, |mask, number| mask | 1 << number)
    }

    pub(super) fn of(&self, mask: Mask) -> impl Iterator<Item = (usize, &Arc<dyn Projection>)> {
        self.projections.iter().enumerate().filter(move |(number, _)| mask & (1 << number) != 0)
    }

    /// Projects the events, in order, for the projections of the mask. What can't be projected is parked, and its stream with it.
    pub(super) fn project(&self, mask: Mask, events: &[StoredEvent], streams: &ParkedStreams, now: Timestamp) -> Projected {
        let mut projected = Projected { statements: Vec::new(), park: Vec::new(), streams: vec![HashSet::new(); self.len()] };
        for event in events {
            let wanted = mask & self.wanted(event);
            if wanted != 0 {
                self.project_one(wanted, event, streams, now, &mut projected);
            }
        }
        projected
    }

    /// Who looks at the event. One that is not known here comes from a newer program; it may mean something to whoever follows its category.
    fn wanted(&self, event: &StoredEvent) -> Mask {
        if let Some(mask) = self.by_name.get(event.name.as_str()) {
            return *mask;
        }
        let known = CATALOGUE.iter().any(|entry| entry.1 == event.name);
        if known { 0 } else { self.by_category.get(event.stream.category()).copied().unwrap_or_default() }
    }

    fn project_one(&self, wanted: Mask, stored: &StoredEvent, streams: &ParkedStreams, now: Timestamp, into: &mut Projected) {
        let decoded = codec::decode(stored).map_err(|error| chain(&error));
        let envelope = envelope(stored);
        for (number, projection) in self.of(wanted) {
            let waits = [&streams[number], &into.streams[number]].iter().any(|parked| parked.contains(&stored.stream));
            let outcome = match &decoded {
                _ if waits => Err(WAITS.to_owned()),
                Ok(event) => projection.project(event, envelope).map_err(|error| chain(&error)),
                Err(reason) => Err(reason.clone()),
            };
            match outcome {
                Ok(statements) => into.statements.extend(statements),
                Err(reason) => {
                    into.streams[number].insert(stored.stream.clone());
                    into.park.push(parked(projection.name(), stored, reason, now));
                }
            }
        }
    }
}

fn envelope(stored: &StoredEvent) -> Envelope<'_> {
    Envelope { stream: &stored.stream, version: stored.version, position: stored.position, time: stored.time }
}

/// Why an event is parked that has nothing wrong in itself.
pub(super) const WAITS: &str = "an earlier event of its stream is parked";

pub(super) fn parked(projection: &str, event: &StoredEvent, reason: String, parked_at: Timestamp) -> Parked {
    Parked {
        projection: projection.to_owned(),
        stream: event.stream.clone(),
        position: event.position,
        event: event.id,
        name: event.name.clone(),
        reason,
        parked_at,
    }
}

/// The error with its causes, for the operator.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
