//! An entry of a drive: a name, a place and a content. Many entries may share one content.

mod command;
mod event;
mod rejection;
mod state;

pub use command::FileCommand;
pub use event::{FileAdded, FileEvent, FileMoved, FilePurged, FileRenamed, FileRestored, FileTrashed, Origin};
pub use rejection::FileRejection;
pub use state::{Entry, File, FileStatus};

#[cfg(test)]
mod tests;
