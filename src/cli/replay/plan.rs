//! What has to be done so that a folder is as it was. Here it is decided; nothing is asked and nothing is done.
//!
//! Everything that stood in the folder then or stands in it now shall be as it was then: what stood elsewhere goes back there, and what was not there at
//! all goes to the trash. Because both times count, a plan back to the time before another plan was carried out takes back all that it did.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use cairn_commands::bring_back::{Step, made_again};
use cairn_domain::FolderId;

use super::entries::Entry;

/// One thing to do, and how it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) step: Step,
    pub(super) what: What,
    /// Of the entry, as it is now or will be.
    pub(super) id: String,
    pub(super) path: String,
    /// The folder that it stood in then is not there: it comes to the top.
    pub(super) displaced: bool,
}

/// What is done to an entry, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Make,
    Restore,
    Replace,
    Move,
    Rename,
    Trash,
    /// Nothing can be done.
    Lost,
}

impl What {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Restore => "restore",
            Self::Replace => "replace",
            Self::Move => "move",
            Self::Rename => "rename",
            Self::Trash => "trash",
            Self::Lost => "lost",
        }
    }
}

/// Folders that were removed for good. Each is known by its first id, under whichever it was made again.
pub(super) struct Gone {
    gone: HashSet<FolderId>,
    before: HashMap<FolderId, FolderId>,
}

impl Gone {
    pub(super) fn new(gone: impl IntoIterator<Item = FolderId>) -> Self {
        let gone: HashSet<FolderId> = gone.into_iter().collect();
        let before = gone.iter().map(|gone| (made_again(*gone), *gone)).collect();
        Self { gone, before }
    }

    pub(super) fn first_id(&self, mut id: FolderId) -> FolderId {
        while let Some(before) = self.before.get(&id) {
            id = *before;
        }
        id
    }

    /// The id under which it is there, or would be made.
    fn last_id(&self, mut id: FolderId) -> FolderId {
        while self.gone.contains(&id) {
            id = made_again(id);
        }
        id
    }

    fn by_first_ids(&self, entries: &[Entry]) -> anyhow::Result<Vec<Entry>> {
        let known = |entry: &Entry| {
            let id = if entry.is_file() { entry.id.clone() } else { self.first_id(entry.id.parse()?).to_string() };
            anyhow::Ok(Entry { id, parent: entry.parent.map(|parent| self.first_id(parent)), ..entry.clone() })
        };
        entries.iter().map(known).collect()
    }
}

/// First the folders of then, from the top down, then their files, then what has come since goes to the trash. None when the folder was not there then,
/// and was not made again since either.
pub(super) fn plan(then: &[Entry], now: &[Entry], folder: FolderId, gone: &Gone) -> anyhow::Result<Option<Vec<Planned>>> {
    let (then, now, root) = (gone.by_first_ids(then)?, gone.by_first_ids(now)?, gone.first_id(folder));
    let both = Both::new(&then, &now, root);
    let was_made_since = gone.gone.contains(&root) && both.concerns(root);
    if !(both.then.contains_key(&*root.to_string()) || was_made_since) {
        return Ok(None);
    }
    let mut plan = Vec::new();
    for entry in both.of_then() {
        let (parent, displaced) = both.place(entry);
        if let Some(what) = both.difference(entry, parent) {
            let (step, id) = step_to(entry, parent, gone)?;
            plan.push(Planned { step, what, id, path: entry.path.clone(), displaced });
        }
    }
    let placed: HashSet<String> = plan.iter().map(|planned| planned.id.clone()).collect();
    for entry in both.not_in_use_then() {
        let (step, id) = trash(entry, gone)?;
        if both.has_to_go(entry, placed.contains(&id)) {
            plan.push(Planned { step, what: What::Trash, id, path: entry.path.clone(), displaced: false });
        }
    }
    Ok(Some(plan))
}

type ById<'a> = HashMap<&'a str, &'a Entry>;

/// A drive at two times, and which of its entries the folder concerns: those that stood in it then or stand in it now, whether in use or in the trash.
struct Both<'a> {
    root: FolderId,
    then: ById<'a>,
    now: ById<'a>,
    concerned: HashSet<&'a str>,
}

impl<'a> Both<'a> {
    fn new(then: &'a [Entry], now: &'a [Entry], root: FolderId) -> Self {
        let by_id = |entries: &'a [Entry]| entries.iter().map(|entry| (entry.id.as_str(), entry)).collect();
        let concerned = below(then, root).into_iter().chain(below(now, root)).map(|entry| entry.id.as_str()).collect();
        Self { root, then: by_id(then), now: by_id(now), concerned }
    }

    fn concerns(&self, folder: FolderId) -> bool {
        self.concerned.contains(&*folder.to_string())
    }

    /// Those that there were then, in the order in which they are brought back. What was in the trash then and is gone since stays away.
    fn of_then(&self) -> Vec<&'a Entry> {
        let mut all: Vec<&Entry> = self.concerned.iter().filter_map(|id| self.then.get(id).copied()).collect();
        all.retain(|entry| entry.is_active() || self.now.contains_key(&*entry.id));
        all.sort_by_key(|entry| {
            let entry: &'a Entry = entry;
            // A path is longer than that of the folder above.
            let depth = if entry.is_file() { 0 } else { entry.path.matches('/').count() };
            (entry.is_file(), depth, &entry.path, &entry.id)
        });
        all
    }

    /// Those that there are now and that were in the trash then, or not there at all.
    fn not_in_use_then(&self) -> Vec<&'a Entry> {
        let mut all: Vec<&Entry> = self.concerned.iter().filter_map(|id| self.now.get(id).copied()).collect();
        all.retain(|entry| self.then.get(&*entry.id).is_none_or(|then| !then.is_active()));
        all.sort_by(|one, other| (&one.path, &one.id).cmp(&(&other.path, &other.id)));
        all
    }

    /// Whether a folder is in use once everything is done.
    fn will_be_in_use(&self, folder: FolderId) -> bool {
        let times = if self.concerns(folder) { &self.then } else { &self.now };
        times.get(&*folder.to_string()).is_some_and(|folder| folder.is_active())
    }

    /// Where an entry of then shall stand, and whether that is the top for want of its folder.
    fn place(&self, entry: &Entry) -> (Option<FolderId>, bool) {
        let Some(parent) = entry.parent else { return (None, false) };
        // A file may be put into a folder that is in the trash, a folder may not.
        let there = self.now.get(&*parent.to_string());
        let holds_trash = there.is_some_and(|there| entry.is_file() || there.is_active());
        if self.will_be_in_use(parent) || (!entry.is_active() && holds_trash) {
            return (Some(parent), false);
        }
        let here = self.now.get(&*entry.id).and_then(|now| now.parent);
        if !entry.is_active() {
            return (here, false);
        }
        // The folder itself stays where it is, if it can.
        let stays = here.filter(|here| entry.id == self.root.to_string() && !self.concerns(*here) && self.will_be_in_use(*here));
        (stays, stays.is_none())
    }

    /// What has to be done to an entry of then; none when it is as it was, but for being in the trash.
    fn difference(&self, then: &Entry, parent: Option<FolderId>) -> Option<What> {
        let Some(now) = self.now.get(&*then.id) else { return Some(if then.is_file() { What::Lost } else { What::Make }) };
        if then.is_active() && !now.is_active() {
            return Some(What::Restore);
        }
        if now.content != then.content {
            return Some(What::Replace);
        }
        if now.parent != parent {
            return Some(What::Move);
        }
        (now.name != then.name).then_some(What::Rename)
    }

    /// Whether an entry that was not in use then has to be put into the trash by itself: not when it goes with its folder.
    fn has_to_go(&self, entry: &Entry, placed: bool) -> bool {
        let parent = self.then.get(&*entry.id).map_or(entry.parent, |then| self.place(then).0);
        let parent = parent.filter(|parent| self.concerns(*parent));
        if parent.is_some_and(|parent| !self.will_be_in_use(parent)) {
            return false;
        }
        // What is in the trash with a folder that comes out of it would come out, too.
        let comes_out = parent.is_some_and(|parent| self.now.get(&*parent.to_string()).is_some_and(|there| !there.is_active()));
        entry.is_active() || placed || comes_out
    }
}

/// The folder and everything below it, in use or in the trash.
fn below(entries: &[Entry], folder: FolderId) -> Vec<&Entry> {
    let folders: HashMap<String, Option<FolderId>> =
        entries.iter().filter(|entry| !entry.is_file()).map(|entry| (entry.id.clone(), entry.parent)).collect();
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

fn step_to(entry: &Entry, parent: Option<FolderId>, gone: &Gone) -> anyhow::Result<(Step, String)> {
    let name = entry.name.parse().with_context(|| format!("{:?} is not a name", entry.name))?;
    let parent = parent.map(|parent| gone.last_id(parent));
    if let Some((_, sha256)) = entry.content {
        return Ok((Step::File { file: entry.id.parse()?, name, folder: parent, sha256 }, entry.id.clone()));
    }
    let folder = gone.last_id(entry.id.parse()?);
    Ok((Step::Folder { folder, name, parent }, folder.to_string()))
}

fn trash(entry: &Entry, gone: &Gone) -> anyhow::Result<(Step, String)> {
    if entry.is_file() {
        return Ok((Step::FileInTrash(entry.id.parse()?), entry.id.clone()));
    }
    let folder = gone.last_id(entry.id.parse()?);
    Ok((Step::FolderInTrash(folder), folder.to_string()))
}

#[cfg(test)]
mod tests;
