//! `--restore`: a folder as it was.

use std::collections::{HashMap, HashSet};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::bring_back::{self, Step, Taken};
use cairn_commands::ports::ids::Ids;
use cairn_commands::{Journal, Trouble};
use cairn_domain::{AccountId, FolderId};
use cairn_infra::clock::SystemClock;
use cairn_infra::ids::RandomIds;
use cairn_projections::Replay;
use cairn_projections::queries::files::EntryStatus;
use cairn_projections::queries::folders::owner_of_folder;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::entries::{Entry, entries_of, projections};
use super::{Log, go, tables_of_drives, unless_stopped};
use crate::cli::moment::Moment;
use crate::cli::progress::stop_on_signal;
use crate::cli::{Place, say};
use crate::wiring::now;

pub(super) struct Restore {
    pub(super) until: Moment,
    pub(super) folder: FolderId,
    /// Whether it is done, or only told.
    pub(super) yes: bool,
    pub(super) json: bool,
}

/// One thing to do, and how it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Planned {
    step: Step,
    what: &'static str,
    path: String,
}

impl Restore {
    /// Ends with 1 when something is gone for good.
    pub(super) async fn carry_out(self, place: &Place) -> anyhow::Result<ExitCode> {
        let stop = stop_on_signal()?;
        let log = Log::open(place).await?;
        let done = unless_stopped(&stop, self.with(&log, &stop)).await;
        log.closing.close().await;
        done
    }

    async fn with(&self, log: &Log, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
        let (owner, then, now_there) = self.states(log, stop).await?;
        let new_id = || FolderId(RandomIds.command().0);
        let plan = plan(&then, &now_there, self.folder, new_id).context("nothing can be brought back")?;
        let journal = Journal::new(log.store.clone(), Arc::new(SystemClock), Arc::new(RandomIds));
        let plan = needed(&journal, owner, plan).await?;
        let request = bring_back::request(RandomIds.command());
        let (mut gone, mut done) = (0, 0);
        for planned in &plan {
            let taken = if self.yes { Some(bring_back::take(&journal, &request, owner, now(), &planned.step).await) } else { None };
            let taken = taken.transpose().map_err(|trouble: Trouble| anyhow::Error::from(trouble))?;
            gone += u64::from(matches!(taken, Some(Taken::EntryGone | Taken::ContentGone)));
            done += u64::from(matches!(taken, Some(Taken::Done(_))));
            self.tell(planned, taken);
        }
        if !self.json {
            say(&match (plan.len(), self.yes) {
                (0, _) => "Everything is as it was then.".to_owned(),
                (steps, false) => format!("{steps} things would be done: --yes does them."),
                (_, true) => format!("{done} things are done, {gone} could not be."),
            });
        }
        Ok(if gone == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Whose folder it is, and what they had then and have now: one replay passes the one on its way to the other.
    async fn states(&self, log: &Log, stop: &CancellationToken) -> anyhow::Result<(AccountId, Vec<Entry>, Vec<Entry>)> {
        let (until, head) = (self.until.find(&*log.source).await?, log.source.head().await?);
        let tables = tables_of_drives().await?;
        let mut replay = Replay::new(projections(), log.source.clone(), &tables, now());
        go(&mut replay, until, stop).await?;
        replay.index().await?;
        let Some(owner) = owner_of_folder(&tables, self.folder).await? else { bail!("there was no folder {} then", self.folder) };
        let then = entries_of(&tables, owner).await?;
        go(&mut replay, head, stop).await?;
        Ok((owner, then, entries_of(&tables, owner).await?))
    }

    fn tell(&self, planned: &Planned, taken: Option<Taken>) {
        let Planned { what, path, .. } = planned;
        let outcome = taken.map(|taken| match taken {
            Taken::Done(_) | Taken::WasSo => "done",
            Taken::EntryGone => "gone for good",
            Taken::ContentGone => "its content of then is gone for good",
        });
        say(&if self.json {
            json!({ "do": what, "path": path, "outcome": outcome }).to_string()
        } else {
            let outcome = outcome.filter(|outcome| *outcome != "done").map_or_else(String::new, |outcome| format!("  ({outcome})"));
            format!("{what:<8} {path}{outcome}")
        });
    }
}

/// Without what is in the trash by itself, and stays there.
async fn needed(journal: &Journal, owner: AccountId, plan: Vec<Planned>) -> anyhow::Result<Vec<Planned>> {
    let mut needed = Vec::new();
    for planned in plan {
        if bring_back::is_needed(journal, owner, &planned.step).await? {
            needed.push(planned);
        }
    }
    Ok(needed)
}

/// First the folders of then, from the top down, then their files, then what has come since goes to the trash. A folder that has gone is made
/// with another id: what is still purged of the old one must not take the new along.
fn plan(then: &[Entry], now: &[Entry], folder: FolderId, new_id: impl Fn() -> FolderId) -> anyhow::Result<Vec<Planned>> {
    let wanted: Vec<&Entry> = below(then, folder).into_iter().filter(|entry| is_active(entry)).collect();
    let there: HashMap<&str, &Entry> = now.iter().map(|entry| (entry.id.as_str(), entry)).collect();
    let root_place = |entry: &Entry| {
        // The folder above it may have gone since: then it stays where it is, or comes to the top.
        let place = entry.parent.filter(|parent| there.get(parent.to_string().as_str()).is_some_and(|above| is_active(above)));
        if place == entry.parent { place } else { there.get(entry.id.as_str()).and_then(|now| now.parent) }
    };
    let mut plan = Vec::new();
    let mut folders: Vec<&Entry> = wanted.iter().copied().filter(|entry| entry.content.is_none()).collect();
    // A path is longer than that of the folder above.
    folders.sort_by_key(|entry| entry.path.matches('/').count());
    let files = wanted.iter().copied().filter(|entry| entry.content.is_some());
    let mut made: HashMap<FolderId, FolderId> = HashMap::new();
    for entry in folders.into_iter().chain(files) {
        let parent = if entry.id == folder.to_string() { root_place(entry) } else { entry.parent };
        let parent = parent.map(|parent| made.get(&parent).copied().unwrap_or(parent));
        let Some(what) = difference(entry, parent, there.get(entry.id.as_str()).copied()) else { continue };
        let mut step = step_to(entry, parent)?;
        if let (Step::Folder { folder, .. }, "make") = (&mut step, what) {
            let new = new_id();
            made.insert(*folder, new);
            *folder = new;
        }
        plan.push(Planned { step, what, path: entry.path.clone() });
    }
    let kept: HashSet<&str> = wanted.iter().map(|entry| entry.id.as_str()).collect();
    // Also what is in the trash: with its folder it would come out again.
    let newer: Vec<&Entry> = below(now, folder).into_iter().filter(|entry| !kept.contains(entry.id.as_str())).collect();
    let goes_with_its_folder =
        |entry: &Entry| entry.parent.is_some_and(|parent| newer.iter().any(|newer| newer.id == parent.to_string()));
    for entry in newer.iter().filter(|entry| !goes_with_its_folder(entry)) {
        let step = match entry.content {
            Some(_) => Step::FileInTrash(entry.id.parse()?),
            None => Step::FolderInTrash(entry.id.parse()?),
        };
        plan.push(Planned { step, what: "trash", path: entry.path.clone() });
    }
    Ok(plan)
}

/// The folder and everything below it, in use or in the trash.
fn below(entries: &[Entry], folder: FolderId) -> Vec<&Entry> {
    let folders: HashMap<String, Option<FolderId>> =
        entries.iter().filter(|entry| entry.content.is_none()).map(|entry| (entry.id.clone(), entry.parent)).collect();
    let is_below = |entry: &&Entry| {
        let mut here = if entry.id == folder.to_string() { Some(folder) } else { entry.parent };
        for _ in 0..=folders.len() {
            match here {
                Some(at) if at == folder => return true,
                Some(at) => here = folders.get(&at.to_string()).copied().flatten(),
                None => return false,
            }
        }
        false
    };
    entries.iter().filter(is_below).collect()
}

fn is_active(entry: &Entry) -> bool {
    entry.state == EntryStatus::Active
}

/// What has to be done to an entry of then, in a word; none when it is as it was.
fn difference(then: &Entry, parent: Option<FolderId>, now: Option<&Entry>) -> Option<&'static str> {
    let Some(now) = now else { return Some(if then.content.is_some() { "lost" } else { "make" }) };
    if !is_active(now) {
        return Some("restore");
    }
    if now.content != then.content {
        return Some("replace");
    }
    if now.parent != parent {
        return Some("move");
    }
    (now.name != then.name).then_some("rename")
}

fn step_to(entry: &Entry, parent: Option<FolderId>) -> anyhow::Result<Step> {
    let name = entry.name.parse().with_context(|| format!("{:?} is not a name", entry.name))?;
    Ok(match entry.content {
        Some((_, sha256)) => Step::File { file: entry.id.parse()?, name, folder: parent, sha256 },
        None => Step::Folder { folder: entry.id.parse()?, name, parent },
    })
}

#[cfg(test)]
mod tests {
    use cairn_domain::{FileId, Sha256, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn folder(number: u128, path: &str, parent: Option<u128>) -> Entry {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
        let parent = parent.map(|parent| FolderId(id(parent)));
        let (path, state) = (path.to_owned(), EntryStatus::Active);
        Entry { id: id(number).to_string(), name, parent, path, content: None, state, updated_at: Timestamp(0) }
    }

    fn file(number: u128, path: &str, parent: u128) -> Entry {
        let entry = folder(number, path, Some(parent));
        Entry { content: Some((1, Sha256([1; 32]))), ..entry }
    }

    fn trashed(entry: Entry) -> Entry {
        Entry { state: EntryStatus::Trashed, ..entry }
    }

    fn told(then: &[Entry], now: &[Entry]) -> Vec<String> {
        let planned = plan(then, now, FolderId(id(1)), || FolderId(id(99))).unwrap();
        planned.iter().map(|planned| format!("{} {}", planned.what, planned.path)).collect()
    }

    #[test]
    fn what_is_as_it_was_needs_nothing() {
        let same = [folder(1, "/a/", None), file(2, "/a/b.txt", 1), file(4, "/d.txt", 9)];
        assert_eq!(told(&same, &same), [""; 0]);
    }

    #[test]
    fn folders_come_before_what_they_hold_and_what_is_newer_goes_last() {
        let then = [folder(2, "/a/b/", Some(1)), file(3, "/a/b/c.txt", 2), file(4, "/a/d.txt", 1), folder(1, "/a/", None)];
        let other = Entry { content: Some((2, Sha256([2; 32]))), ..file(4, "/a/d.txt", 1) };
        let now = [
            folder(1, "/z/", None),
            trashed(folder(2, "/z/b/", Some(1))),
            file(3, "/z/c.txt", 1),
            other,
            folder(5, "/z/new/", Some(1)),
            file(6, "/z/new/e.txt", 5),
        ];
        assert_eq!(told(&then, &now), ["rename /a/", "restore /a/b/", "move /a/b/c.txt", "replace /a/d.txt", "trash /z/new/"]);
    }

    #[test]
    fn a_folder_that_has_gone_is_made_under_another_id_and_files_that_have_gone_are_told() {
        let then = [folder(1, "/a/", None), folder(2, "/a/b/", Some(1)), file(3, "/a/b/c.txt", 2), file(4, "/a/b/d.txt", 2)];
        let now = [folder(1, "/a/", None), file(4, "/a/d.txt", 1)];
        let planned = plan(&then, &now, FolderId(id(1)), || FolderId(id(99))).unwrap();
        let whats: Vec<_> = planned.iter().map(|planned| planned.what).collect();
        assert_eq!(whats, ["make", "lost", "move"]);
        let (made, moved) = (FolderId(id(99)), &planned[2].step);
        assert!(matches!(&planned[0].step, Step::Folder { folder, .. } if *folder == made));
        assert!(matches!(moved, Step::File { file, folder: Some(folder), .. } if *file == FileId(id(4)) && *folder == made));
    }

    #[test]
    fn a_folder_that_was_in_the_trash_goes_there_again() {
        let then = [trashed(folder(1, "/a/", None)), trashed(file(2, "/a/b.txt", 1))];
        assert_eq!(told(&then, &[folder(1, "/a/", None), file(2, "/a/b.txt", 1)]), ["trash /a/"]);
    }
}
