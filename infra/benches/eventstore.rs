//! How fast the log is over the protocol of EventStoreDB.
//!
//! The server is the double of the tests, which keeps its events in memory: what is measured is the adapter, the client library and
//! HTTP/2 on one machine, not a server that writes to a disk.
//!
//! `cargo bench --workspace --bench eventstore` prints rates, measured in turns within one run.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first surprise")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{Position, Version};
use cairn_eventstore_double::Double;
use cairn_infra::eventstore::log::EventStoreLog;

#[path = "shared/events.rs"]
mod events;

use events::{append_all, event};

const WRITERS: u64 = 32;

fn main() {
    // A test run only asks whether the benchmark works.
    let full = std::env::args().any(|argument| argument == "--bench");
    let (rounds, count) = if full { (6, 16_000) } else { (1, 64) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(rounds, count));
}

async fn measure(rounds: u64, count: u64) {
    let double = Double::start().unwrap();
    let log: Arc<dyn EventStore> = Arc::new(EventStoreLog::open(&double.url().parse().unwrap()).await.unwrap());
    let mut measured = Vec::new();
    for round in 0..=rounds {
        let first = round * 4 * count;
        let one = rate(count / 8, append_all(&log, 1, first..first + count / 8).await);
        let many = rate(count, append_all(&log, WRITERS, first + count..first + 2 * count).await);
        let streams = rate(count / 16, read_streams(&log, first + count..first + 2 * count).await);
        println!("1 writer {one:6.0}/s   {WRITERS} writers {many:6.0}/s   streams read {streams:6.0}/s");
        measured.push([one, many, streams]);
    }
    // The first round is slow for everybody: cold caches, young connections.
    let rounds = measured.get(1..).unwrap_or_default();
    let [one, many, streams] = [0, 1, 2].map(|case| median(rounds.iter().map(|rates| rates[case])));
    println!("medians, against the double: 1 writer {one:.0}/s, {WRITERS} writers {many:.0}/s, streams read {streams:.0}/s");
    let started = Instant::now();
    let events = read_all(&log).await;
    println!("the whole log, in pages: {:.0} events/s", rate(events, started.elapsed()));
}

/// The streams of these events, one after the other: what a command does before it decides.
async fn read_streams(log: &Arc<dyn EventStore>, numbers: std::ops::Range<u64>) -> Duration {
    let started = Instant::now();
    for n in numbers.step_by(16) {
        log.read_stream(&event(1, n).0, Version(0), 1_000).await.unwrap();
    }
    started.elapsed()
}

async fn read_all(log: &Arc<dyn EventStore>) -> u64 {
    let (mut after, mut count) = (Position::START, 0);
    loop {
        let page = log.read_all(after, 1_000).await.unwrap();
        let Some(last) = page.last() else { return count };
        after = last.position;
        count += page.len() as u64;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
