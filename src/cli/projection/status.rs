use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use cairn_domain::{Position, Timestamp};
use cairn_infra::log_source::LogSource;
use cairn_projections::ports::{Checkpoint, ReadTables, Source};
use cairn_projections::projections;
use cairn_projections::queries::operations::{checkpoints, lease_owners, parked_counts};
use cairn_projections::runner::{Landmarks, Refused};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Place, rfc3339, say};
use crate::data::DataDirectory;
use crate::wiring::{glance_at_views, now, open_log};

/// An event that was decided so long ago, and is in no row yet, does not only wait for its turn.
const WAITS_MAX: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    #[command(flatten)]
    place: Place,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What is known of one projection.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Seen {
    name: &'static str,
    /// The program's version of it.
    version: u32,
    checkpoint: Option<Checkpoint>,
    lag: u64,
    parked: u64,
    /// Which process has the right to move the checkpoint.
    owner: Option<String>,
    refused: Option<Refused>,
    /// When the first event was decided that is not in the rows.
    waits_since: Option<Timestamp>,
}

impl Status {
    pub(super) async fn print(self) -> anyhow::Result<ExitCode> {
        let config = self.place.visit()?;
        let data = DataDirectory::of(&config)?;
        let tables = glance_at_views(&config, &data).await?;
        let log = open_log(&config, &data).await?;
        let seen = look(&*tables, &LogSource::new(log.store.clone())).await;
        log.closing.close().await;
        let seen = seen?;
        if !self.json {
            say("NAME         VERSION     POSITION      LAG  PARKED  UPDATED                      HELD BY");
        }
        let now = now();
        for seen in &seen {
            say(&if self.json { seen.as_json(now).to_string() } else { seen.as_lines(now) });
        }
        let well = seen.iter().all(|seen| seen.advice(now).is_none());
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Every projection, as the tables and the log say now.
pub(in crate::cli) async fn look(tables: &dyn ReadTables, log: &dyn Source) -> anyhow::Result<Vec<Seen>> {
    let unreadable = "the read tables can't be read";
    let checkpoints = checkpoints(tables).await.context(unreadable)?;
    let parked = parked_counts(tables).await.context(unreadable)?;
    let owners = lease_owners(tables).await.context(unreadable)?;
    let landmarks = Landmarks::of(log, &checkpoints).await?;
    let mut all = Vec::new();
    for projection in projections() {
        let checkpoint = checkpoints.iter().find(|checkpoint| checkpoint.projection == projection.name()).cloned();
        let (name, position) = (projection.name(), checkpoint.as_ref().map(|checkpoint| checkpoint.position).unwrap_or_default());
        let next = if position < landmarks.head { log.read_all(position, 1).await? } else { Vec::new() };
        all.push(Seen {
            name,
            version: projection.version(),
            lag: landmarks.head.0.saturating_sub(position.0),
            parked: parked.get(name).copied().unwrap_or_default(),
            owner: owners.get(name).cloned(),
            refused: landmarks.judge(&*projection, checkpoint.as_ref()).err(),
            waits_since: next.first().map(|event| event.time),
            checkpoint,
        });
    }
    Ok(all)
}

impl Seen {
    /// What to do; none when all is well.
    pub(in crate::cli) fn advice(&self, now: Timestamp) -> Option<String> {
        if let Some(refused) = self.refused.as_ref().filter(|_| self.has_lost_its_log()) {
            return Some(format!(
                "{refused}, only if that is the right log; if events are missing from it, a rebuild would empty the rows: first see that log.url and --data are right, \
                 and restore the log (cairn restore)"
            ));
        }
        if let Some(refused) = &self.refused {
            return Some(format!("{refused} (cairn projection rebuild --all)"));
        }
        if self.is_paused() {
            return Some(format!("somebody has told it to stand still (cairn projection resume {})", self.name));
        }
        if self.parked > 0 {
            let Self { name, parked, .. } = self;
            return Some(format!(
                "{parked} events could not be projected: see why (cairn projection parked {name}), then try them again (cairn projection retry {name})"
            ));
        }
        let waited = now.0.saturating_sub(self.waits_since?.0);
        let too_long = u128::try_from(waited).is_ok_and(|waited| waited > WAITS_MAX.as_micros());
        too_long.then(|| {
            let since = rfc3339(self.waits_since.unwrap_or_default());
            format!("an event of {since} is not in the rows: start a drive that projects, or see in its log why it does not")
        })
    }

    /// The rows were made from more events than the log has now, or from another log.
    pub(in crate::cli) fn has_lost_its_log(&self) -> bool {
        matches!(self.refused, Some(Refused::AheadOfLog { .. } | Refused::OtherLog { .. } | Refused::OtherEvent { .. }))
    }

    /// Which version its rows have, and which the program has if that is another one.
    pub(in crate::cli) fn versions(&self) -> String {
        let Self { name, version, .. } = self;
        match self.checkpoint.as_ref().map(|checkpoint| checkpoint.version) {
            Some(stored) if stored == *version => format!("{name} {version}"),
            Some(stored) => format!("{name} {stored} instead of {version}"),
            None => format!("{name} none instead of {version}"),
        }
    }

    pub(in crate::cli) fn name(&self) -> &'static str {
        self.name
    }

    /// Where it is, in few words.
    pub(in crate::cli) fn figures(&self) -> String {
        format!("at position {}, {} behind, {} parked", self.position(), self.lag, self.parked)
    }

    fn is_paused(&self) -> bool {
        self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.paused)
    }

    fn position(&self) -> Position {
        self.checkpoint.as_ref().map(|checkpoint| checkpoint.position).unwrap_or_default()
    }

    fn updated_at(&self) -> Option<String> {
        self.checkpoint.as_ref().map(|checkpoint| rfc3339(checkpoint.updated_at))
    }

    fn as_lines(&self, now: Timestamp) -> String {
        let Self { name, version, lag, parked, owner, .. } = self;
        let (position, updated) = (self.position(), self.updated_at().unwrap_or_default());
        let owner = owner.as_deref().unwrap_or("-");
        let line = format!("{name:<12} {version:>7} {position:>12} {lag:>8} {parked:>7}  {updated:<27}  {owner}");
        self.advice(now).map_or(line.clone(), |advice| format!("{line}\n  {advice}"))
    }

    fn as_json(&self, now: Timestamp) -> Value {
        json!({
            "name": self.name, "version": self.version, "stored_version": self.checkpoint.as_ref().map(|stored| stored.version),
            "position": self.position(), "lag": self.lag, "parked": self.parked, "owner": self.owner,
            "paused": self.is_paused(),
            "updated_at": self.updated_at(), "advice": self.advice(now),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Seen {
        let (lag, parked, owner, refused, waits_since) = (0, 0, None, None, None);
        Seen { name: "files", version: 5, checkpoint: None, lag, parked, owner, refused, waits_since }
    }

    fn advice(seen: &Seen) -> Option<String> {
        seen.advice(Timestamp(100_000_000))
    }

    #[test]
    fn a_projection_that_has_come_to_the_end_of_the_log_needs_nothing() {
        assert_eq!(advice(&well()), None);
    }

    #[test]
    fn an_event_may_wait_for_its_turn_but_not_for_a_minute() {
        let waits = |since| Seen { lag: 1, waits_since: Some(Timestamp(since)), ..well() };
        assert_eq!(advice(&waits(99_000_000)), None);
        assert!(advice(&waits(39_000_000)).is_some_and(|advice| advice.contains("1970-01-01T00:00:39")));
    }

    #[test]
    fn rows_of_events_that_are_gone_are_not_to_be_rebuilt_before_the_log_is_restored() {
        let refused = Refused::AheadOfLog { projection: "files", position: Position(9), head: Position(0) };
        let seen = Seen { refused: Some(refused), ..well() };
        let told = advice(&seen).unwrap();
        assert!(seen.has_lost_its_log() && told.contains("restore") && !told.contains("rebuild --all"), "{told}");
        assert_eq!(seen.versions(), "files none instead of 5");
    }

    #[test]
    fn parked_events_are_to_be_seen_and_tried_again() {
        let told = advice(&Seen { parked: 3, ..well() }).unwrap();
        assert!(told.contains("3 events") && told.contains("parked files") && told.contains("retry files"), "{told}");
    }

    #[test]
    fn rows_of_other_code_are_to_be_rebuilt_whatever_else_is_wrong() {
        let refused = Refused::Stale { projection: "files", stored: 4, version: 5 };
        let told = advice(&Seen { parked: 3, refused: Some(refused), ..well() }).unwrap();
        assert!(told.contains("version 4") && told.contains("rebuild --all"), "{told}");
    }
}
