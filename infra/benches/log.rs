//! How fast the embedded log appends, against bare one-event commits of the same SQLite.
//!
//! `cargo bench -p cairn-infra --bench log` first prints the two ratios that are promised, measured in turns within one run,
//! and then lets criterion measure each case for itself.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first surprise")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_commands::ports::event_store::EventStore;
use cairn_domain::codec;
use cairn_infra::sqlite::log::{EVENTS, SqliteLog, UNIQUE};
use criterion::{BenchmarkId, Criterion, Throughput};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

#[path = "shared/events.rs"]
mod events;

use events::{STREAM_EVENTS, append_all, event};

const WRITERS: [u64; 4] = [1, 8, 32, 128];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    // A test run only asks whether the benchmarks work.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios(&runtime);
    }
    bench(&mut criterion, &runtime);
    criterion.final_summary();
}

fn print_ratios(runtime: &Runtime) {
    let (raw, log) = (runtime.block_on(Raw::open()), runtime.block_on(Log::open()));
    let rounds = (0..10).map(|_| {
        let rates = [
            rate(2_000, runtime.block_on(raw.commit(2_000))),
            rate(2_000, runtime.block_on(log.append(1, 2_000))),
            rate(16_000, runtime.block_on(log.append(32, 16_000))),
        ];
        println!("raw {:6.0}/s   1 writer {:6.0}/s   32 writers {:6.0}/s", rates[0], rates[1], rates[2]);
        rates
    });
    // The first round is slow for everybody: cold caches, young files.
    let rounds: Vec<_> = rounds.skip(1).collect();
    let [raw, one, many] = [0, 1, 2].map(|case| median(rounds.iter().map(|rates| rates[case])));
    println!("medians: raw {raw:.0}/s, 1 writer {one:.0}/s, 32 writers {many:.0}/s");
    println!("1 writer / raw commits = {:.2} (promised: 0.8)", one / raw);
    println!("32 writers / 1 writer  = {:.2} (promised: 6)", many / one);
}

fn rate(appends: u32, time: Duration) -> f64 {
    f64::from(appends) / time.as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn bench(criterion: &mut Criterion, runtime: &Runtime) {
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(1));
    let raw = runtime.block_on(Raw::open());
    group.bench_function("raw commits", |bencher| bencher.iter_custom(|count| runtime.block_on(raw.commit(count))));
    let log = runtime.block_on(Log::open());
    for writers in WRITERS {
        group.bench_function(BenchmarkId::new("appends", writers), |bencher| {
            bencher.iter_custom(|count| runtime.block_on(log.append(writers, count)));
        });
    }
    group.finish();
}

/// What SQLite itself can do with the same table and the same promises: one prepared INSERT in one transaction.
struct Raw {
    connection: Arc<Mutex<(SqliteConnection, i64)>>,
    _directory: TempDir,
}

impl Raw {
    async fn open() -> Self {
        let directory = directory();
        let options = SqliteConnectOptions::new()
            .filename(directory.path().join("events.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-8192")
            .pragma("wal_autocheckpoint", "16000")
            .disable_statement_logging();
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(EVENTS).execute(&mut connection).await.unwrap();
        sqlx::raw_sql(UNIQUE).execute(&mut connection).await.unwrap();
        Self { connection: Arc::new(Mutex::new((connection, 0))), _directory: directory }
    }

    /// In a task, as the appends of the log are.
    async fn commit(&self, count: u64) -> Duration {
        let connection = Arc::clone(&self.connection);
        let commits = async move {
            let mut guard = connection.lock().await;
            let (connection, written) = &mut *guard;
            let started = Instant::now();
            for _ in 0..count {
                *written += 1;
                commit_one(connection, *written).await;
            }
            started.elapsed()
        };
        tokio::spawn(commits).await.unwrap()
    }
}

async fn commit_one(connection: &mut SqliteConnection, position: i64) {
    let (stream, new) = event(0, position.unsigned_abs());
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(position)
        .bind(String::from(stream))
        .bind(position % STREAM_EVENTS.cast_signed())
        .bind(new.id.0.as_bytes().to_vec())
        .bind(new.event.name())
        .bind(new.event.schema())
        .bind(new.time.0)
        .bind(serde_json::to_string(&new.metadata).unwrap())
        .bind(codec::encode(&new.event))
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[expect(clippy::struct_field_names, reason = "the log of the benchmark holds the log")]
struct Log {
    log: Arc<dyn EventStore>,
    written: std::sync::atomic::AtomicU64,
    _directory: TempDir,
}

impl Log {
    async fn open() -> Self {
        let directory = directory();
        let log = SqliteLog::open(&directory.path().join("events.db")).await.unwrap();
        Self { log: Arc::new(log), written: 0.into(), _directory: directory }
    }

    /// Appends `count` events, one by one, by so many writers at once.
    async fn append(&self, writers: u64, count: u64) -> Duration {
        let first = self.written.fetch_add(count.next_multiple_of(writers), std::sync::atomic::Ordering::SeqCst);
        append_all(&self.log, writers, first..first + count).await
    }
}

/// On the disk where the program is built: the directory for temporary files is often memory.
fn directory() -> TempDir {
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(disk).unwrap();
    TempDir::new_in(disk).unwrap()
}
