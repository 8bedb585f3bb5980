//! What is in somebody's drive, by paths.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use cairn_domain::{AccountId, FolderId, Sha256, Timestamp, Username};
use cairn_projections::Projection;
use cairn_projections::ports::{ReadError, ReadTables};
use cairn_projections::projection::files::Files;
use cairn_projections::projection::folders::Folders;
use cairn_projections::projection::users::Users;
use cairn_projections::queries::files::{EntryStatus, FileFilter, FileRecord, files};
use cairn_projections::queries::folders::{FolderFilter, FolderRecord, folders, gone_folders};
use cairn_projections::queries::users::{user_by_id, user_by_name};
use cairn_projections::queries::{PAGE_MAX, Page, PageOf};
use serde_json::{Value, json};

use crate::cli::rfc3339;

/// In use and in the trash: together all that there is.
const STATES: [EntryStatus; 2] = [EntryStatus::Active, EntryStatus::Trashed];

/// A folder or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) name: String,
    /// Where it stands; none is the top.
    pub(super) parent: Option<FolderId>,
    /// From the top; that of a folder ends with a slash.
    pub(super) path: String,
    /// Of a file, in bytes and by its hash.
    pub(super) content: Option<(u64, Sha256)>,
    pub(super) state: EntryStatus,
    pub(super) updated_at: Timestamp,
}

/// The projections that are asked here.
pub(super) fn projections() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(Users), Arc::new(Files), Arc::new(Folders)]
}

/// The account that is meant, if the tables know it.
pub(super) async fn account(tables: &dyn ReadTables, person: &str) -> anyhow::Result<Option<AccountId>> {
    let found = if let Ok(id) = person.parse() {
        user_by_id(tables, id).await?
    } else {
        let name: Username =
            person.parse().with_context(|| format!("{person:?} is neither a user name nor the id of an account"))?;
        user_by_name(tables, &name).await?
    };
    Ok(found.map(|user| user.id))
}

/// Everything of the account, in the order of the paths.
pub(super) async fn entries_of(tables: &dyn ReadTables, owner: AccountId) -> anyhow::Result<Vec<Entry>> {
    let folders = all_folders(tables, owner).await?;
    let paths = Paths(folders.iter().map(|folder| (folder.id, folder)).collect());
    let mut entries: Vec<Entry> = folders.iter().map(|folder| of_folder(folder, &paths)).collect();
    for status in STATES {
        let filter = FileFilter { status, ..FileFilter::default() };
        let found = all_pages(async |of| files(tables, owner, &filter, of).await).await?;
        entries.extend(found.into_iter().map(|file| of_file(file, &paths)));
    }
    entries.sort_by(|one, other| (&one.path, &one.id).cmp(&(&other.path, &other.id)));
    Ok(entries)
}

async fn all_folders(tables: &dyn ReadTables, owner: AccountId) -> anyhow::Result<Vec<FolderRecord>> {
    let mut all = Vec::new();
    for status in STATES {
        let filter = FolderFilter { status, ..FolderFilter::default() };
        all.extend(all_pages(async |of| folders(tables, owner, filter, of).await).await?);
    }
    Ok(all)
}

/// The account's folders that were removed for good.
pub(super) async fn gone_of(tables: &dyn ReadTables, owner: AccountId) -> anyhow::Result<Vec<FolderId>> {
    Ok(all_pages(async |of| gone_folders(tables, owner, of).await).await?)
}

/// What is on all pages of a list.
async fn all_pages<T>(page: impl AsyncFn(PageOf) -> Result<Page<T>, ReadError>) -> Result<Vec<T>, ReadError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let Page { items, next } = page(PageOf { after, limit: PAGE_MAX }).await?;
        all.extend(items);
        if next.is_none() {
            return Ok(all);
        }
        after = next;
    }
}

fn of_folder(folder: &FolderRecord, paths: &Paths<'_>) -> Entry {
    Entry {
        id: folder.id.to_string(),
        name: folder.name.clone(),
        parent: folder.parent,
        path: paths.of(Some(folder.id)),
        content: None,
        state: folder.status,
        updated_at: folder.updated_at,
    }
}

fn of_file(file: FileRecord, paths: &Paths<'_>) -> Entry {
    Entry {
        id: file.id.to_string(),
        path: paths.of(file.folder) + &file.name,
        name: file.name,
        parent: file.folder,
        content: Some((file.size, file.sha256)),
        state: file.status,
        updated_at: file.updated_at,
    }
}

/// Folders by their ids.
struct Paths<'a>(HashMap<FolderId, &'a FolderRecord>);

impl Paths<'_> {
    /// The path of a folder, with a slash at its end. Folders make no circle; should the rows say otherwise, the way up ends all the same.
    fn of(&self, folder: Option<FolderId>) -> String {
        let mut names = Vec::new();
        let mut here = folder;
        while let Some(folder) = here.and_then(|id| self.0.get(&id)) {
            names.push(folder.name.as_str());
            here = folder.parent.filter(|_| names.len() <= self.0.len());
        }
        names.push("");
        names.reverse();
        names.join("/") + "/"
    }
}

impl Entry {
    pub(super) fn is_file(&self) -> bool {
        self.content.is_some()
    }

    pub(super) fn is_active(&self) -> bool {
        self.state == EntryStatus::Active
    }

    pub(super) fn kind(&self) -> &'static str {
        if self.is_file() { "file" } else { "folder" }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({
            "kind": self.kind(), "id": self.id, "path": self.path, "size": self.content.map(|(size, _)| size),
            "sha256": self.content.map(|(_, sha256)| sha256), "state": state_text(self.state), "updated_at": rfc3339(self.updated_at),
        })
    }
}

pub(super) fn state_text(state: EntryStatus) -> &'static str {
    match state {
        EntryStatus::Active => "active",
        EntryStatus::Trashed => "trashed",
    }
}
