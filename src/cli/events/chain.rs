//! What led to events, and what followed from them.

use std::collections::{BTreeMap, HashMap, HashSet};

use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{EventId, Position, StoredEvent};

use super::PAGE;

/// Events by their causes, as trees: whatever the events that were asked about have to do with.
pub(super) struct Chain {
    events: BTreeMap<Position, StoredEvent>,
}

impl Chain {
    /// Reads the log from its beginning, once for each step back to a first cause and once for what followed.
    pub(super) async fn of(log: &dyn EventStore, asked: Vec<StoredEvent>) -> anyhow::Result<Self> {
        let mut events: BTreeMap<Position, StoredEvent> = asked.into_iter().map(|event| (event.position, event)).collect();
        loop {
            let known: HashSet<EventId> = events.values().map(|event| event.id).collect();
            let causes = events.values().filter_map(|event| event.metadata.causation);
            let missing: HashSet<EventId> = causes.filter(|cause| !known.contains(cause)).collect();
            // A cause that stands nowhere, as in a part of a log that was carried elsewhere, ends the search.
            let found = if missing.is_empty() {
                Vec::new()
            } else {
                gather(log, Position::START, |event| missing.contains(&event.id)).await?
            };
            if found.is_empty() {
                break;
            }
            events.extend(found.into_iter().map(|event| (event.position, event)));
        }
        let mut known: HashSet<EventId> = events.values().map(|event| event.id).collect();
        let first = events.keys().next().copied().unwrap_or(Position::START);
        let followed = gather(log, first, |event| {
            let follows = event.metadata.causation.is_some_and(|cause| known.contains(&cause));
            follows && known.insert(event.id)
        });
        events.extend(followed.await?.into_iter().map(|event| (event.position, event)));
        Ok(Self { events })
    }

    /// Each event with its depth, a cause before what followed from it.
    pub(super) fn in_order(&self) -> Vec<(usize, &StoredEvent)> {
        let ids: HashSet<EventId> = self.events.values().map(|event| event.id).collect();
        let mut by_cause: HashMap<Option<EventId>, Vec<&StoredEvent>> = HashMap::new();
        for event in self.events.values() {
            by_cause.entry(event.metadata.causation.filter(|cause| ids.contains(cause))).or_default().push(event);
        }
        let mut order = Vec::with_capacity(self.events.len());
        let mut open: Vec<(usize, &StoredEvent)> = Vec::new();
        let next = |depth: usize, cause: Option<EventId>| {
            let follow = by_cause.get(&cause).map(Vec::as_slice).unwrap_or_default();
            follow.iter().rev().map(move |event| (depth, *event))
        };
        open.extend(next(0, None));
        while let Some((depth, event)) = open.pop() {
            order.push((depth, event));
            open.extend(next(depth + 1, Some(event.id)));
        }
        order
    }
}

/// The events after the position that are wanted; each is asked about once, in order.
pub(super) async fn gather(
    log: &dyn EventStore,
    mut after: Position,
    mut is_wanted: impl FnMut(&StoredEvent) -> bool,
) -> anyhow::Result<Vec<StoredEvent>> {
    let mut found = Vec::new();
    loop {
        let page = log.read_all(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.position;
        found.extend(page.into_iter().filter(&mut is_wanted));
    }
}
