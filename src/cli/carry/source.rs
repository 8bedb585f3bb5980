use std::path::Path;

use anyhow::{Context, bail};
use cairn_commands::archive::{Line, Manifest, Reader};
use cairn_domain::StoredEvent;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{PAGE, PAGES_AHEAD, files};

/// How much of an export is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Extent {
    /// All of it, to its last line.
    Whole,
    /// So many events from the first. What stands behind them is not looked at: it may be cut off.
    First(u64),
}

/// The events of an export, checked as they are read, page by page, in a thread of its own.
pub(in crate::cli) struct Source {
    pages: mpsc::Receiver<Vec<StoredEvent>>,
    reading: JoinHandle<anyhow::Result<Manifest>>,
}

impl Source {
    /// A file, or standard input.
    pub(in crate::cli) fn open(file: &Path, extent: Extent) -> Self {
        let (ready, pages) = mpsc::channel(PAGES_AHEAD);
        let file = file.to_owned();
        Self { pages, reading: spawn_blocking(move || read(&file, extent, &ready)) }
    }

    /// The next events; none at the end, or behind the last line that is good.
    pub(in crate::cli) async fn page(&mut self) -> Option<Vec<StoredEvent>> {
        self.pages.recv().await
    }

    /// What was read. To be called when there are no more pages.
    pub(in crate::cli) async fn end(self) -> anyhow::Result<Manifest> {
        self.reading.await.context("reading the export died")?
    }
}

/// Reads a file to its end before anything of it is believed. A pipe can be read only once.
pub(in crate::cli) async fn check(file: &Path) -> anyhow::Result<()> {
    if files::is_pipe(file) {
        return Ok(());
    }
    let file = file.to_owned();
    let checked = spawn_blocking(move || each_event(&file, Extent::Whole, |_| true)).await.context("checking the export died")?;
    checked.context("nothing was imported").map(drop)
}

/// Looks at the first line of a file, whether it is an export at all.
pub(in crate::cli) fn check_kind(file: &Path) -> anyhow::Result<()> {
    if files::is_pipe(file) {
        return Ok(());
    }
    let name = || format!("{} can't be read", file.display());
    let (mut reader, mut line) = (Reader::new(), Vec::new());
    if files::next_line(&mut files::open(file)?, &mut line).with_context(name)? {
        reader.line(&line).with_context(name)?;
        return Ok(());
    }
    reader.end().map(drop).with_context(name)
}

fn read(file: &Path, extent: Extent, pages: &mpsc::Sender<Vec<StoredEvent>>) -> anyhow::Result<Manifest> {
    let mut page = Vec::with_capacity(PAGE);
    let manifest = each_event(file, extent, |event| {
        page.push(event);
        page.len() < PAGE || pages.blocking_send(std::mem::replace(&mut page, Vec::with_capacity(PAGE))).is_ok()
    });
    // What came before a bad line is good.
    if !page.is_empty() {
        let _ = pages.blocking_send(page);
    }
    manifest
}

/// Takes one event after the other, until that says that it wants no more.
fn each_event(file: &Path, extent: Extent, mut take: impl FnMut(StoredEvent) -> bool) -> anyhow::Result<Manifest> {
    let mut input = files::open(file)?;
    let (mut reader, mut line) = (Reader::new(), Vec::new());
    let name = || format!("{} can't be read", file.display());
    let after = |reader: &Reader| format!("{} can't be read after line {}", file.display(), reader.lines());
    while extent != Extent::First(reader.events()) {
        if !files::next_line(&mut input, &mut line).with_context(|| after(&reader))? {
            return reader.end().with_context(name);
        }
        if let Line::Event(event) = reader.line(&line).with_context(name)?
            && !take(event)
        {
            bail!("the events are wanted no more");
        }
    }
    Ok(reader.so_far())
}
