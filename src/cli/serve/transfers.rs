//! Contents on their way between stores, and those that nobody asks for.

use std::sync::Arc;
use std::time::Duration;

use cairn_commands::Drive;
use cairn_commands::ports::checkpoints::Checkpoints;
use cairn_commands::sagas::transfers::{Mover, MoverSettings, Patience, Requested, Watch, request_transfers};
use cairn_commands::sagas::{Collector, Scrubbed, Scrubber, remove_dead};
use cairn_domain::Timestamp;
use cairn_infra::config::{Config, Service, Upkeep};
use cairn_projections::queries::transfers::{state_text, transfer_figures};
use tokio::time::{sleep, timeout};

use super::{GAUGES_EVERY, process_name, report};
use crate::lifecycle::Lifecycle;
use crate::wiring::Whole;

/// How long the saga waits for a hint of the log before it looks without one.
const POLL: Duration = Duration::from_secs(1);
/// It lets events gather for so long, so that it takes many at once.
const GATHER: Duration = Duration::from_millis(20);
/// The longest it waits for a content that has to stay for a while: clocks jump.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// How often transfers are looked for of which nothing was heard.
const WATCH_EVERY: Duration = Duration::from_secs(5);
/// How often contents are looked for that nobody needs.
const COLLECT_EVERY: Duration = Duration::from_secs(20);
/// How often what downloads have found wrong is looked at.
const JUDGE_EVERY: Duration = Duration::from_secs(1);
/// How often the scrubber goes on: a thousand times in a period, but not too often.
const SCRUB_EVERY: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_mins(5);

/// Starts what this process does of it.
pub(super) fn start_transfers(whole: &Whole, config: &Config, lifecycle: &Lifecycle) {
    let services = &config.server.services;
    if services.include(Service::Saga) {
        start_saga(whole, lifecycle);
    }
    if services.include(Service::Transfer) {
        start_mover(whole, config, lifecycle);
    }
    if services.include(Service::Janitor) {
        start_upkeep(whole, &config.upkeep, lifecycle);
    }
    // What downloads find wrong is known to their process alone.
    start_judging(whole.drive.clone(), &config.upkeep, lifecycle);
}

fn start_saga(whole: &Whole, lifecycle: &Lifecycle) {
    let (drive, checkpoints) = (whole.drive.clone(), whole.foundation.checkpoints.clone());
    let mut growth = whole.foundation.log.growth();
    let stop = lifecycle.stop();
    lifecycle.spawn("transfers", async move {
        let follow = async {
            loop {
                match request_transfers(&drive, &*checkpoints).await {
                    // Nothing behind it is looked at before.
                    Ok(Requested { waits_until: Some(until), .. }) => {
                        let micros = u64::try_from(until.0 - drive.ports().clock.now().0).unwrap_or(0);
                        sleep(Duration::from_micros(micros).clamp(GATHER, WAIT_MAX)).await;
                    }
                    // The hint may be missed when another process appends, so it is not waited for alone.
                    requested => {
                        report("asking for transfers", requested.map(|_| ()));
                        let _ = timeout(POLL, growth.changed()).await;
                        sleep(GATHER).await;
                    }
                }
            }
        };
        stop.run_until_cancelled(follow).await;
    });
    start_watch(whole, lifecycle);
    start_gauges(whole, lifecycle);
}

/// A queue in this process is empty when it begins, so whatever was in an earlier one is put into it at once.
fn start_watch(whole: &Whole, lifecycle: &Lifecycle) {
    let lost_before = (!whole.queue_outlives_us).then(|| whole.drive.ports().clock.now());
    let watch = Arc::new(Watch::new(whole.drive.clone(), Patience { lost_before, ..Patience::default() }));
    let stop = lifecycle.stop();
    lifecycle.every("watching transfers", WATCH_EVERY, move || {
        let (watch, stop) = (watch.clone(), stop.clone());
        async move {
            // A large content may be read to its end meanwhile.
            if let Some(watched) = stop.run_until_cancelled(watch.round()).await {
                report("watching transfers", watched.map(|_| ()));
            }
        }
    });
}

fn start_mover(whole: &Whole, config: &Config, lifecycle: &Lifecycle) {
    let settings = MoverSettings {
        name: process_name(),
        at_once: config.transfers.at_once,
        failures_max: config.transfers.failures_max,
        bytes_per_second_max: some(config.transfers.bytes_per_second_max),
    };
    let mover = Arc::new(Mover::new(whole.drive.clone(), settings));
    let stop = lifecycle.stop();
    lifecycle.spawn("moving contents", async move { mover.run(stop).await });
}

fn start_upkeep(whole: &Whole, upkeep: &Upkeep, lifecycle: &Lifecycle) {
    let (drive, checkpoints) = (whole.drive.clone(), whole.foundation.checkpoints.clone());
    let collector = Arc::new(Collector::new(drive.clone(), upkeep.unused_kept_seconds));
    let stop = lifecycle.stop();
    lifecycle.every("collecting", COLLECT_EVERY, move || {
        let (drive, checkpoints, collector, stop) = (drive.clone(), checkpoints.clone(), collector.clone(), stop.clone());
        async move {
            let round = async {
                report("deleting what nobody needs", collector.collect(&*checkpoints).await.map(|_| ()));
                report("removing dead copies", remove_dead(&drive, &*checkpoints).await.map(|_| ()));
            };
            stop.run_until_cancelled(round).await;
        }
    });
    if upkeep.scrub_period_seconds > 0 {
        start_scrubber(whole.drive.clone(), whole.foundation.checkpoints.clone(), upkeep, lifecycle);
    }
}

fn start_scrubber(drive: Arc<Drive>, checkpoints: Arc<dyn Checkpoints>, upkeep: &Upkeep, lifecycle: &Lifecycle) {
    let (scrubber, stop) = (Arc::new(scrubber(drive, upkeep)), lifecycle.stop());
    let every = Duration::from_millis(upkeep.scrub_period_seconds).clamp(*SCRUB_EVERY.start(), *SCRUB_EVERY.end());
    lifecycle.every("scrubbing", every, move || {
        let (scrubber, checkpoints, stop) = (scrubber.clone(), checkpoints.clone(), stop.clone());
        async move {
            // One round may take long, and can be cut off anywhere.
            if let Some(scrubbed) = stop.run_until_cancelled(scrubber.step(&*checkpoints)).await {
                report("reading contents again", scrubbed.map(count));
            }
        }
    });
}

fn start_judging(drive: Arc<Drive>, upkeep: &Upkeep, lifecycle: &Lifecycle) {
    describe_counters();
    let (scrubber, stop) = (Arc::new(scrubber(drive, upkeep)), lifecycle.stop());
    lifecycle.every("judging suspected copies", JUDGE_EVERY, move || {
        let (scrubber, stop) = (scrubber.clone(), stop.clone());
        async move {
            if let Some(scrubbed) = stop.run_until_cancelled(scrubber.suspected()).await {
                report("judging suspected copies", scrubbed.map(count));
            }
        }
    });
}

fn scrubber(drive: Arc<Drive>, upkeep: &Upkeep) -> Scrubber {
    Scrubber::new(drive, upkeep.scrub_period_seconds, some(upkeep.scrub_bytes_per_second_max))
}

fn describe_counters() {
    metrics::describe_counter!("cairn_scrubbed_copies_total", "Copies of contents that were read again.");
    metrics::describe_counter!("cairn_scrubbed_bytes_total", "Bytes of contents that were read again.");
    metrics::describe_counter!("cairn_damaged_copies_total", "Copies that were found to be damaged.");
    metrics::describe_counter!("cairn_repaired_copies_total", "Copies that were written anew from sound ones.");
}

fn count(scrubbed: Scrubbed) {
    metrics::counter!("cairn_scrubbed_copies_total").increment(scrubbed.copies);
    metrics::counter!("cairn_scrubbed_bytes_total").increment(scrubbed.bytes);
    metrics::counter!("cairn_damaged_copies_total").increment(scrubbed.damaged);
    metrics::counter!("cairn_repaired_copies_total").increment(scrubbed.repaired);
}

/// Keeps up what the read tables count.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; counts are exact in it up to 2^53")]
fn start_gauges(whole: &Whole, lifecycle: &Lifecycle) {
    metrics::describe_gauge!("cairn_transfers", "Transfers, by their state.");
    metrics::describe_gauge!("cairn_transfers_bytes", "Bytes of transfers, by their state.");
    metrics::describe_gauge!("cairn_transfers_oldest_seconds", "How long ago the oldest transfer that is not done was asked for.");
    metrics::describe_gauge!(
        "cairn_transfers_silent_seconds",
        "How long nothing was heard of the transfer that is longest silent."
    );
    let (tables, drive) = (whole.foundation.tables.clone(), whole.drive.clone());
    lifecycle.every("transfers' figures", GAUGES_EVERY, move || {
        let (tables, drive) = (tables.clone(), drive.clone());
        async move {
            match transfer_figures(&*tables).await {
                Ok(figures) => {
                    for figure in &figures.phases {
                        let state = state_text(figure.phase);
                        metrics::gauge!("cairn_transfers", "state" => state).set(figure.transfers as f64);
                        metrics::gauge!("cairn_transfers_bytes", "state" => state).set(figure.bytes as f64);
                    }
                    let now = drive.ports().clock.now();
                    let seconds_since =
                        |time: Option<Timestamp>| time.map_or(0, |time| now.0.saturating_sub(time.0).max(0)) as f64 / 1e6;
                    metrics::gauge!("cairn_transfers_oldest_seconds").set(seconds_since(figures.oldest_requested_at));
                    metrics::gauge!("cairn_transfers_silent_seconds").set(seconds_since(figures.silent_since));
                }
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the transfers can't be counted"),
            }
        }
    });
}

/// 0 is no limit.
fn some(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}
