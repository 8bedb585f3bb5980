//! How fast the log and the read tables are in MySQL: a private MariaDB with its usual durability, binary log included.
//!
//! `cargo bench --workspace --bench mysql` prints rates and the ratio that is promised, measured in turns within one run.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first surprise")]
#![allow(clippy::large_futures, reason = "connecting takes room, once; how much differs from profile to profile")]

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_commands::ports::event_store::EventStore;
use cairn_domain::{Timestamp, codec};
use cairn_infra::mysql::log::MysqlLog;
use cairn_infra::mysql::views::MysqlViews;
use cairn_infra::mysql::{Migrate, Server};
use cairn_projections::ports::Source;
use cairn_projections::ports::memory::MemorySource;
use cairn_projections::runner::Settings;
use cairn_projections::sample::Sample;
use cairn_projections::{Runner, projections};
use cairn_servers::MariaDb;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::{Executor, MySqlPool};

#[path = "shared/events.rs"]
mod events;

use events::{STREAM_EVENTS, append_all, event};

const CONNECTIONS: u64 = 32;

/// The plainest way to keep the same events: positions come from the database, in no order that a reader could follow.
const PLAIN: &str = "CREATE TABLE plain LIKE events; ALTER TABLE plain MODIFY position BIGINT NOT NULL AUTO_INCREMENT";

fn main() {
    // A test run only asks whether the benchmark works.
    let full = std::env::args().any(|argument| argument == "--bench");
    let (rounds, count) = if full { (8, 8_000) } else { (1, 64) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = MariaDb::start().unwrap();
        log(&server, rounds, count).await;
        views(&server, rounds, count).await;
    });
}

async fn log(server: &MariaDb, rounds: u64, count: u64) {
    let url = server.create_database("log").unwrap();
    let log: Arc<dyn EventStore> = Arc::new(MysqlLog::open(&Server::from_str(&url).unwrap(), Migrate::Yes).await.unwrap());
    let options = MySqlPoolOptions::new().max_connections(u32::try_from(CONNECTIONS).unwrap()).test_before_acquire(false);
    let pool = options.connect(&url).await.unwrap();
    pool.execute(sqlx::raw_sql(PLAIN)).await.unwrap();
    let mut measured = Vec::new();
    for round in 0..=rounds {
        let first = round * 4 * count;
        let plain = rate(count, insert(&pool, first..first + count).await);
        let one = rate(count / 8, append_all(&log, 1, first..first + count / 8).await);
        let many = rate(count, append_all(&log, CONNECTIONS, first + count..first + 2 * count).await);
        println!("plain inserts by {CONNECTIONS} {plain:6.0}/s   1 writer {one:6.0}/s   {CONNECTIONS} writers {many:6.0}/s");
        measured.push([plain, one, many]);
    }
    // The first round is slow for everybody: cold caches, young files.
    let [plain, one, many] = [0, 1, 2].map(|case| median(measured[1..].iter().map(|rates| rates[case])));
    println!("medians: plain inserts {plain:.0}/s, 1 writer {one:.0}/s, {CONNECTIONS} writers {many:.0}/s");
    println!("{CONNECTIONS} writers / plain inserts by {CONNECTIONS} = {:.2} (promised: 3)", many / plain);
}

/// One row each, each in a transaction of its own, from as many connections.
async fn insert(pool: &MySqlPool, numbers: std::ops::Range<u64>) -> Duration {
    let share = (numbers.end - numbers.start).div_ceil(CONNECTIONS);
    let started = Instant::now();
    let tasks = (0..CONNECTIONS).map(|connection| {
        let (pool, first) = (pool.clone(), numbers.start + connection * share);
        tokio::spawn(async move {
            let mut connection = pool.acquire().await.unwrap();
            for n in first..first + share {
                let (stream, new) = event(2, n);
                sqlx::query(
                    "INSERT INTO plain (stream, version, id, type, `schema`, time, metadata, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(stream.as_str().as_bytes())
                .bind((n % STREAM_EVENTS).cast_signed())
                .bind(&new.id.0.as_bytes()[..])
                .bind(new.event.name())
                .bind(new.event.schema())
                .bind(new.time.0)
                .bind(serde_json::to_string(&new.metadata).unwrap())
                .bind(codec::encode(&new.event))
                .execute(&mut *connection)
                .await
                .unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    started.elapsed()
}

/// How soon the read tables have caught up after so many events.
async fn views(server: &MariaDb, rounds: u64, count: u64) {
    let events = Sample::events(42, usize::try_from(count + count / 4).unwrap());
    let mut measured = Vec::new();
    for _ in 0..=rounds {
        let server = Server::from_str(&server.create_database("views").unwrap()).unwrap();
        let views = MysqlViews::open(&server, &projections(), "the benchmark", Migrate::Yes).await.unwrap();
        let source: Arc<dyn Source> = Arc::new(MemorySource::new(events.clone()));
        let runner = Runner::new(projections(), source, Arc::new(views), Settings::new(|| Timestamp(77)));
        let started = Instant::now();
        runner.catch_up().await.unwrap();
        measured.push(started.elapsed().as_secs_f64());
    }
    let seconds = median(measured[1..].iter().copied());
    println!(
        "read tables caught up with {} events in {seconds:.2} s: {:.0} events/s",
        events.len(),
        rate_of(events.len(), seconds)
    );
}

fn rate(count: u64, time: Duration) -> f64 {
    rate_of(usize::try_from(count).unwrap(), time.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn rate_of(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
