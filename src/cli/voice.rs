//! What the command line says, and whether anybody hears it.
//!
//! Who reads from a pipe may have heard enough: nothing more is said then, and what a verb does or finds out stays the same. Any other failure to write, such as a
//! full disk, is an error of the whole run.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// The first failure to write to standard output. Nothing is said after it.
static SILENCED: OnceLock<io::Error> = OnceLock::new();

/// Prints a line for people or programs.
pub(super) fn say(line: &str) {
    if !is_heard() {
        return;
    }
    let mut stdout = io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        SILENCED.get_or_init(|| error);
    }
}

/// Whether it is of any use to say more. A listing ends when it is not.
pub(super) fn is_heard() -> bool {
    SILENCED.get().is_none()
}

/// Why not everything was said, unless it was because nobody wanted to hear more.
pub(super) fn failure() -> Option<&'static io::Error> {
    SILENCED.get().filter(|error| !is_closed_pipe(error))
}

/// Whoever read from the pipe has heard enough.
pub(super) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

/// Says something to people whose standard output has other things. Where they do not hear it either, there is nobody left to be told.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
