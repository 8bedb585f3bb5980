//! What one pass for both digests saves, on the sizes that the drive sees: a small file, a frame, a part.

use std::hint::black_box;
use std::time::Duration;

use cairn_digest::Hasher;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

const SIZES_BYTES: [usize; 3] = [4 * 1024, 256 * 1024, 8 * 1024 * 1024];

fn digests(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("digest/{}", cairn_digest::implementation()));
    for size in SIZES_BYTES {
        let content: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
        group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Bytes(size as u64));
        compare(&mut group, &content);
    }
    group.finish();
}

fn compare(group: &mut BenchmarkGroup<'_, WallTime>, content: &[u8]) {
    let size = content.len();
    group.bench_with_input(BenchmarkId::new("fused", size), content, |bencher, content| {
        bencher.iter(|| both(Hasher::new(), black_box(content)));
    });
    group.bench_with_input(BenchmarkId::new("portable", size), content, |bencher, content| {
        bencher.iter(|| both(Hasher::portable(), black_box(content)));
    });
    group.bench_with_input(BenchmarkId::new("sha1 then sha2", size), content, |bencher, content| {
        bencher.iter(|| (Sha1::digest(black_box(content)), Sha256::digest(black_box(content))));
    });
    group.bench_with_input(BenchmarkId::new("sha1", size), content, |bencher, content| {
        bencher.iter(|| Sha1::digest(black_box(content)));
    });
    group.bench_with_input(BenchmarkId::new("sha2", size), content, |bencher, content| {
        bencher.iter(|| Sha256::digest(black_box(content)));
    });
}

fn both(mut hasher: Hasher, content: &[u8]) -> cairn_digest::Digests {
    hasher.update(content);
    hasher.finish()
}

criterion_group!(benches, digests);
criterion_main!(benches);
