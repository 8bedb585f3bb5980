//! The folders of one account, all together: whether a folder may stand in another depends on all those above it, so that nobody can
//! decide about one of them alone.

mod command;
mod event;
mod rejection;
mod state;

pub use command::{CreateFolder, FolderCommand, UpdateFolder};
pub use event::{FolderCreated, FolderEvent, FolderMoved, FolderPurged, FolderRenamed, FolderRestored, FolderTrashed};
pub use rejection::FolderRejection;
pub use state::{Folder, FolderStatus, Tree};

#[cfg(test)]
mod tests;
