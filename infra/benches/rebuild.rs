//! How fast events are folded, projected and made into tables.
//!
//! `cargo bench -p cairn-infra --bench rebuild` first prints events per second for each stage over one made-up log (200,000 events, or
//! as many as `CAIRN_BENCH_EVENTS` says) and then lets criterion measure each for itself over a smaller one.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first surprise")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_domain::blob::Blob;
use cairn_domain::file::File;
use cairn_domain::upload::Upload;
use cairn_domain::{Decider, Event, Position, StoredEvent, StreamName, Timestamp, codec};
use cairn_infra::log_source::LogSource;
use cairn_infra::sqlite::log::SqliteLog;
use cairn_infra::sqlite::views::SqliteViews;
use cairn_projections::ports::Source;
use cairn_projections::ports::memory::MemorySource;
use cairn_projections::projection::Envelope;
use cairn_projections::runner::Settings;
use cairn_projections::sample::Sample;
use cairn_projections::statement::combine;
use cairn_projections::{Runner, projections};
use criterion::{BatchSize, Criterion, Throughput};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

const SEED: u64 = 7;
const BATCH: usize = 8192;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // A test run only asks whether the benchmarks work.
    if std::env::args().any(|argument| argument == "--bench") {
        print_figures(&runtime);
    }
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    bench(&mut criterion, &runtime);
    criterion.final_summary();
}

fn print_figures(runtime: &Runtime) {
    let count = std::env::var("CAIRN_BENCH_EVENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(200_000);
    let events = Sample::events(SEED, count);
    let memory: Arc<dyn Source> = Arc::new(MemorySource::new(events.clone()));
    let log = runtime.block_on(Log::with(&events));
    print("decode and fold", &events, || fold(&events));
    print("decode, project and combine", &events, || project(&events));
    print("read the log", &events, || runtime.block_on(read(&log.source)));
    print("rebuild from a list", &events, || runtime.block_on(rebuild(&memory)));
    print("rebuild from the log", &events, || runtime.block_on(rebuild(&log.source)));
    print("follow the log", &events, || runtime.block_on(follow(&log.source)));
    println!("(promised: a rebuild of 50000 events/s)");
}

/// The median of five runs, after one that warms the caches.
fn print(what: &str, events: &[StoredEvent], mut work: impl FnMut()) {
    let mut rates: Vec<f64> = (0..6)
        .map(|_| {
            let start = Instant::now();
            work();
            f64::from(u32::try_from(events.len()).unwrap()) / start.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    rates.sort_by(f64::total_cmp);
    println!("{what:28} {:9.0} events/s   ({:.0} to {:.0})", rates[2], rates[0], rates[4]);
}

fn bench(criterion: &mut Criterion, runtime: &Runtime) {
    let events = Sample::events(SEED, 20_000);
    let source: Arc<dyn Source> = Arc::new(MemorySource::new(events.clone()));
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("fold", |bencher| bencher.iter(|| fold(&events)));
    group.bench_function("project", |bencher| bencher.iter(|| project(&events)));
    group.bench_function("rebuild", |bencher| {
        bencher.iter_batched(|| (), |()| runtime.block_on(rebuild(&source)), BatchSize::PerIteration);
    });
    group.finish();
}

/// Every file, upload and content, as a command would load it.
fn fold(events: &[StoredEvent]) {
    let (mut files, mut uploads, mut blobs) = (HashMap::new(), HashMap::new(), HashMap::new());
    for stored in events {
        match codec::decode(stored).unwrap() {
            Event::File(event) => evolve::<File>(&mut files, &stored.stream, &event),
            Event::Upload(event) => evolve::<Upload>(&mut uploads, &stored.stream, &event),
            Event::Blob(event) => evolve::<Blob>(&mut blobs, &stored.stream, &event),
            Event::Account(_) | Event::Username(_) | Event::Folder(_) | Event::Share(_) | Event::Space(_) | Event::Transfer(_) => {}
        }
    }
    std::hint::black_box((files, uploads, blobs));
}

fn evolve<D: Decider>(states: &mut HashMap<StreamName, D>, stream: &StreamName, event: &D::Event) {
    let state = states.remove(stream).unwrap_or_default();
    states.insert(stream.clone(), state.evolve(event));
}

fn project(events: &[StoredEvent]) {
    let projections = projections();
    for batch in events.chunks(BATCH) {
        let mut statements = Vec::new();
        for stored in batch {
            let event = codec::decode(stored).unwrap();
            let StoredEvent { stream, version, position, time, .. } = stored;
            let envelope = Envelope { stream, version: *version, position: *position, time: *time };
            for projection in &projections {
                statements.extend(projection.project(&event, envelope).unwrap());
            }
        }
        std::hint::black_box(combine(statements));
    }
}

async fn read(source: &Arc<dyn Source>) {
    let mut after = Position::START;
    while let Some(last) = source.read_all(after, BATCH).await.unwrap().last() {
        after = last.position;
    }
}

async fn rebuild(source: &Arc<dyn Source>) {
    let directory = tempfile::tempdir().unwrap();
    let views = views(directory.path()).await;
    let runner = runner(source, &views);
    runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.unwrap();
    views.close().await;
}

/// As the runner does it live, when it has fallen behind.
async fn follow(source: &Arc<dyn Source>) {
    let directory = tempfile::tempdir().unwrap();
    let views = views(directory.path()).await;
    runner(source, &views).catch_up().await.unwrap();
    views.close().await;
}

async fn views(directory: &Path) -> SqliteViews {
    SqliteViews::open(&directory.join("views.db"), &projections()).await.unwrap()
}

fn runner(source: &Arc<dyn Source>, views: &SqliteViews) -> Runner {
    Runner::new(projections(), Arc::clone(source), Arc::new(views.clone()), Settings::new(|| Timestamp(0)))
}

/// The events in a log file, put there at once and not one by one.
struct Log {
    source: Arc<dyn Source>,
    _directory: tempfile::TempDir,
}

impl Log {
    async fn with(events: &[StoredEvent]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.db");
        SqliteLog::open(&path).await.unwrap().close().await;
        let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        for event in events {
            sqlx::query("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(i64::try_from(event.position.0).unwrap())
                .bind(event.stream.as_str())
                .bind(i64::try_from(event.version.0).unwrap())
                .bind(event.id.0.as_bytes().as_slice())
                .bind(&event.name)
                .bind(i64::from(event.schema))
                .bind(event.time.0)
                .bind(serde_json::to_string(&event.metadata).unwrap())
                .bind(&event.data)
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        connection.close().await.unwrap();
        let log = SqliteLog::open(&path).await.unwrap();
        Self { source: Arc::new(LogSource::new(Arc::new(log))), _directory: directory }
    }
}
