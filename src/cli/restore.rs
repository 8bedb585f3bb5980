//! `cairn restore`: a drive out of a backup.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use cairn_commands::archive::Manifest;
use cairn_commands::audit::Contents;
use cairn_commands::backup::{Copied, restore, unknown_stores};
use cairn_infra::config::{Config, Overrides};
use clap::Args;
use serde_json::json;

use super::backup::{how_it_ended, lacking, missing_as_json, read_noted, tell_missing};
use super::carry::{self, Extent, Imported};
use super::progress::copies_bar;
use super::{Place, block_on, say};
use crate::backup_directory::BackupDirectory;
use crate::data::DataDirectory;
use crate::wiring::{Destination, open_destination, open_stores};

/// Make a drive out of a backup.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cairn restore /mnt/backup/drive --data /srv/cairn
  cairn restore /mnt/backup/drive --config cairn.toml

The log must be empty, of whichever kind it is; a restore that was interrupted is run again. Every content is verified as it is written, into each store that
should have it. Contents that the backup does not have are named, and the rest is restored. The read tables are made when the drive starts.
Exit code: 0 when everything was restored, 3 when contents are missing, 1 when there is no drive.")]
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
        let (manifest, contents) = read_noted(&backup, &noted).await?;
        let data = DataDirectory::create(&config.server.data)?;
        let _lock = data.lock()?;
        let destination = open_destination(&config, &data).await?;
        let (copied, imported) = fill(&config, &data, destination, &backup, &contents, manifest.events).await?;
        self.tell(&manifest, &copied, imported);
        Ok(how_it_ended(&copied))
    }

    fn tell(&self, manifest: &Manifest, copied: &Copied, imported: Imported) {
        let (Manifest { events, digest, .. }, Copied { contents, bytes, written, .. }) = (manifest, copied);
        tell_missing(copied);
        say(&if self.json {
            json!({
                "events": events, "digest": digest, "contents": contents, "bytes": bytes,
                "events_written": imported.taken, "copies_written": written, "missing": missing_as_json(copied),
            })
            .to_string()
        } else {
            let lacking = lacking(copied);
            format!(
                "Restored {events} events and {contents} contents of {bytes} bytes{lacking}. `cairn events audit --deep` looks at all of it again."
            )
        });
    }
}

/// Nothing is written before it is certain that all of it has a place. With the log, the drive is there: it comes last.
async fn fill(
    config: &Config,
    data: &DataDirectory,
    destination: Destination,
    backup: &BackupDirectory,
    contents: &Contents,
    events: u64,
) -> anyhow::Result<(Copied, Imported)> {
    let extent = Extent::First(events);
    carry::check_target(&destination, &backup.events(), extent).await.context("nothing was restored")?;
    let stores = open_stores(config, data).await?.stores;
    if let Some(unknown) = unknown_stores(&stores, contents).first() {
        bail!("the store {unknown:?} is not configured, and contents belong there: nothing was restored");
    }
    backup.give_secret(data)?;
    let bar = copies_bar(contents.stored().len() as u64);
    let copied = restore(&*backup.blobs()?, &stores, contents, &|contents| bar.set_position(contents)).await;
    bar.finish_and_clear();
    let copied = copied.context("the contents can't be restored, and the log was not")?;
    let imported = carry::import(destination, &backup.events(), extent).await?;
    Ok((copied, imported))
}
