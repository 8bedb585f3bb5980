//! What is shown of work that lasts: on a terminal only, and on stderr.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts copies of contents.
pub(super) fn copies_bar(total: u64) -> ProgressBar {
    bar(total, "{bar:40} {pos}/{len} copies  {eta} left")
}

/// A bar that counts events, with their rate and the time that is left.
pub(super) fn events_bar(total: u64) -> ProgressBar {
    bar(total, "{bar:40} {pos}/{len} events  {per_sec}  {eta} left")
}

fn bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
