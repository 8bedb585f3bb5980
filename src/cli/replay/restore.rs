//! `--restore`: a folder as it was.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::Journal;
use cairn_commands::bring_back::{self, Taken};
use cairn_commands::chosen::Moment;
use cairn_commands::ports::ids::Ids;
use cairn_domain::{AccountId, FolderId, Position};
use cairn_infra::clock::SystemClock;
use cairn_infra::ids::RandomIds;
use cairn_projections::Replay;
use cairn_projections::queries::folders::owner_of_folder;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::entries::{Entry, entries_of, gone_of, projections};
use super::plan::{Gone, Planned, What, plan};
use super::{Log, go, tables_of_drives, unless_stopped};
use crate::cli::moment::place_of;
use crate::cli::progress::{steps_bar, stop_on_signal};
use crate::cli::{Place, say};
use crate::wiring::now;

pub(super) struct Restore {
    pub(super) until: Moment,
    pub(super) folder: FolderId,
    /// Whether it is done, or only told.
    pub(super) yes: bool,
    pub(super) json: bool,
}

/// Somebody's drive as it was and as it is.
struct States {
    owner: AccountId,
    then: Vec<Entry>,
    now: Vec<Entry>,
    gone: Gone,
    /// Up to where the log was read for it.
    head: Position,
}

/// What has to be done.
struct Work {
    owner: AccountId,
    plan: Vec<Planned>,
    /// To be gone back to by whoever wants to undo it.
    before: Position,
}

/// How far it was done: what came of the first steps, and why not of the others.
struct Outcome {
    taken: Vec<Taken>,
    /// None when nothing is left to do.
    ended: Option<anyhow::Error>,
}

impl Restore {
    /// Ends with 1 when something is gone for good, or not everything was done.
    pub(super) async fn carry_out(self, place: &Place) -> anyhow::Result<ExitCode> {
        let stop = stop_on_signal()?;
        let log = Log::open(place).await?;
        let done = self.with(&log, &stop).await;
        log.closing.close().await;
        // Whoever reads what is said may go away: nothing is left to do by now.
        let (work, outcome) = done?;
        self.tell(&work, outcome.as_ref());
        let lost = work.plan.iter().any(|planned| planned.what == What::Lost);
        let Some(Outcome { taken, ended }) = outcome else {
            return Ok(if lost { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        };
        if let Some(error) = ended {
            let (done, steps) = (taken.len(), work.plan.len());
            return Err(error.context(format!("{done} of {steps} steps were taken; the same command goes on with the others")));
        }
        Ok(if taken.iter().any(|taken| is_gone(*taken)) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// Says nothing yet.
    async fn with(&self, log: &Log, stop: &CancellationToken) -> anyhow::Result<(Work, Option<Outcome>)> {
        let journal = Journal::new(log.store.clone(), Arc::new(SystemClock), Arc::new(RandomIds));
        let work = unless_stopped(stop, self.work(log, &journal, stop)).await.context("nothing was changed")?;
        if !self.yes {
            return Ok((work, None));
        }
        let bar = steps_bar(work.plan.len() as u64);
        let outcome = take_all(&journal, &work, stop, &|steps| bar.set_position(steps)).await;
        bar.finish_and_clear();
        Ok((work, Some(outcome)))
    }

    async fn work(&self, log: &Log, journal: &Journal, stop: &CancellationToken) -> anyhow::Result<Work> {
        let States { owner, then, now, gone, head } = self.states(log, stop).await?;
        let plan = plan(&then, &now, self.folder, &gone)?;
        let plan = plan.with_context(|| format!("there was no folder {} then", self.folder))?;
        Ok(Work { owner, plan: needed(journal, owner, plan).await?, before: head })
    }

    /// One replay passes the one time on its way to the other.
    async fn states(&self, log: &Log, stop: &CancellationToken) -> anyhow::Result<States> {
        let (until, head) = (place_of(self.until, &*log.source).await?, log.source.head().await?);
        let tables = tables_of_drives().await?;
        let mut replay = Replay::new(projections(), log.source.clone(), &tables, now());
        go(&mut replay, until, stop).await?;
        replay.index().await?;
        let then = match owner_of_folder(&tables, self.folder).await? {
            Some(owner) => Some(entries_of(&tables, owner).await?),
            None => None,
        };
        go(&mut replay, head, stop).await?;
        let Some(owner) = owner_of_folder(&tables, self.folder).await? else { bail!("there is no folder {}", self.folder) };
        let then = match then {
            Some(then) => then,
            None => self.entries_then(log, until, owner, stop).await?,
        };
        let gone = Gone::new(gone_of(&tables, owner).await?);
        Ok(States { owner, then, now: entries_of(&tables, owner).await?, gone, head })
    }

    /// A folder that was made again since was another one then: only now is it known whose.
    async fn entries_then(
        &self,
        log: &Log,
        until: Position,
        owner: AccountId,
        stop: &CancellationToken,
    ) -> anyhow::Result<Vec<Entry>> {
        let tables = tables_of_drives().await?;
        let mut replay = Replay::new(projections(), log.source.clone(), &tables, now());
        go(&mut replay, until, stop).await?;
        replay.index().await?;
        entries_of(&tables, owner).await
    }

    fn tell(&self, work: &Work, outcome: Option<&Outcome>) {
        let taken = outcome.map_or(&[][..], |outcome| outcome.taken.as_slice());
        // What was not begun is not told, unless nothing was to be done anyway.
        let told = if outcome.is_some() { taken.len() } else { work.plan.len() };
        for (number, planned) in work.plan.iter().take(told).enumerate() {
            say(&self.line(planned, taken.get(number).copied()));
        }
        let undo = taken.iter().any(|taken| matches!(taken, Taken::Done(_))).then_some(work.before);
        if self.json {
            say(&summary(work, outcome, undo).to_string());
            return;
        }
        say(&in_words(work, outcome));
        if let Some(before) = undo {
            say(&format!("To undo it: cairn replay --until {before} --restore --folder {} --yes", self.folder));
        }
    }

    fn line(&self, planned: &Planned, taken: Option<Taken>) -> String {
        let (what, path) = (planned.what.text(), &planned.path);
        let outcome = taken.map(|taken| match taken {
            Taken::Done(_) | Taken::WasSo => "done",
            Taken::EntryGone => "gone for good",
            Taken::ContentGone => "its content of then is gone for good",
        });
        if self.json {
            let Planned { id, displaced, .. } = planned;
            return json!({ "do": what, "id": id, "path": path, "to_the_top": displaced, "outcome": outcome }).to_string();
        }
        let outcome = outcome.filter(|outcome| *outcome != "done").map_or_else(String::new, |outcome| format!("  ({outcome})"));
        let top = if planned.displaced { "  (to the top: the folder that it stood in is not there)" } else { "" };
        format!("{what:<8} {path}{top}{outcome}")
    }
}

/// The steps, and those of them that are known to be in vain.
fn counted(work: &Work) -> (usize, usize) {
    let lost = work.plan.iter().filter(|planned| planned.what == What::Lost).count();
    (work.plan.len() - lost, lost)
}

fn in_words(work: &Work, outcome: Option<&Outcome>) -> String {
    let Some(Outcome { taken, ended }) = outcome else {
        return match counted(work) {
            (0, 0) => "Everything is as it was then.".to_owned(),
            (0, lost) => format!("Nothing can be done: {lost} were removed for good."),
            (steps, 0) => format!("{steps} things would be done: --yes does them."),
            (steps, lost) => format!("{steps} things would be done, {lost} were removed for good: --yes does what can be done."),
        };
    };
    if work.plan.is_empty() {
        return "Everything is as it was then.".to_owned();
    }
    let gone = taken.iter().filter(|taken| is_gone(**taken)).count();
    let left = if ended.is_some() { format!(", {} were not begun", work.plan.len() - taken.len()) } else { String::new() };
    format!("{} things are done, {gone} could not be{left}.", taken.len() - gone)
}

fn summary(work: &Work, outcome: Option<&Outcome>, undo: Option<Position>) -> serde_json::Value {
    let (steps, lost) = counted(work);
    let taken = outcome.map(|outcome| &outcome.taken);
    let gone = taken.map(|taken| taken.iter().filter(|taken| is_gone(**taken)).count());
    let done = taken.zip(gone).map(|(taken, gone)| taken.len() - gone);
    json!({ "steps": steps, "lost": lost, "done": done, "could_not_be": gone, "undo_until": undo })
}

/// One step after the other, until all are taken, one can't be, or it is told to stop: between two steps, never in one.
async fn take_all(journal: &Journal, work: &Work, stop: &CancellationToken, progress: &(dyn Fn(u64) + Send + Sync)) -> Outcome {
    let request = bring_back::request(RandomIds.command());
    let mut taken = Vec::new();
    for planned in &work.plan {
        if stop.is_cancelled() {
            return Outcome { taken, ended: Some(anyhow::anyhow!("it was stopped")) };
        }
        match bring_back::take(journal, &request, work.owner, now(), &planned.step).await {
            Ok(one) => taken.push(one),
            Err(trouble) => return Outcome { taken, ended: Some(trouble.into()) },
        }
        progress(taken.len() as u64);
    }
    Outcome { taken, ended: None }
}

fn is_gone(taken: Taken) -> bool {
    matches!(taken, Taken::EntryGone | Taken::ContentGone)
}

/// Without what is in the trash by itself, and stays there: what another step takes out before does not.
async fn needed(journal: &Journal, owner: AccountId, plan: Vec<Planned>) -> anyhow::Result<Vec<Planned>> {
    let (mut needed, mut touched) = (Vec::new(), HashSet::new());
    for planned in plan {
        if !touched.insert(planned.id.clone()) || bring_back::is_needed(journal, owner, &planned.step).await? {
            needed.push(planned);
        }
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use cairn_commands::bring_back::Step;
    use cairn_commands::ports::event_store::{EventStore, MemoryEventStore};
    use uuid::Uuid;

    use super::*;

    fn made(number: u128) -> Planned {
        let (folder, path) = (FolderId(Uuid::from_u128(number)), format!("/{number}/"));
        let step = Step::Folder { folder, name: number.to_string().parse().unwrap(), parent: None };
        Planned { step, what: What::Make, id: folder.to_string(), path, displaced: false }
    }

    #[tokio::test]
    async fn what_is_stopped_says_how_far_it_came_and_goes_on_from_there() {
        let log = Arc::new(MemoryEventStore::new());
        let journal = Journal::new(log.clone(), Arc::new(SystemClock), Arc::new(RandomIds));
        let plan = (1..=5).map(made).collect();
        let work = Work { owner: AccountId(Uuid::from_u128(9)), plan, before: Position::START };
        let stop = CancellationToken::new();
        let stopped = take_all(&journal, &work, &stop, &|steps| {
            if steps == 2 {
                stop.cancel();
            }
        })
        .await;
        assert!(stopped.taken.len() == 2 && stopped.ended.is_some());
        assert_eq!(in_words(&work, Some(&stopped)), "2 things are done, 0 could not be, 3 were not begun.");
        assert_eq!(log.head().await.unwrap(), Position(2));
        let rest = take_all(&journal, &work, &CancellationToken::new(), &|_| {}).await;
        assert!(rest.ended.is_none());
        assert_eq!(rest.taken.iter().filter(|taken| matches!(taken, Taken::Done(_))).count(), 3);
    }

    #[test]
    fn what_is_lost_does_not_count_among_what_would_be_done() {
        let lost = Planned { what: What::Lost, ..made(3) };
        let mut work = Work { owner: AccountId(Uuid::from_u128(9)), plan: vec![made(1), made(2), lost], before: Position::START };
        assert!(in_words(&work, None).starts_with("2 things would be done, 1 were removed for good"));
        work.plan.drain(..2);
        assert!(in_words(&work, None).starts_with("Nothing can be done: 1 were removed for good"));
        assert_eq!(summary(&work, None, None)["lost"], 1);
    }
}
