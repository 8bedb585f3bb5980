//! Logs on their way: into a file or a pipe, and from there into another log.

mod export;
mod files;
mod import;
mod source;

pub(super) use export::export;
pub(super) use files::is_pipe;
pub(super) use import::{Imported, check_target, import};
pub(super) use source::{Extent, Source, check, check_kind};

/// Events that are read, written and carried on at once.
const PAGE: usize = 4_096;

/// Pages that were read and wait for the next step.
const PAGES_AHEAD: usize = 2;
