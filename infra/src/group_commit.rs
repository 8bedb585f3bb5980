//! Group commit: the appends that wait together are committed together, so that one flush to the disk serves all of them.
//!
//! What a log over a database needs for it, whichever the database is: the queue before the one task that writes, and the judgement what
//! becomes of each append. The database's own part is a [`Committer`].

use std::time::Instant;

use cairn_domain::Position;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

mod answer;
mod append;
mod judge;
mod queue;
mod recent;

pub(crate) use answer::{answer, refuse};
pub(crate) use append::{AppendJob, EncodedAppend, append, take_in};
#[cfg(feature = "mysql")]
pub(crate) use judge::Plan;
pub(crate) use judge::{Judge, Row, Verdict};
pub(crate) use queue::{Queue, Waiting, bounded};
pub(crate) use recent::Recent;

/// Jobs that are committed together at most. The bytes of a group are bounded by those of the queue.
const GROUP_JOBS_MAX: usize = 512;

/// What writes.
pub(crate) trait Committer: Send {
    /// What it is asked to do.
    type Job: Send;

    /// Does all of the jobs in one transaction, and answers each of them.
    fn commit(&mut self, jobs: Vec<Self::Job>) -> impl Future<Output = ()> + Send;
}

/// Commits what waits, group by group, until it is told to stop and nothing is left.
pub(crate) async fn run<C: Committer>(committer: &mut C, mut jobs: mpsc::Receiver<Waiting<C::Job>>, stop: CancellationToken) {
    let mut waiting = Vec::with_capacity(GROUP_JOBS_MAX);
    loop {
        let taken = tokio::select! {
            taken = jobs.recv_many(&mut waiting, GROUP_JOBS_MAX) => taken,
            () = stop.cancelled(), if !jobs.is_closed() => {
                jobs.close();
                continue;
            }
        };
        if taken == 0 {
            return;
        }
        let started = Instant::now();
        let (group, _room): (Vec<_>, Vec<_>) = waiting.drain(..).map(|waiting| (waiting.job, waiting.room)).unzip();
        committer.commit(group).await;
        metrics::histogram!("cairn_log_commit_seconds").record(started.elapsed());
        #[expect(clippy::cast_precision_loss, reason = "a group has some hundred jobs")]
        metrics::histogram!("cairn_log_group_size").record(taken as f64);
        if taken > 1 {
            let_them_come_back().await;
        }
    }
}

/// Those who were just answered usually have more to append, and would be too late for the next group by some microseconds.
/// (Measured: without this, 32 writers fall apart into two halves that take turns, at four fifths of the speed.)
async fn let_them_come_back() {
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}

/// Tells those who wait how far the log goes, if that is news.
pub(crate) fn tell_growth(growth: &watch::Sender<Position>, head: Position) {
    growth.send_if_modified(|known| {
        let grown = head > *known;
        *known = head.max(*known);
        grown
    });
}

pub(crate) fn describe_metrics() {
    use metrics::Unit;
    metrics::describe_counter!("cairn_log_appends_total", Unit::Count, "Appends by what became of them.");
    metrics::describe_counter!("cairn_log_events_total", Unit::Count, "Events that were appended.");
    metrics::describe_histogram!("cairn_log_commit_seconds", Unit::Seconds, "How long a commit of the event log took.");
    metrics::describe_histogram!("cairn_log_group_size", Unit::Count, "Jobs that were committed together.");
}
