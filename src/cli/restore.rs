//! `cairn restore`: a drive out of a backup.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use cairn_commands::backup::restore;
use cairn_infra::config::Overrides;
use clap::Args;
use serde_json::json;

use super::backup::read_contents;
use super::carry;
use super::progress::copies_bar;
use super::{Place, block_on, note, say};
use crate::backup_directory::BackupDirectory;
use crate::data::DataDirectory;
use crate::wiring::{open_destination, open_stores};

/// Make a drive out of a backup.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cairn restore /mnt/backup/drive --data /srv/cairn
  cairn restore /mnt/backup/drive --config cairn.toml

The log must be empty, of whichever kind it is; a restore that was interrupted is run again. Every content is verified as it is written, into each store that
should have it. The read tables are made when the drive starts.")]
pub(super) struct Restore {
    /// The directory of the backup.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    place: Place,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        block_on(async move { self.make().await })
    }

    async fn make(&self) -> anyhow::Result<ExitCode> {
        let config = self.place.load(Overrides::default())?;
        let backup = BackupDirectory::open(&self.directory)?;
        let noted = backup.read()?;
        let (manifest, contents) = read_contents(&backup).await?;
        noted.check(&manifest)?;
        let data = DataDirectory::create(&config.server.data)?;
        let _lock = data.lock()?;
        backup.give_secret(&data)?;
        let stores = open_stores(&config, &data).await?.stores;
        let bar = copies_bar(contents.stored().len() as u64);
        let copied = restore(&*backup.blobs()?, &stores, &contents, &|contents| bar.set_position(contents)).await;
        bar.finish_and_clear();
        let copied = copied.context("the contents can't be restored")?;
        for (sha256, reason) in &copied.missing {
            note(&format!("{sha256}: {reason}"));
        }
        if !copied.missing.is_empty() {
            bail!("{} copies of contents could not be restored, and the log was not", copied.missing.len());
        }
        // With the log, the drive is there: it comes last.
        let imported = carry::import(open_destination(&config, &data).await?, &backup.events()).await?;
        let (events, contents, bytes) = (manifest.events, copied.contents, copied.bytes);
        say(&if self.json {
            json!({
                "events": events, "digest": manifest.digest, "contents": contents, "bytes": bytes,
                "events_written": imported.taken, "copies_written": copied.written,
            })
            .to_string()
        } else {
            format!(
                "Restored {events} events and {contents} contents of {bytes} bytes. `cairn events audit --deep` looks at all of it again."
            )
        });
        Ok(ExitCode::SUCCESS)
    }
}
