//! `cairn backup`: the whole drive, carried into a directory.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use cairn_commands::archive::Manifest;
use cairn_commands::audit::Contents;
use cairn_commands::backup::{Copied, back_up, unknown_stores, verify};
use cairn_commands::ports::blobs::Stores;
use cairn_domain::Position;
use cairn_domain::blob::BlobKey;
use clap::Args;
use serde_json::{Value, json};

use super::carry::{self, Extent, Source};
use super::progress::copies_bar;
use super::{EXIT_FINDINGS, Place, block_on, note, say};
use crate::backup_directory::{BackupDirectory, Note};
use crate::data::DataDirectory;
use crate::wiring::{OpenLog, open_log, open_stores};

/// Copy the whole drive into a directory: the log, the contents, the secret.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cairn backup /mnt/backup/drive
  cairn backup /mnt/backup/drive --verify
  cairn backup /mnt/backup/drive --verify --yes

The drive may be running. The same directory again takes what is new. What is there at the end is the drive as it was at one position of its log.
Contents that the drive has lost are named, and the rest is backed up. Exit code: 0 when everything is there, 3 when contents are missing or damaged, 1 when
there is no backup.
The directory holds the secret and the hashes of passwords: mind who may read it.")]
pub(super) struct Backup {
    /// The directory; it is made if it is not there.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Copy nothing: read the whole backup again and compare every hash.
    #[arg(long)]
    verify: bool,
    /// With `--verify`: remove what is damaged from the backup, so that the next one copies it again.
    #[arg(long, requires = "verify")]
    yes: bool,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

/// Contents may go while they are copied, and the log says so a little later. So often it is asked again.
const ROUNDS_MAX: u32 = 3;

impl Backup {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(async move { if self.verify { self.check().await } else { self.make().await } })
    }

    async fn make(&self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let OpenLog { store: log, closing, .. } = open_log(&config, &data).await?;
        if log.head().await? == Position::START {
            bail!("there is nothing on the log: start the drive first");
        }
        let stores = open_stores(&config, &data).await?.stores;
        let backup = BackupDirectory::create(&self.directory, &data)?;
        let mut round = 1;
        let (manifest, copied) = loop {
            let manifest = carry::export(log.clone(), &backup.events(), true, true).await?;
            let contents = read_contents(&backup, manifest.events).await?.1;
            if let Some(unknown) = unknown_stores(&stores, &contents).first() {
                bail!(
                    "the store {unknown:?} is not configured, and contents lie there: configure it as it was ([stores.{unknown}])"
                );
            }
            let copied = copy(&stores, &backup, &contents).await?;
            if copied.missing.is_empty() || round == ROUNDS_MAX {
                break (manifest, copied);
            }
            round += 1;
        };
        closing.close().await;
        backup.keep_secret(&data)?;
        backup.write(&Note::of(&manifest, &copied))?;
        self.tell("Backed up", &manifest, &copied);
        Ok(how_it_ended(&copied))
    }

    async fn check(&self) -> anyhow::Result<ExitCode> {
        let backup = BackupDirectory::open(&self.directory)?;
        let noted = backup.read()?;
        let (manifest, contents) = read_noted(&backup, &noted).await?;
        let bar = copies_bar(contents.stored().len() as u64);
        let blobs = backup.blobs()?;
        let (copied, damaged) = verify(&blobs, &contents, &|contents| bar.set_position(contents)).await?;
        bar.finish_and_clear();
        if self.yes {
            for sha256 in &damaged {
                blobs.remove(BlobKey::first(*sha256)).await.context("what is damaged can't be removed")?;
            }
        }
        self.tell("Verified", &manifest, &copied);
        if !damaged.is_empty() && !self.yes {
            note(
                "With --yes, what is damaged is removed from the backup, and the next `cairn backup` copies it again, if the drive has it.",
            );
        } else if copied.missing.iter().any(|(sha256, _)| !noted.missing.contains(sha256)) {
            note("What the backup lacks now is copied again by the next `cairn backup`, if the drive has it.");
        }
        Ok(how_it_ended(&copied))
    }

    fn tell(&self, what: &str, manifest: &Manifest, copied: &Copied) {
        let (Manifest { events, digest, .. }, Copied { contents, bytes, written, bytes_written, .. }) = (manifest, copied);
        tell_missing(copied);
        say(&if self.json {
            json!({
                "events": events, "digest": digest, "contents": contents, "bytes": bytes,
                "contents_written": written, "bytes_written": bytes_written, "missing": missing_as_json(copied),
            })
            .to_string()
        } else {
            let lacking = lacking(copied);
            format!("{what} {events} events and {contents} contents of {bytes} bytes, {written} of them new{lacking}.")
        });
    }
}

/// Names the contents that are not there, beside the answer.
pub(super) fn tell_missing(copied: &Copied) {
    for (sha256, reason) in &copied.missing {
        note(&format!("{sha256} is missing: {reason}"));
    }
}

pub(super) fn missing_as_json(copied: &Copied) -> Vec<Value> {
    copied.missing.iter().map(|(sha256, reason)| json!({ "sha256": sha256, "reason": reason })).collect()
}

/// How many contents are not there, where some are not.
pub(super) fn lacking(copied: &Copied) -> String {
    if copied.missing.is_empty() { String::new() } else { format!("; {} of them are MISSING", copied.missing.len()) }
}

pub(super) fn how_it_ended(copied: &Copied) -> ExitCode {
    if copied.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FINDINGS) }
}

async fn copy(stores: &Stores, backup: &BackupDirectory, contents: &Contents) -> anyhow::Result<Copied> {
    let bar = copies_bar(contents.stored().len() as u64);
    let blobs = backup.blobs()?;
    let copied = back_up(stores, &*blobs, contents, &|contents| bar.set_position(contents)).await;
    bar.finish_and_clear();
    copied.context("the contents can't be copied")
}

/// What the part of the log that is noted says about contents, once it is certain that it is what was noted.
pub(super) async fn read_noted(backup: &BackupDirectory, noted: &Note) -> anyhow::Result<(Manifest, Contents)> {
    let (manifest, contents) = read_contents(backup, noted.events).await?;
    noted.check(&manifest)?;
    Ok((manifest, contents))
}

/// Reads so many events of the backup: what they say about contents.
async fn read_contents(backup: &BackupDirectory, events: u64) -> anyhow::Result<(Manifest, Contents)> {
    let mut contents = Contents::default();
    let mut source = Source::open(&backup.events(), Extent::First(events));
    while let Some(page) = source.page().await {
        for event in &page {
            contents.event(event);
        }
    }
    Ok((source.end().await?, contents))
}
