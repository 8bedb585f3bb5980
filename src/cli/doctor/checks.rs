use std::sync::Arc;

use cairn_commands::ports::digests::Digests;
use cairn_commands::ports::event_store::EventStore;
use cairn_domain::transfer::Phase;
use cairn_domain::{Position, Timestamp};
use cairn_infra::config::{Address, Config, LogAdapter};
use cairn_infra::log_source::LogSource;
use cairn_infra::server_versions::server_versions;
use cairn_infra::sqlite::log::SCHEMA_VERSION;
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::transfers::transfer_figures;

use super::{Seen, place};
use crate::cli::projection::status;
use crate::data::DataDirectory;
use crate::wiring::{self, OpenDigests, OpenLog, glance_at_views, now, open_digests, open_log, open_stores};

/// An event may be of the future by as much as clocks differ.
const AHEAD_SECONDS_MAX: i64 = 5;

/// Events that were appended a moment ago are digested a moment later.
const UNDIGESTED_MAX: u64 = 10_000;

type Tell<'a> = &'a mut (dyn FnMut(Seen) + Send);

/// Everything, in the order in which a drive needs it.
pub(super) async fn all(config: &Config, tell: Tell<'_>) {
    tell(Seen::well("configuration", format!("services: {}", config.server.services)));
    tell(place::permissions(&config.server.data));
    tell(place::room(&config.server.data));
    tell(secret(config));
    let data = match DataDirectory::of(config) {
        Ok(data) => data,
        Err(error) => return tell(Seen::ill("log", chain(&error), "start the drive once, or say where it is with --data")),
    };
    tell(running(&data));
    log_and_tables(config, &data, tell).await;
    stores(config, &data, tell).await;
    servers(config, tell).await;
}

fn secret(config: &Config) -> Seen {
    let alone = matches!(config.log_adapter(), Ok(LogAdapter::Sqlite));
    if alone || config.server.secret.is_some() {
        return Seen::well("secret", if config.server.secret.is_some() { "it is configured" } else { "the drive has its own" });
    }
    Seen::mind(
        "secret",
        "each process has its own: links of one are not good at another",
        "set server.secret to the same value everywhere",
    )
}

fn running(data: &DataDirectory) -> Seen {
    match data.try_lock() {
        Ok(Some(_free)) => Seen::well("drive", "no drive is running on this directory"),
        Ok(None) => Seen::well("drive", "a drive is running on this directory"),
        Err(error) => Seen::mind("drive", chain(&error), "say where the drive is with --data, or start it: it makes the directory"),
    }
}

async fn log_and_tables(config: &Config, data: &DataDirectory, tell: Tell<'_>) {
    let log = match open_log(config, data).await {
        Ok(log) => log,
        Err(error) => {
            return tell(Seen::ill("log", chain(&error), "see that log.url is right and that its server runs and lets us in"));
        }
    };
    let OpenLog { store, closing, .. } = log;
    tell(schema(config));
    tell(server("bus", &config.bus.url, wiring::try_bus(config, store.clone()).await));
    match log_end(&*store).await {
        Ok((head, last)) => {
            tell(Seen::well("log", format!("it ends at position {head}")));
            tell(clock(last, now()));
            match open_digests(config, data).await {
                Ok(OpenDigests { digests, closing }) => {
                    tell(digested(&*digests, head).await);
                    closing.close().await;
                }
                Err(error) => tell(Seen::mind("digests", chain(&error), "start a drive of this version, or run `cairn migrate`")),
            }
        }
        Err(error) => tell(Seen::ill("log", chain(&error), "see that its server runs; `cairn events audit` looks at every event")),
    }
    match glance_at_views(config, data).await {
        Ok(tables) => tables_and_work(&*tables, &store, tell).await,
        Err(error) => tell(Seen::ill("read tables", chain(&error), "start the drive: it makes them from the log")),
    }
    closing.close().await;
}

/// A log of another schema is not opened.
fn schema(config: &Config) -> Seen {
    Seen::well(
        "schema",
        match config.log_adapter() {
            Ok(LogAdapter::Sqlite) => format!("the log has schema {SCHEMA_VERSION}, that of this program"),
            _ => "the log has what this program needs".to_owned(),
        },
    )
}

/// Where the log ends, and when its last event was decided.
async fn log_end(log: &dyn EventStore) -> anyhow::Result<(Position, Option<Timestamp>)> {
    let head = log.head().await?;
    let last = log.read_all(Position(head.0.saturating_sub(1)), 1).await?;
    Ok((head, last.last().map(|event| event.time)))
}

fn clock(last: Option<Timestamp>, now: Timestamp) -> Seen {
    let ahead = last.map_or(0, |last| (last.0 - now.0) / 1_000_000);
    if ahead > AHEAD_SECONDS_MAX {
        let said =
            format!("the last event is {ahead} seconds of the future: the clock of this machine is slow, or that of another fast");
        return Seen::mind("clock", said, "have all machines keep time (NTP)");
    }
    Seen::well("clock", "no event is of the future")
}

async fn digested(digests: &dyn Digests, head: Position) -> Seen {
    let advice = "run a process with the service janitor";
    match digests.last().await {
        Err(error) => Seen::mind("digests", chain(&error.into()), advice),
        Ok(None) if head > Position::START => Seen::mind("digests", "none are kept of this log yet", advice),
        Ok(last) => {
            let last = last.map_or(Position::START, |block| block.last);
            let said = format!("they are kept up to position {last}");
            if last > head {
                let advice = "restore the log that is missing; `cairn events audit` says more";
                return Seen::ill("digests", format!("{said}, and the log ends before: events are missing"), advice);
            }
            if head.0 - last.0 > UNDIGESTED_MAX { Seen::mind("digests", said, advice) } else { Seen::well("digests", said) }
        }
    }
}

async fn tables_and_work(tables: &dyn ReadTables, log: &Arc<dyn EventStore>, tell: Tell<'_>) {
    match status::look(tables, &LogSource::new(log.clone())).await {
        Err(error) => return tell(Seen::ill("read tables", chain(&error), "see that views.url is right and that its server runs")),
        Ok(projections) => {
            let versions: Vec<String> = projections.iter().map(status::Seen::versions).collect();
            tell(Seen::well("versions of rows", versions.join(", ")));
            let mut well = 0;
            for projection in projections {
                let what = || format!("rows of {}", projection.name());
                match projection.advice(now()) {
                    None => well += 1,
                    Some(advice) if projection.has_lost_its_log() => tell(Seen::ill(what(), projection.figures(), advice)),
                    Some(advice) => tell(Seen::mind(what(), projection.figures(), advice)),
                }
            }
            tell(Seen::well("read tables", format!("{well} projections are where they should be")));
        }
    }
    match transfer_figures(tables).await {
        Err(error) => tell(Seen::ill("transfers", chain(&error.into()), "see that views.url is right and that its server runs")),
        Ok(figures) => {
            let stalled =
                figures.phases.iter().find(|figures| figures.phase == Phase::Stalled).map_or(0, |stalled| stalled.transfers);
            tell(if stalled == 0 {
                Seen::well("transfers", "none is stalled")
            } else {
                let advice = "see why (cairn transfer list --state stalled), then `cairn transfer retry ID`, or `--all`";
                Seen::mind("transfers", format!("{stalled} are stalled"), advice)
            });
        }
    }
}

async fn stores(config: &Config, data: &DataDirectory, tell: Tell<'_>) {
    let open = match open_stores(config, data).await {
        Ok(open) => open,
        Err(error) => return tell(Seen::ill("stores", chain(&error), "see [stores] and [policy], and that their servers run")),
    };
    for store in open.stores.each() {
        let what = format!("store {}", store.name());
        tell(match store.reachable().await {
            Ok(()) => Seen::well(what, "it answers"),
            Err(error) => Seen::ill(what, chain(&error.into()), "see that its server runs and that its keys are right"),
        });
    }
}

/// Those that the drive can do without, or that are in this process if none are configured.
async fn servers(config: &Config, tell: Tell<'_>) {
    tell(server("queue", &config.queue.url, wiring::try_tasks(config).await));
    tell(server("cache", &config.cache.url, wiring::try_cache(config).await));
    match server_versions(config).await {
        Ok(told) => told
            .into_iter()
            .for_each(|told| tell(Seen::well(format!("{} server", told.section), format!("version {}", told.version)))),
        Err(error) => tell(Seen::mind("servers", chain(&error.into()), "mend the configuration; `cairn config check` explains it")),
    }
}

fn server(what: &str, url: &Address, tried: anyhow::Result<()>) -> Seen {
    match tried {
        Ok(()) => Seen::well(what, url.to_string()),
        Err(error) => {
            Seen::ill(what, chain(&error), format!("see that {what}.url is right and that its server runs and lets us in"))
        }
    }
}

/// An error with its causes, for people.
fn chain(error: &anyhow::Error) -> String {
    crate::cli::explained(error)
}
