//! The one task of this process that writes.

use std::sync::Arc;

use cairn_domain::Position;
use sqlx::MySqlConnection;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::statements;
use crate::group_commit::{self, AppendJob, Committer, Plan, Recent, Verdict, Waiting, tell_growth};
use crate::mysql::connect::{Server, Writing};
use crate::mysql::trouble;

/// Commits what waits, group by group.
pub(super) struct Writer {
    server: Server,
    writing: Writing,
    /// None until something was appended over the present connection: a server that was away may have lost what it had not flushed, or be
    /// another one.
    recent: Option<Recent>,
    growth: watch::Sender<Position>,
}

/// What was committed.
struct Outcome {
    head: Position,
    events: usize,
    verdicts: Vec<Vec<Verdict>>,
}

impl Writer {
    pub(super) fn new(server: Server, growth: watch::Sender<Position>) -> Self {
        Self { writing: Writing::new(server.clone()), server, recent: None, growth }
    }

    pub(super) async fn run(mut self, jobs: mpsc::Receiver<Waiting<AppendJob>>, stop: CancellationToken) {
        group_commit::run(&mut self, jobs, stop).await;
        self.writing.close().await;
    }

    /// On an error the connection is gone, and with it whatever the transaction had done, unless the error hides a commit.
    async fn execute(&mut self, jobs: &[AppendJob]) -> Result<Outcome, sqlx::Error> {
        let mut connection = self.writing.take().await?;
        if self.writing.is_fresh() {
            self.recent = None;
        }
        let outcome = self.server.while_alive(execute(&mut connection, &mut self.recent, jobs)).await?;
        self.writing.put_back(connection);
        Ok(outcome)
    }
}

impl Committer for Writer {
    type Job = AppendJob;

    async fn commit(&mut self, mut jobs: Vec<AppendJob>) {
        // Whoever has stopped waiting was told that nothing is known, and may have tried again by now.
        jobs.retain(|job| !job.is_abandoned());
        if jobs.is_empty() {
            return;
        }
        match self.execute(&jobs).await {
            Ok(outcome) => {
                tell_growth(&self.growth, outcome.head);
                metrics::counter!("cairn_log_events_total").increment(outcome.events as u64);
                group_commit::answer(jobs, outcome.verdicts);
            }
            Err(error) => {
                let error = Arc::new(error);
                group_commit::refuse(jobs, || trouble::of_append(&error));
            }
        }
    }
}

/// One transaction: as guessed, in one trip to the server, or else after a look at the log.
async fn execute(
    connection: &mut MySqlConnection,
    recent: &mut Option<Recent>,
    jobs: &[AppendJob],
) -> Result<Outcome, sqlx::Error> {
    if let Some(recent) = recent
        && let Some(plan) = recent.guess(jobs)
    {
        match statements::append_as_guessed(connection, &plan.rows, recent.head(), plan.head).await {
            Ok(()) => return Ok(settle(recent, recent.head(), plan)),
            // Another process has appended meanwhile, or an append was a repeat, or a stream was not new after all.
            Err(error) if trouble::is_null(&error) || trouble::is_taken(&error) => statements::give_up(connection).await?,
            Err(error) => return Err(error),
        }
    }
    let head = statements::lock(connection).await?;
    let plan = statements::look(connection, head, jobs).await?.plan(jobs);
    if !plan.rows.is_empty() {
        statements::insert_and_commit(connection, &plan.rows, plan.head).await?;
    } else if plan.verdicts.iter().flatten().any(|verdict| matches!(verdict, Verdict::Repeated(_))) {
        statements::confirm(connection).await?;
    } else {
        statements::give_up(connection).await?;
    }
    Ok(settle(recent.get_or_insert_with(|| Recent::new(head)), head, plan))
}

fn settle(recent: &mut Recent, before: Position, plan: Plan<'_>) -> Outcome {
    recent.learn(before, &plan);
    Outcome { head: plan.head, events: plan.rows.len(), verdicts: plan.verdicts }
}
