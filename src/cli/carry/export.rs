use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use cairn_commands::archive::{Manifest, Writer};
use cairn_commands::ports::event_store::{EventStore, StoreError};
use cairn_domain::{EventId, Position, StoredEvent};
use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio::task::block_in_place;

use super::files::{self, Sink};
use super::{PAGE, PAGES_AHEAD};
use crate::cli::progress::events_bar;

/// An export that was begun.
struct Begun {
    sink: Sink,
    writer: Writer,
    /// The first line, if it is not there yet.
    text: Vec<u8>,
}

/// Writes the log into a file or to standard output, up to where it ends now. A file is compressed if it is called so, or if `zstd` says so; one that is
/// there is gone on with if it may be resumed, and otherwise left alone.
pub(in crate::cli) async fn export(log: Arc<dyn EventStore>, file: &Path, zstd: bool, resume: bool) -> anyhow::Result<Manifest> {
    let begun = begin(&*log, file, zstd, resume).await?;
    let after = begun.writer.last().unwrap_or_default();
    let head = log.head().await?;
    let bar = events_bar(head.0.saturating_sub(after.0));
    let manifest = write(log, after, head, begun, &bar).await?;
    bar.finish_and_clear();
    Ok(manifest)
}

async fn begin(log: &dyn EventStore, file: &Path, zstd: bool, resume: bool) -> anyhow::Result<Begun> {
    let mut text = Vec::new();
    if files::is_pipe(file) {
        return Ok(Begun { sink: Sink::stdout(zstd)?, writer: Writer::begin(&mut text), text });
    }
    let zstd = zstd || files::says_zstd(file);
    if !file.try_exists().with_context(|| format!("{} can't be looked at", file.display()))? {
        let sink = Sink::create(file, zstd).with_context(|| format!("{} can't be made", file.display()))?;
        return Ok(Begun { sink, writer: Writer::begin(&mut text), text });
    }
    if !resume {
        bail!("{} is there already: go on with it with --resume, or take another name", file.display());
    }
    let held = files::hold(file).with_context(|| format!("{} can't be gone on with", file.display()))?;
    let there = block_in_place(|| files::take_up(file))?;
    // Before anything of the file is touched.
    if let Some((position, id)) = there.reader.last()
        && !holds(log, position, id).await?
    {
        bail!("{} was not written from this log: event {id} is not at position {position} here", file.display());
    }
    let is_new = there.offset == 0;
    let sink = Sink::behind(held, there.offset, if is_new { zstd } else { there.zstd });
    let sink = sink.with_context(|| format!("{} can't be written", file.display()))?;
    if is_new {
        return Ok(Begun { sink, writer: Writer::begin(&mut text), text });
    }
    Ok(Begun { sink, writer: Writer::resume(there.reader), text })
}

async fn holds(log: &dyn EventStore, position: Position, id: EventId) -> anyhow::Result<bool> {
    let there = log.read_all(Position(position.0.saturating_sub(1)), 1).await?;
    Ok(there.first().is_some_and(|event| event.position == position && event.id == id))
}

/// Writes what stands after the position, up to the other one: reading goes on while lines are made and written.
async fn write(
    log: Arc<dyn EventStore>,
    after: Position,
    head: Position,
    begun: Begun,
    bar: &ProgressBar,
) -> anyhow::Result<Manifest> {
    let Begun { mut sink, mut writer, mut text } = begun;
    // The first line is a frame of its own, always the same one: by that a file is known of which no more was written.
    if !text.is_empty() {
        block_in_place(|| sink.write(&text)).context("the export can't be written")?;
        text.clear();
    }
    let (pages, mut ready) = mpsc::channel(PAGES_AHEAD);
    let reading = tokio::spawn(read(log, after, head, pages));
    while let Some(page) = ready.recv().await {
        block_in_place(|| {
            for event in &page {
                writer.event(event, &mut text)?;
            }
            sink.write(&text).context("the export can't be written")
        })?;
        text.clear();
        bar.inc(page.len() as u64);
    }
    reading.await.context("reading the log died")??;
    let manifest = writer.end(&mut text);
    block_in_place(|| {
        sink.write(&text)?;
        sink.finish()
    })
    .context("the export can't be written")?;
    Ok(manifest)
}

/// Hands the pages over, until there are no more or nobody wants them.
async fn read(
    log: Arc<dyn EventStore>,
    mut after: Position,
    head: Position,
    pages: mpsc::Sender<Vec<StoredEvent>>,
) -> Result<(), StoreError> {
    while after < head {
        let mut page = log.read_all(after, PAGE).await?;
        page.retain(|event| event.position <= head);
        let Some(last) = page.last() else { break };
        after = last.position;
        if pages.send(page).await.is_err() {
            break;
        }
    }
    Ok(())
}
