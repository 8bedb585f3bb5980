//! Work that takes its time: what it shows meanwhile, and how it is stopped.

use cairn_projections::runner::Progress;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancelled by ctrl-C and by SIGTERM, from now on.
pub(super) fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let (mut interrupts, mut ends) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let on_signal = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = ends.recv() => {}
        }
        on_signal.cancel();
    });
    Ok(stop)
}

/// How many events are done, shown on a terminal only, and on stderr. It is cleared away when it is dropped.
pub(super) struct Bar(ProgressBar);

/// A bar that counts copies of contents.
pub(super) fn copies_bar(total: u64) -> ProgressBar {
    bar(total, "{bar:40} {pos}/{len} copies  {eta} left")
}

/// A bar that counts steps of a plan.
pub(super) fn steps_bar(total: u64) -> ProgressBar {
    bar(total, "{bar:40} {pos}/{len} steps  {eta} left")
}

/// A bar that counts events, with their rate and the time that is left.
pub(super) fn events_bar(total: u64) -> ProgressBar {
    bar(total, "{bar:40} {pos}/{len} events  {per_sec}  {eta} left")
}

/// A bar that counts what was read, of a whole that is not known when it comes through a pipe.
pub(super) fn bytes_bar(total: Option<u64>) -> ProgressBar {
    match total {
        Some(total) => bar(total, "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left"),
        None => bar(0, "{spinner} {bytes}  {bytes_per_sec}"),
    }
    .with_finish(ProgressFinish::AndClear)
}

fn bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

impl Bar {
    pub(super) fn new() -> Self {
        Self(events_bar(0))
    }

    pub(super) fn show(&self, progress: Progress) {
        self.0.set_length(progress.head.0);
        self.0.set_position(progress.done.0);
    }

    /// Says something without the bar in between.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        self.0.suspend(say);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
