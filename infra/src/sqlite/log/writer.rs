//! The one task that writes.

use std::collections::HashMap;
use std::sync::Arc;

use cairn_commands::ports::checkpoints::CheckpointError;
use cairn_commands::ports::ledger::{Begun, LedgerError};
use cairn_domain::{Position, Timestamp};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::job::{BeginJob, FinishJob, Job, SaveJob};
use super::statements::LedgerEntry;
use super::{connect, statements, trouble};
use crate::group_commit::{self, AppendJob, Committer, Recent, Verdict, Waiting, tell_growth};

/// Commits what waits, group by group.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
    recent: Recent,
    growth: watch::Sender<Position>,
}

/// The jobs of one transaction, by kind, each in the order of their coming.
#[derive(Default)]
struct Group {
    appends: Vec<AppendJob>,
    begins: Vec<BeginJob>,
    finishes: Vec<FinishJob>,
    forgets: Vec<(Timestamp, oneshot::Sender<Result<u64, LedgerError>>)>,
    saves: Vec<SaveJob>,
}

/// What became of them, in the same order.
#[derive(Default)]
struct Outcome {
    head: Position,
    events: usize,
    verdicts: Vec<Vec<Verdict>>,
    begun: Vec<Begun>,
    forgotten: Vec<u64>,
}

impl Writer {
    pub(super) fn new(options: SqliteConnectOptions, connection: SqliteConnection, growth: watch::Sender<Position>) -> Self {
        let recent = Recent::new(*growth.borrow());
        Self { options, connection: Some(connection), recent, growth }
    }

    /// Works until it is told to stop and nothing is left, then gives the file back: the readers first, because whoever closes
    /// last tidies the WAL up, which only a writer can.
    pub(super) async fn run(mut self, jobs: mpsc::Receiver<Waiting<Job>>, readers: SqlitePool, stop: CancellationToken) {
        group_commit::run(&mut self, jobs, stop).await;
        readers.close().await;
        self.disconnect().await;
    }

    async fn execute(&mut self, group: &Group) -> Result<Outcome, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect::patiently(&self.options).await?,
        };
        let outcome = group.execute(&mut connection, &mut self.recent).await;
        self.connection = Some(connection);
        outcome
    }

    /// After a failure nobody knows in which state the connection is. Closing it rolls back whatever it had begun.
    async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the write connection of the event log did not close cleanly");
        }
    }
}

impl Committer for Writer {
    type Job = Job;

    async fn commit(&mut self, jobs: Vec<Job>) {
        let mut group = Group::default();
        for job in jobs {
            group.add(job);
        }
        match self.execute(&group).await {
            Ok(outcome) => {
                tell_growth(&self.growth, outcome.head);
                group.answer(outcome);
            }
            Err(error) => {
                self.disconnect().await;
                group.fail(&Arc::new(error));
            }
        }
    }
}

impl Group {
    fn add(&mut self, job: Job) {
        match job {
            Job::Append(job) => self.appends.push(job),
            Job::Begin(job) => self.begins.push(job),
            Job::Finish(job) => self.finishes.push(job),
            Job::Forget { before, answer } => self.forgets.push((before, answer)),
            Job::Save(job) => self.saves.push(job),
        }
    }

    /// One transaction. On an error nothing of it holds, or all of it: the caller closes the connection and tells nobody
    /// that it succeeded.
    async fn execute(&self, connection: &mut SqliteConnection, recent: &mut Recent) -> Result<Outcome, sqlx::Error> {
        let only_appends = self.begins.is_empty() && self.finishes.is_empty() && self.forgets.is_empty() && self.saves.is_empty();
        if only_appends && let Some(outcome) = self.execute_as_guessed(connection, recent).await? {
            return Ok(outcome);
        }
        let judge = statements::begin(connection, &self.appends).await?;
        let before = judge.head;
        let plan = judge.plan(&self.appends);
        let mut outcome = Outcome::default();
        if !self.begins.is_empty() || !self.finishes.is_empty() {
            outcome.begun = judge_begins(&self.begins, statements::enter(connection, &self.begins, &self.finishes).await?);
        }
        for (before, _) in &self.forgets {
            outcome.forgotten.push(statements::forget(connection, *before).await?);
        }
        for job in &self.saves {
            statements::save(connection, &job.saga, job.position).await?;
        }
        statements::insert_and_commit(connection, &plan.rows).await?;
        recent.learn(before, &plan);
        Ok(Outcome { head: plan.head, events: plan.rows.len(), verdicts: plan.verdicts, ..outcome })
    }

    /// One statement that is a transaction of its own. None if there is nothing to guess, or if the guess was wrong and nothing
    /// was written.
    async fn execute_as_guessed(
        &self,
        connection: &mut SqliteConnection,
        recent: &mut Recent,
    ) -> Result<Option<Outcome>, sqlx::Error> {
        let Some(plan) = recent.guess(&self.appends).filter(|plan| plan.rows.len() <= statements::ROWS_MAX) else {
            return Ok(None);
        };
        match statements::insert(connection, &plan.rows).await {
            Ok(()) => {}
            Err(error) if trouble::is_taken(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
        recent.learn(recent.head(), &plan);
        Ok(Some(Outcome { head: plan.head, events: plan.rows.len(), verdicts: plan.verdicts, ..Outcome::default() }))
    }

    fn answer(self, outcome: Outcome) {
        metrics::counter!("cairn_log_events_total").increment(outcome.events as u64);
        group_commit::answer(self.appends, outcome.verdicts);
        for (job, begun) in self.begins.into_iter().zip(outcome.begun) {
            let _ = job.answer.send(Ok(begun));
        }
        for job in self.finishes {
            let _ = job.answer.send(Ok(()));
        }
        for ((_, answer), forgotten) in self.forgets.into_iter().zip(outcome.forgotten) {
            let _ = answer.send(Ok(forgotten));
        }
        for job in self.saves {
            let _ = job.answer.send(Ok(()));
        }
    }

    fn fail(self, error: &Arc<sqlx::Error>) {
        let ledger_error = || LedgerError(Box::new(Arc::clone(error)));
        group_commit::refuse(self.appends, || trouble::of_write(error));
        for job in self.begins {
            let _ = job.answer.send(Err(ledger_error()));
        }
        for job in self.finishes {
            let _ = job.answer.send(Err(ledger_error()));
        }
        for (_, answer) in self.forgets {
            let _ = answer.send(Err(ledger_error()));
        }
        for job in self.saves {
            let _ = job.answer.send(Err(CheckpointError(Box::new(Arc::clone(error)))));
        }
    }
}

/// The first of the group to begin under a new key has begun it; those after it see its entry.
fn judge_begins(begins: &[BeginJob], mut entries: HashMap<String, LedgerEntry>) -> Vec<Begun> {
    let judge = |job: &BeginJob| {
        let Some(entry) = entries.get(&job.key) else {
            entries.insert(job.key.clone(), LedgerEntry { fingerprint: job.fingerprint.clone(), answer: None });
            return Begun::New;
        };
        match &entry.answer {
            _ if entry.fingerprint != job.fingerprint => Begun::Reused,
            None => Begun::Unanswered,
            Some(answer) => Begun::Answered(answer.clone()),
        }
    };
    begins.iter().map(judge).collect()
}
