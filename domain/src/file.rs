//! An entry of a drive: a name, a place and a content. Many entries may share one content.

mod command;
mod event;
mod rejection;
mod state;

pub use command::{FileCommand, Replace};
pub use event::{
    FileAdded, FileEvent, FileMoved, FilePurged, FileRenamed, FileReplaced, FileRestored, FileTrashed, FileVersionRemoved, Origin,
};
pub use rejection::FileRejection;
pub use state::{Content, Entry, File, FileStatus, FileVersion};

#[cfg(test)]
mod tests;
