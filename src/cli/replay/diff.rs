use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context, bail};
use cairn_commands::chosen::Moment;
use cairn_projections::Replay;
use cairn_projections::queries::files::EntryStatus;
use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::entries::{Entry, account, entries_of, projections};
use super::{Log, go, tables_of_drives, unless_stopped};
use crate::cli::moment::place_of;
use crate::cli::progress::stop_on_signal;
use crate::cli::{Place, say};
use crate::wiring::now;

pub(super) const EXAMPLES: &str = "\
What was there and gone again between the two is not seen, and neither is a change that was taken back.

Examples:
  cairn replay diff --from 2026-11-01 --until 2026-11-30 --user alice
  cairn replay diff --from 4711 --until 2026-11-30T12:00:00Z --user alice --json";

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The earlier time: a position, a time (2026-11-30T12:00:00Z) or a day (UTC), to its end.
    #[arg(long, value_name = "POSITION|TIME|DAY")]
    from: Moment,
    /// The later time.
    #[arg(long, value_name = "POSITION|TIME|DAY")]
    until: Moment,
    /// Whose drive: a user name or the id of an account.
    #[arg(long, value_name = "NAME|ID")]
    user: String,
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// One thing that happened to an entry, as far as it can be told from how it was before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change<'a> {
    what: What,
    before: Option<&'a Entry>,
    after: Option<&'a Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Added,
    Removed,
    Renamed,
    Moved,
    Replaced,
    Trashed,
    Restored,
}

impl Diff {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let stop = stop_on_signal()?;
        let log = Log::open(&self.place).await?;
        let states = unless_stopped(&stop, self.states(&log, &stop)).await;
        log.closing.close().await;
        let (before, after) = states.context("nothing can be compared")?;
        let changes = changes(&before, &after);
        for change in &changes {
            say(&if self.json { change.as_json() } else { change.as_line() });
        }
        if changes.is_empty() && !self.json {
            say("Nothing is different.");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The drive at both times: one replay passes the first on its way to the second.
    async fn states(&self, log: &Log, stop: &CancellationToken) -> anyhow::Result<(Vec<Entry>, Vec<Entry>)> {
        let (from, until) = (place_of(self.from, &*log.source).await?, place_of(self.until, &*log.source).await?);
        if from > until {
            bail!("--until (position {until}) is before --from (position {from})");
        }
        let tables = tables_of_drives().await?;
        let mut replay = Replay::new(projections(), log.source.clone(), &tables, now());
        go(&mut replay, from, stop).await?;
        replay.index().await?;
        // Whoever was not there yet had nothing.
        let before = match account(&tables, &self.user).await? {
            Some(account) => entries_of(&tables, account).await?,
            None => Vec::new(),
        };
        go(&mut replay, until, stop).await?;
        match account(&tables, &self.user).await? {
            Some(account) => Ok((before, entries_of(&tables, account).await?)),
            None => bail!("nobody was called {:?} then", self.user),
        }
    }
}

/// All changes, in the order of the paths; of one entry there may be several.
fn changes<'a>(before: &'a [Entry], after: &'a [Entry]) -> Vec<Change<'a>> {
    let mut both: BTreeMap<&str, (Option<&Entry>, Option<&Entry>)> = BTreeMap::new();
    for entry in before {
        both.entry(&entry.id).or_default().0 = Some(entry);
    }
    for entry in after {
        both.entry(&entry.id).or_default().1 = Some(entry);
    }
    let mut all: Vec<Change<'_>> = both.into_values().flat_map(|(before, after)| of_one(before, after)).collect();
    all.sort_by(|one, other| one.path().cmp(other.path()));
    all
}

fn of_one<'a>(before: Option<&'a Entry>, after: Option<&'a Entry>) -> Vec<Change<'a>> {
    let whats = match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(_)) => vec![What::Added],
        (Some(_), None) => vec![What::Removed],
        (Some(before), Some(after)) => {
            let state = if after.state == EntryStatus::Trashed { What::Trashed } else { What::Restored };
            let happened = [
                (What::Renamed, before.name != after.name),
                (What::Moved, before.parent != after.parent),
                (What::Replaced, before.content != after.content),
                (state, before.state != after.state),
            ];
            happened.into_iter().filter(|(_, happened)| *happened).map(|(what, _)| what).collect()
        }
    };
    whats.into_iter().map(|what| Change { what, before, after }).collect()
}

impl What {
    fn text(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
            Self::Replaced => "replaced",
            Self::Trashed => "trashed",
            Self::Restored => "restored",
        }
    }
}

impl Change<'_> {
    fn path(&self) -> &str {
        self.after.or(self.before).map_or("", |entry| &entry.path)
    }

    fn as_line(&self) -> String {
        let (what, path) = (self.what.text(), self.path());
        match (self.what, self.before, self.after) {
            (What::Renamed | What::Moved, Some(before), _) => format!("{what:<9} {} -> {path}", before.path),
            (What::Replaced, Some(Entry { content: Some(before), .. }), Some(Entry { content: Some(after), .. })) => {
                format!("{what:<9} {path}  ({} bytes, {} -> {} bytes, {})", before.0, before.1, after.0, after.1)
            }
            (What::Added, _, Some(Entry { state: EntryStatus::Trashed, .. })) => format!("{what:<9} {path}  (in the trash)"),
            _ => format!("{what:<9} {path}"),
        }
    }

    fn as_json(&self) -> String {
        let entry = self.after.or(self.before);
        json!({
            "change": self.what.text(), "kind": entry.map(Entry::kind), "id": entry.map(|entry| &entry.id), "path": self.path(),
            "before": self.before.map(Entry::as_json), "after": self.after.map(Entry::as_json),
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use cairn_domain::{FolderId, Sha256, Timestamp};

    use super::*;

    fn file(id: &str, path: &str) -> Entry {
        let name = path.rsplit('/').next().unwrap().to_owned();
        let parent = (path.matches('/').count() > 1).then(|| "3d2f8a6e-07b1-5c4d-9e58-61f0a7c324db".parse::<FolderId>().unwrap());
        let (content, state) = (Some((1, Sha256([1; 32]))), EntryStatus::Active);
        Entry { id: id.to_owned(), name, parent, path: path.to_owned(), content, state, updated_at: Timestamp(0) }
    }

    fn lines(before: &[Entry], after: &[Entry]) -> Vec<String> {
        changes(before, after).iter().map(Change::as_line).collect()
    }

    #[test]
    fn what_came_and_what_went_is_told_by_its_path() {
        let (one, other, same) = (file("1", "/z.txt"), file("2", "/a.txt"), file("3", "/m.txt"));
        let trashed = Entry { state: EntryStatus::Trashed, ..file("4", "/t.txt") };
        let told = lines(&[one, same.clone()], &[other, same, trashed]);
        assert_eq!(told, ["added     /a.txt", "added     /t.txt  (in the trash)", "removed   /z.txt"]);
    }

    #[test]
    fn an_entry_to_which_several_things_happened_has_a_line_for_each() {
        let before = file("1", "/a.txt");
        let after = Entry { content: Some((2, Sha256([2; 32]))), state: EntryStatus::Trashed, ..file("1", "/d/b.txt") };
        let told: Vec<_> =
            changes(std::slice::from_ref(&before), std::slice::from_ref(&after)).iter().map(|change| change.what).collect();
        assert_eq!(told, [What::Renamed, What::Moved, What::Replaced, What::Trashed]);
        assert_eq!(lines(std::slice::from_ref(&before), std::slice::from_ref(&after))[0], "renamed   /a.txt -> /d/b.txt");
        assert_eq!(lines(&[after], &[before])[3], "restored  /a.txt");
    }

    #[test]
    fn an_entry_whose_folder_was_renamed_has_not_changed_itself() {
        let (before, after) = (file("1", "/d/a.txt"), file("1", "/e/a.txt"));
        assert_eq!(lines(&[before], &[after]), [""; 0]);
    }
}
