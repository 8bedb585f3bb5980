use std::collections::BTreeSet;

use cairn_domain::folder::{CreateFolder, FolderCommand, FolderEvent, FolderStatus, Tree, UpdateFolder};
use cairn_domain::{AccountId, Decider, Event, FileName, FolderId, StreamName, Timestamp};

use super::Chance;

/// Folders that one person may have at once in a sample.
const FOLDERS_MAX: usize = 12;

/// The folders of one person.
#[derive(Default)]
pub(super) struct Folders {
    tree: Tree,
    known: Vec<FolderId>,
}

/// What happened to somebody's folders, and which are gone with everything in them.
#[derive(Default)]
pub(super) struct Changed {
    pub(super) events: Vec<(StreamName, Event)>,
    pub(super) purged: BTreeSet<FolderId>,
}

impl Folders {
    /// A place for an entry: the top, or a folder in use.
    pub(super) fn place(&self, chance: &mut Chance) -> Option<FolderId> {
        let in_use: Vec<_> = self.known.iter().filter(|folder| self.tree.status(**folder) == FolderStatus::Active).collect();
        let number = chance.index(2 * in_use.len() + 2);
        in_use.get(number).map(|folder| **folder)
    }

    /// Something happens to one of them; what can't be done is not.
    pub(super) fn act(&mut self, owner: AccountId, name: FileName, at: Timestamp, chance: &mut Chance) -> Changed {
        let parent = self.place(chance);
        let folder = FolderId(uuid::Builder::from_random_bytes(chance.any_u128().to_be_bytes()).into_uuid());
        let known = self.known.get(chance.index(self.known.len().max(1))).copied();
        let command = match (known, chance.below(20)) {
            (None, _) | (_, 0..8) => FolderCommand::Create(CreateFolder { folder, name, parent, at, folders_max: FOLDERS_MAX }),
            (Some(folder), 8..11) => FolderCommand::Update(UpdateFolder { folder, name: Some(name), parent: None, at }),
            (Some(folder), 11..14) => FolderCommand::Update(UpdateFolder { folder, name: None, parent: Some(parent), at }),
            (Some(folder), 14..16) => FolderCommand::Trash { folder, at },
            (Some(folder), 16..19) => FolderCommand::Restore { folder, at },
            (Some(folder), _) => FolderCommand::Purge { folder, at },
        };
        let mut changed = Changed::default();
        for event in self.tree.decide(command).unwrap_or_default() {
            self.tree = std::mem::take(&mut self.tree).evolve(&event);
            match &event {
                FolderEvent::FolderCreated(created) => self.known.push(created.folder),
                FolderEvent::FolderPurged(purged) => changed.purged.extend(purged.along.iter().copied().chain([purged.folder])),
                _ => {}
            }
            changed.events.push((StreamName::tree(owner), event.into()));
        }
        self.known.retain(|folder| !changed.purged.contains(folder));
        changed
    }
}
