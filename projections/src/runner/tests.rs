mod follow;
mod parking;
mod rebuilding;
mod steering;

use cairn_domain::{EventId, Position, StoredEvent, Timestamp, Version};
use uuid::Uuid;

use super::*;
use crate::ports::memory::{MemorySource, MemoryTables, Rows};
use crate::ports::{Checkpoint, Tables};
use crate::projections;
use crate::sample::Sample;

const SEED: u64 = 42;

struct World {
    source: Arc<MemorySource>,
    tables: MemoryTables,
    runner: Runner,
}

fn settings() -> Settings {
    Settings { poll: Duration::from_millis(20), retry_wait_min: Duration::from_millis(1), ..Settings::new(|| Timestamp(77)) }
}

fn world(events: Vec<StoredEvent>) -> World {
    world_with(events, settings())
}

fn world_with(events: Vec<StoredEvent>, settings: Settings) -> World {
    let source = Arc::new(MemorySource::new(events));
    let tables = MemoryTables::new(projections());
    World { runner: runner(&source, &tables, settings), source, tables }
}

fn runner(source: &Arc<MemorySource>, tables: &MemoryTables, settings: Settings) -> Runner {
    Runner::new(projections(), Arc::clone(source) as Arc<dyn Source>, Arc::new(tables.clone()), settings)
}

/// The rows as one batch per event makes them, with nothing joined: the meaning of the log.
async fn rows_of(events: Vec<StoredEvent>) -> Rows {
    let world = world_with(events, Settings { batch_events_max: 1, ..settings() });
    world.runner.catch_up().await.expect("caught up");
    world.tables.rows()
}

async fn checkpoint(tables: &MemoryTables, name: &str) -> Checkpoint {
    let all = tables.checkpoints().await.expect("checkpoints");
    all.into_iter().find(|checkpoint| checkpoint.projection == name).expect("a checkpoint")
}

fn broken(event: &StoredEvent) -> StoredEvent {
    StoredEvent { data: "{".to_owned(), ..event.clone() }
}

/// The place of an event of that name whose stream has more events of interest after it.
fn first(events: &[StoredEvent], name: &str) -> usize {
    let followed = |event: &StoredEvent| events.iter().filter(|other| other.stream == event.stream).count() > 2;
    events.iter().position(|event| event.name == name && followed(event)).expect("such an event")
}
