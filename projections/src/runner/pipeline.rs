//! Reading, projecting and applying at the same time, for a rebuild: on two cores it takes as long as its slowest stage.

use std::sync::Arc;

use cairn_domain::{Position, StoredEvent, Timestamp};
use tokio::sync::mpsc;

use super::Failure;
use super::lane::Span;
use super::plan::{Mask, ParkedStreams, Plan};
use crate::ports::{Parked, Source, SourceError};
use crate::statement::{Run, combine};

/// Batches that wait between two stages. With [`BATCH_EVENTS`] it bounds the memory that a rebuild takes.
const WAITING: usize = 1;

/// Events per batch. The more, the more changes of one row meet in one batch, and the more memory is taken.
pub(super) const BATCH_EVENTS: usize = 8192;

/// What comes out of the last stage. A channel that closes before it told the end has lost a stage.
pub(super) enum Ready {
    /// To be applied.
    Batch(Prepared),
    /// The part of the log has ended.
    End,
}

/// Projected events.
pub(super) struct Prepared {
    pub(super) runs: Vec<Run>,
    pub(super) park: Vec<Parked>,
    pub(super) span: Span,
}

/// A part of the log, for some of the projections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) mask: Mask,
    /// Where they stand.
    pub(super) after: Position,
    /// Where it ends, itself included; none for the end of the log.
    pub(super) until: Option<Position>,
}

impl Stretch {
    /// Whether an event there is not behind its end.
    pub(super) fn reaches(self, position: Position) -> bool {
        self.until.is_none_or(|until| position <= until)
    }
}

/// The batches of a part of the log, until it ends. Dropping the receiver ends the stages.
pub(super) fn start(
    plan: &Arc<Plan>,
    source: &Arc<dyn Source>,
    stretch: Stretch,
    streams: ParkedStreams,
    now: Timestamp,
) -> mpsc::Receiver<Result<Ready, Failure>> {
    let (pages_out, pages_in) = mpsc::channel(WAITING);
    let (ready_out, ready_in) = mpsc::channel(WAITING);
    tokio::spawn(read(Arc::clone(source), stretch, pages_out));
    tokio::spawn(project(Arc::clone(plan), (stretch.mask, streams), now, pages_in, ready_out));
    ready_in
}

/// Ends with a page that is empty.
async fn read(source: Arc<dyn Source>, stretch: Stretch, pages: mpsc::Sender<Result<Vec<StoredEvent>, SourceError>>) {
    let mut after = stretch.after;
    loop {
        let over = stretch.until.is_some_and(|until| after >= until);
        let mut page = if over { Ok(Vec::new()) } else { source.read_all(after, BATCH_EVENTS).await };
        if let Ok(events) = &mut page {
            events.retain(|event| stretch.reaches(event.position));
        }
        let last = page.as_ref().ok().and_then(|events| events.last()).map(|event| event.position);
        if pages.send(page).await.is_err() {
            return;
        }
        match last {
            Some(last) => after = last,
            None => return,
        }
    }
}

async fn project(
    plan: Arc<Plan>,
    (mask, mut streams): (Mask, ParkedStreams),
    now: Timestamp,
    mut pages: mpsc::Receiver<Result<Vec<StoredEvent>, SourceError>>,
    ready: mpsc::Sender<Result<Ready, Failure>>,
) {
    while let Some(page) = pages.recv().await {
        let batch = match page {
            Err(error) => Err(error.into()),
            Ok(events) => {
                let plan = Arc::clone(&plan);
                let work = tokio::task::spawn_blocking(move || project_page(&plan, mask, streams, now, &events));
                let Ok((batch, so_far)) = work.await else { return };
                streams = so_far;
                Ok(batch)
            }
        };
        if ready.send(batch).await.is_err() {
            return;
        }
    }
}

fn project_page(
    plan: &Plan,
    mask: Mask,
    mut streams: ParkedStreams,
    now: Timestamp,
    events: &[StoredEvent],
) -> (Ready, ParkedStreams) {
    let Some(span) = Span::of(events) else { return (Ready::End, streams) };
    let projected = plan.project(mask, events, &streams, now);
    streams.iter_mut().zip(projected.streams).for_each(|(all, new)| all.extend(new));
    let runs = combine(projected.statements);
    (Ready::Batch(Prepared { runs, park: projected.park, span }), streams)
}
