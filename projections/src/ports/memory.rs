//! The twins of the ports, for tests: a log that is a list, and tables that are maps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cairn_domain::{Position, StoredEvent, Timestamp};
use tokio::sync::watch;

use super::{Batch, Checkpoint, Draft, NewTables, OnRefusal, Parked, Source, SourceError, Tables, TablesError, Workshop};
use crate::projection::Projection;
use crate::statement::{Action, Run, Value};

/// A log that is a list. Its events must be in the order of their positions.
#[derive(Default)]
pub struct MemorySource {
    events: Mutex<Vec<StoredEvent>>,
    growth: watch::Sender<Position>,
}

impl MemorySource {
    /// A log with these events.
    pub fn new(events: Vec<StoredEvent>) -> Self {
        let source = Self::default();
        source.append(events);
        source
    }

    /// More events.
    pub fn append(&self, more: Vec<StoredEvent>) {
        let mut events = lock(&self.events);
        events.extend(more);
        self.growth.send_replace(events.last().map(|event| event.position).unwrap_or_default());
    }

    /// Puts another event in the place of the one at its position.
    pub fn replace(&self, event: StoredEvent) {
        let mut events = lock(&self.events);
        if let Some(place) = events.iter_mut().find(|known| known.position == event.position) {
            *place = event;
        }
    }
}

#[async_trait]
impl Source for MemorySource {
    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<StoredEvent>, SourceError> {
        let events = lock(&self.events);
        let first = events.partition_point(|event| event.position <= after);
        Ok(events[first..].iter().take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Position, SourceError> {
        Ok(lock(&self.events).last().map(|event| event.position).unwrap_or_default())
    }

    fn growth(&self) -> watch::Receiver<Position> {
        self.growth.subscribe()
    }
}

/// The rows of every table, by table and key.
pub type Rows = BTreeMap<(&'static str, String), Vec<Value>>;

/// Tables that are maps.
#[derive(Clone)]
pub struct MemoryTables {
    state: Arc<Mutex<MemoryState>>,
    aside: Arc<Mutex<Aside>>,
    projections: Vec<Arc<dyn Projection>>,
}

/// What stands beside the live tables.
#[derive(Default)]
struct Aside {
    kept: Option<MemoryState>,
    before: Option<MemoryState>,
}

#[derive(Clone, Default)]
struct MemoryState {
    rows: Rows,
    checkpoints: BTreeMap<String, Checkpoint>,
    parked: BTreeMap<(String, Position), Parked>,
    refused: Option<String>,
    failures: usize,
}

impl MemoryTables {
    /// Empty tables of these projections.
    pub fn new(projections: Vec<Arc<dyn Projection>>) -> Self {
        let checkpoints = projections.iter().map(|projection| (projection.name().to_owned(), start(&**projection))).collect();
        let state = MemoryState { checkpoints, ..MemoryState::default() };
        Self { state: Arc::new(Mutex::new(state)), aside: Arc::default(), projections }
    }

    /// All rows, as they are now.
    pub fn rows(&self) -> Rows {
        lock(&self.state).rows.clone()
    }

    /// The same tables for other versions of the projections.
    #[must_use]
    pub fn of(&self, projections: Vec<Arc<dyn Projection>>) -> Self {
        Self { projections, ..self.clone() }
    }

    /// The projections whose tables a draft has.
    pub fn projections(&self) -> &[Arc<dyn Projection>] {
        &self.projections
    }

    /// From now on a row with this key is refused; none to take all rows again.
    pub fn refuse(&self, key: Option<&str>) {
        lock(&self.state).refused = key.map(str::to_owned);
    }

    /// The next so many batches fail in a way that may pass.
    pub fn fail(&self, times: usize) {
        lock(&self.state).failures = times;
    }

    /// Puts a checkpoint where somebody else may have moved it.
    pub fn set_checkpoint(&self, checkpoint: Checkpoint) {
        lock(&self.state).checkpoints.insert(checkpoint.projection.clone(), checkpoint);
    }
}

fn start(projection: &dyn Projection) -> Checkpoint {
    Checkpoint {
        projection: projection.name().to_owned(),
        version: projection.version(),
        position: Position::START,
        event: None,
        log: None,
        updated_at: Timestamp(0),
        held_elsewhere: false,
        paused: false,
    }
}

#[async_trait]
impl Tables for MemoryTables {
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError> {
        Ok(lock(&self.state).checkpoints.values().cloned().collect())
    }

    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError> {
        let state = lock(&self.state);
        let of_it = state.parked.values().filter(|parked| parked.projection == projection && parked.position > after);
        Ok(of_it.take(limit).cloned().collect())
    }

    async fn apply(&self, batch: Batch) -> Result<(), TablesError> {
        let mut state = lock(&self.state);
        if let Some(left) = state.failures.checked_sub(1) {
            state.failures = left;
            return Err(TablesError::Unavailable("told to fail".into()));
        }
        let mut after = state.clone();
        after.apply(batch)?;
        *state = after;
        Ok(())
    }
}

impl MemoryState {
    fn apply(&mut self, batch: Batch) -> Result<(), TablesError> {
        for step in batch.moves {
            let checkpoint = self.checkpoints.get_mut(&step.projection);
            let fits =
                |known: &&mut Checkpoint| known.position == step.from && known.version == step.version && !known.held_elsewhere;
            let checkpoint = checkpoint.filter(fits);
            let checkpoint = checkpoint.ok_or_else(|| TablesError::Lost { projection: step.projection.clone() })?;
            *checkpoint = Checkpoint {
                position: step.to,
                event: Some(step.event),
                log: Some(step.log),
                updated_at: step.at,
                ..checkpoint.clone()
            };
        }
        for (projection, position) in batch.release {
            let released = self.parked.remove(&(projection.clone(), position));
            released.ok_or(TablesError::Lost { projection })?;
        }
        for parked in batch.park {
            self.parked.insert((parked.projection.clone(), parked.position), parked);
        }
        batch.runs.iter().try_for_each(|run| self.run(run))
    }

    fn run(&mut self, run: &Run) -> Result<(), TablesError> {
        for values in run.values.chunks(run.row_values()) {
            let place = if matches!(run.action, Action::Set(_)) { values.len() - 1 } else { 0 };
            let Value::Text(key) = &values[place] else { return Err(TablesError::Rejected("a key must be a text".into())) };
            if self.refused.as_deref() == Some(key) {
                return Err(TablesError::Rejected("told to refuse".into()));
            }
            self.change((run.table.name, key.to_string()), &run.action, values);
        }
        Ok(())
    }

    fn change(&mut self, key: (&'static str, String), action: &Action, values: &[Value]) {
        match action {
            Action::Put => {
                self.rows.insert(key, values[1..].to_vec());
            }
            Action::Remove => {
                self.rows.remove(&key);
            }
            Action::Add => {
                let row = self.rows.entry(key).or_insert_with(|| vec![Value::Integer(0); values.len() - 1]);
                row.iter_mut().zip(&values[1..]).for_each(|(sum, more)| *sum = Value::Integer(number(sum) + number(more)));
            }
            Action::Set(numbers) => {
                if let Some(row) = self.rows.get_mut(&key) {
                    numbers.iter().zip(values).for_each(|(number, value)| row[number - 1] = value.clone());
                }
            }
        }
    }
}

fn number(value: &Value) -> i64 {
    if let Value::Integer(number) = value { *number } else { 0 }
}

#[async_trait]
impl Workshop for MemoryTables {
    async fn draft(&self, on_refusal: OnRefusal) -> Result<Box<dyn Draft>, TablesError> {
        let tables = Self::new(self.projections.clone());
        lock(&tables.state).refused.clone_from(&lock(&self.state).refused);
        lock(&self.aside).kept = None;
        Ok(Box::new(MemoryDraft { tables, live: self.clone(), on_refusal }))
    }

    async fn kept(&self) -> Result<Option<Box<dyn Draft>>, TablesError> {
        let Some(kept) = lock(&self.aside).kept.take() else { return Ok(None) };
        let tables = Self { state: Arc::new(Mutex::new(kept)), ..Self::new(self.projections.clone()) };
        Ok(Some(Box::new(MemoryDraft { tables, live: self.clone(), on_refusal: OnRefusal::Spoil })))
    }

    async fn before(&self) -> Result<Vec<Checkpoint>, TablesError> {
        let aside = lock(&self.aside);
        Ok(aside.before.iter().flat_map(|before| before.checkpoints.values().cloned()).collect())
    }

    async fn roll_back(&self) -> Result<(), TablesError> {
        let mut aside = lock(&self.aside);
        let before = aside.before.as_mut().ok_or_else(|| TablesError::Unavailable("there are no tables before".into()))?;
        std::mem::swap(before, &mut lock(&self.state));
        Ok(())
    }

    async fn pause(&self, projection: &str, paused: bool) -> Result<(), TablesError> {
        lock(&self.state).checkpoints.entry(projection.to_owned()).and_modify(|known| known.paused = paused);
        Ok(())
    }

    async fn take_over(&self) -> Result<(), TablesError> {
        lock(&self.state).checkpoints.values_mut().for_each(|checkpoint| checkpoint.held_elsewhere = false);
        Ok(())
    }

    async fn step_down(&self) -> Result<(), TablesError> {
        Ok(())
    }
}

struct MemoryDraft {
    tables: MemoryTables,
    live: MemoryTables,
    on_refusal: OnRefusal,
}

#[async_trait]
impl Tables for MemoryDraft {
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, TablesError> {
        self.tables.checkpoints().await
    }

    async fn parked(&self, projection: &str, after: Position, limit: usize) -> Result<Vec<Parked>, TablesError> {
        self.tables.parked(projection, after, limit).await
    }

    async fn apply(&self, batch: Batch) -> Result<(), TablesError> {
        match self.tables.apply(batch).await {
            Err(TablesError::Rejected(error)) if self.on_refusal == OnRefusal::Spoil => Err(TablesError::Spoilt(error)),
            applied => applied,
        }
    }
}

#[async_trait]
impl NewTables for MemoryDraft {
    async fn index(&self) -> Result<(), TablesError> {
        Ok(())
    }
}

#[async_trait]
impl Draft for MemoryDraft {
    async fn promote(self: Box<Self>) -> Result<(), TablesError> {
        let new = lock(&self.tables.state).clone();
        let before = std::mem::replace(&mut *lock(&self.live.state), new);
        lock(&self.live.aside).before = Some(before);
        Ok(())
    }

    async fn keep(self: Box<Self>) -> Result<(), TablesError> {
        lock(&self.live.aside).kept = Some(lock(&self.tables.state).clone());
        Ok(())
    }

    async fn discard(self: Box<Self>) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
