//! What the files are called.

use std::path::{Path, PathBuf};

use crate::sqlite::files::sibling;

/// Where the tables of a rebuild are made: `views.rebuild.db` for `views.db`. After a crash it means nothing.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    sibling(path, ".rebuild.db")
}

/// Where a rebuild waits that was stopped: `views.kept.db`.
pub(super) fn kept_of(path: &Path) -> PathBuf {
    sibling(path, ".kept.db")
}

/// Where the tables are that the last rebuild has replaced: `views.before.db`.
pub(super) fn before_of(path: &Path) -> PathBuf {
    sibling(path, ".before.db")
}
