//! How fast bytes get in and out of the embedded store, against the obvious way to do it.
//!
//! `cargo bench -p cairn-infra --bench staging` first prints the ratios, measured in turns within one run (MB = 1e6 bytes),
//! and then lets criterion measure each case for itself.
#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at the first surprise"
)]

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::BlobStore;
use cairn_commands::ports::staging::Staging;
use cairn_domain::UploadId;
use cairn_domain::blob::BlobKey;
use cairn_domain::upload::Part;
use cairn_infra::fs::{FsBlobs, FsStaging};
use criterion::{Criterion, Throughput};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use sha2::Digest;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::runtime::Runtime;
use uuid::Uuid;

const LARGE_BYTES: usize = 256 * 1024 * 1024;
/// About what comes from a busy connection at once.
const FRAME_BYTES: usize = 64 * 1024;
const PART_BYTES: usize = 8 * 1024 * 1024;
const SMALL_BYTES: usize = 4 * 1024;
const SMALL_AT_ONCE: u64 = 32;
const SMALL_ROUNDS: u64 = 40;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5))
        .configure_from_args();
    let scene = Scene::new();
    // A test run only asks whether the benchmarks work.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios(&runtime, &scene);
    }
    bench(&mut criterion, &runtime, &scene);
    criterion.final_summary();
}

/// What is measured, and against what.
const CASES: [(&str, Option<&str>); 10] = [
    ("receive, naive", None),
    ("receive", Some("receive, naive")),
    ("copy from another store", Some("receive, naive")),
    ("parts in order, sealed", Some("receive, naive")),
    ("parts backwards, sealed", Some("receive, naive")),
    ("read, 4 KiB at a time", None),
    ("read, bare", None),
    ("read", Some("read, bare")),
    ("32 x 4 KiB, bare", None),
    ("32 x 4 KiB, received and promoted", Some("32 x 4 KiB, bare")),
];

fn print_ratios(runtime: &Runtime, scene: &Scene) {
    let rounds: Vec<Vec<f64>> =
        (0..8).map(|_| CASES.iter().map(|(case, _)| rate(runtime.block_on(scene.run(case)))).collect()).collect();
    // The first round is slow for everybody: cold memory.
    let medians: Vec<_> = (0..CASES.len()).map(|case| median(rounds[1..].iter().map(|rates| rates[case]))).collect();
    for ((case, reference), rate) in CASES.iter().zip(&medians) {
        let compared = reference.map_or_else(String::new, |reference| {
            let index = CASES.iter().position(|(case, _)| *case == reference).unwrap();
            format!("{:8.2} x {reference}", rate / medians[index])
        });
        println!("{case:36}{rate:8.1} MB/s{compared}");
    }
    let uploads = |case: usize| medians[case] * 1e6 / SMALL_BYTES as f64;
    println!("small uploads per second: bare {:.0}, ours {:.0}", uploads(8), uploads(9));
}

fn rate((bytes, time): (u64, Duration)) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn bench(criterion: &mut Criterion, runtime: &Runtime, scene: &Scene) {
    let mut group = criterion.benchmark_group("staging");
    for (case, _) in CASES {
        let (bytes, _) = runtime.block_on(scene.run(case));
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(case, |bencher| {
            bencher.iter_custom(|count| (0..count).map(|_| runtime.block_on(scene.run(case)).1).sum());
        });
    }
    group.finish();
}

struct Scene {
    directory: TempDir,
    staging: FsStaging,
    blobs: FsBlobs,
    piece: Bytes,
    uploads: AtomicU64,
}

impl Scene {
    fn new() -> Self {
        // Not in memory: the point is what the disk does.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let staging = FsStaging::open_dir(directory.path()).unwrap();
        let blobs = FsBlobs::open_dir(directory.path());
        let piece = (0..FRAME_BYTES).map(|index| (index * 31 + index / 251) as u8).collect::<Vec<_>>().into();
        Self { directory, staging, blobs, piece, uploads: AtomicU64::new(0) }
    }

    /// The bytes moved, and the time it took without preparing and cleaning up.
    async fn run(&self, case: &str) -> (u64, Duration) {
        // What the case before has left to do, above all giving back its space, is not on the account of this one.
        rustix::fs::sync();
        match case {
            "receive, naive" => self.receive_naively().await,
            "receive" => self.receive().await,
            "copy from another store" => self.copy().await,
            "parts in order, sealed" => self.parts(plan()).await,
            "parts backwards, sealed" => self.parts(plan().into_iter().rev().collect()).await,
            "read, 4 KiB at a time" => self.read_bare(4096).await,
            "read, bare" => self.read_bare(256 * 1024).await,
            "read" => self.read().await,
            "32 x 4 KiB, bare" => self.small(|number| bare(self.directory.path().join("bare"), number)).await,
            _ => self.small(|number| self.receive_small(number)).await,
        }
    }

    fn upload(&self) -> UploadId {
        UploadId(Uuid::from_u128(self.uploads.fetch_add(1, Ordering::Relaxed).into()))
    }

    fn body(&self, bytes: usize) -> ByteStream {
        let piece = self.piece.clone();
        stream::iter((0..bytes / FRAME_BYTES).map(move |_| Ok(piece.clone()))).boxed()
    }

    async fn receive(&self) -> (u64, Duration) {
        let upload = self.upload();
        let started = Instant::now();
        let whole = self.staging.receive(upload, self.body(LARGE_BYTES), u64::MAX).await.unwrap();
        let time = started.elapsed();
        self.staging.discard(upload).await.unwrap();
        (whole.size, time)
    }

    /// What one would write first: both digests inline, the file by way of tokio.
    async fn receive_naively(&self) -> (u64, Duration) {
        let path = self.directory.path().join("naive");
        let mut body = self.body(LARGE_BYTES);
        let started = Instant::now();
        let mut file = tokio::fs::File::create(&path).await.unwrap();
        let (mut sha256, mut sha1) = (sha2::Sha256::new(), sha1::Sha1::new());
        while let Some(frame) = body.next().await {
            let frame = frame.unwrap();
            sha256.update(&frame);
            sha1.update(&frame);
            file.write_all(&frame).await.unwrap();
        }
        file.sync_all().await.unwrap();
        std::hint::black_box((sha256.finalize(), sha1.finalize()));
        let time = started.elapsed();
        tokio::fs::remove_file(&path).await.unwrap();
        (LARGE_BYTES as u64, time)
    }

    /// What a transfer writes.
    async fn copy(&self) -> (u64, Duration) {
        let key = BlobKey { generation: 1, ..self.large().await };
        rustix::fs::sync();
        let started = Instant::now();
        self.blobs.write(key, LARGE_BYTES as u64, self.body(LARGE_BYTES)).await.unwrap();
        let time = started.elapsed();
        self.blobs.remove(key).await.unwrap();
        (LARGE_BYTES as u64, time)
    }

    async fn parts(&self, order: Vec<Part>) -> (u64, Duration) {
        let upload = self.upload();
        let started = Instant::now();
        self.staging.open(upload, LARGE_BYTES as u64).await.unwrap();
        let mut parts = Vec::new();
        for part in order {
            let sha256 = self.staging.write_part(upload, part, self.body(PART_BYTES), None, None).await.unwrap();
            parts.push((part, sha256));
        }
        parts.sort_by_key(|(part, _)| part.offset);
        let whole = self.staging.seal(upload, &parts).await.unwrap();
        let time = started.elapsed();
        self.staging.discard(upload).await.unwrap();
        (whole.size, time)
    }

    /// The large content, put in when it is not there yet.
    async fn large(&self) -> BlobKey {
        let upload = self.upload();
        let whole = self.staging.receive(upload, self.body(LARGE_BYTES), u64::MAX).await.unwrap();
        let key = BlobKey::first(whole.sha256);
        self.staging.promote(upload, key).await.unwrap();
        key
    }

    async fn read(&self) -> (u64, Duration) {
        let key = self.large().await;
        let started = Instant::now();
        let mut pieces = self.blobs.read(key, 0, LARGE_BYTES as u64).await.unwrap().bytes;
        let mut bytes = 0;
        while let Some(piece) = pieces.next().await {
            bytes += std::hint::black_box(piece.unwrap()).len() as u64;
        }
        (bytes, started.elapsed())
    }

    /// The same file, read by a thread that does nothing else.
    async fn read_bare(&self, piece_bytes: usize) -> (u64, Duration) {
        let name = self.large().await.to_string();
        let path = self.directory.path().join(format!("blobs/{}/{name}", &name[..2]));
        let read = move || {
            let started = Instant::now();
            let file = std::fs::File::open(path).unwrap();
            let mut buffer = vec![0; piece_bytes];
            for offset in (0..LARGE_BYTES).step_by(piece_bytes) {
                file.read_exact_at(&mut buffer, offset as u64).unwrap();
                std::hint::black_box(&buffer);
            }
            (LARGE_BYTES as u64, started.elapsed())
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }

    /// Many small files at once, each of its own content.
    async fn small<F: Future<Output = ()>>(&self, receive: impl Fn(u64) -> F) -> (u64, Duration) {
        std::fs::create_dir_all(self.directory.path().join("bare")).unwrap();
        let started = Instant::now();
        join_all((0..SMALL_AT_ONCE).map(async |_| {
            for _ in 0..SMALL_ROUNDS {
                receive(self.uploads.fetch_add(1, Ordering::Relaxed)).await;
            }
        }))
        .await;
        (SMALL_BYTES as u64 * SMALL_AT_ONCE * SMALL_ROUNDS, started.elapsed())
    }

    async fn receive_small(&self, number: u64) {
        let upload = UploadId(Uuid::from_u128(u128::from(number)));
        let body = stream::iter([Ok(small(number))]).boxed();
        let whole = self.staging.receive(upload, body, u64::MAX).await.unwrap();
        self.staging.promote(upload, BlobKey::first(whole.sha256)).await.unwrap();
    }
}

/// Writes, syncs and renames.
async fn bare(directory: PathBuf, number: u64) {
    let write = move || {
        let path = directory.join(format!("{number}.tmp"));
        let file = std::fs::File::create(&path)?;
        file.write_all_at(&small(number), 0)?;
        file.sync_all()?;
        std::fs::rename(&path, target(&directory, number))
    };
    tokio::task::spawn_blocking(write).await.unwrap().unwrap();
}

fn target(directory: &Path, number: u64) -> PathBuf {
    directory.join(number.to_string())
}

fn small(number: u64) -> Bytes {
    let mut bytes = vec![7; SMALL_BYTES];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

fn plan() -> Vec<Part> {
    (0..LARGE_BYTES).step_by(PART_BYTES).map(|offset| Part { offset: offset as u64, length: PART_BYTES as u64 }).collect()
}
