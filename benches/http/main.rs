//! How fast the whole drive is, over HTTP and durable, against the obvious way to do the same.
//!
//! `cargo bench -p cairn --bench http` measures everything; `-- upload download small memory transfer` any of it; `transfer` needs Ceph.
//! `--check` fails when a promise is not kept, `--rounds N` measures longer. The drive is the release binary in a process of its own; it and
//! its rivals take turns in one run, driven by the same client, and the first round of each is dropped: memory is cold then.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first surprise")]
#![expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]

mod answer;
mod client;
mod cold;
mod drive;
mod moving;
mod nginx;
mod rivals;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use client::{Client, Target};
use drive::Drive;
use nginx::Nginx;
use rivals::Rivals;
use table::{Promise, Table};

const MIB: u64 = 1024 * 1024;
const PARTS: [&str; 5] = ["upload", "download", "small", "memory", "transfer"];
const AT_ONCE: u64 = 32;
const SMALL_BYTES: u64 = 4096;

fn main() -> ExitCode {
    let wish = Wish::from(std::env::args().skip(1));
    let bench = Bench::new(wish.scale);
    let mut kept = true;
    for part in wish.parts {
        kept &= match part {
            "upload" => bench.upload(),
            "download" => bench.download(),
            "small" => bench.small(),
            "memory" => bench.memory(),
            _ => bench.transfer(),
        };
    }
    if kept || !wish.check { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Bench {
    scale: Scale,
    /// Below the build directory. Not in memory: the point is what the disk does.
    place: TempDir,
    /// One thread for all clients, so that they leave the other cores to the servers.
    runtime: Runtime,
}

impl Bench {
    fn new(scale: Scale) -> Self {
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { scale, place, runtime }
    }

    fn upload(&self) -> bool {
        let (drive, rivals) = (self.drive(), self.rivals());
        let mut table = Table::new(format!("One upload of {} MiB, durable", self.scale.large_bytes / MIB), "MB/s");
        for round in 0..=self.scale.rounds {
            table.add("cairn", self.upload_one(&drive.uploads(), round));
            drive.remove_contents();
            table.add("naive handler", self.upload_one(&rivals.naive(), round));
            rivals.remove_contents();
        }
        table.print(&[("cairn", "naive handler", Promise::AtLeast(1.2))])
    }

    fn download(&self) -> bool {
        let drive = self.drive();
        let id = self.runtime.block_on(drive.store(self.scale.large_bytes));
        let nginx = match Nginx::start(self.place.path(), &drive.blobs()) {
            Ok(nginx) => nginx,
            Err(reason) => {
                println!("\nDownload: NOT MEASURED, nginx does not start: {reason}");
                return false;
            }
        };
        let same_file = nginx.file(&drive.only_content());
        let mut table = Table::new(format!("One download of {} MiB", self.scale.large_bytes / MIB), "MB/s");
        for _ in 0..=self.scale.rounds {
            drive.touch_contents();
            table.add("cairn, hashed on its way", self.download_one(&drive.download(&id)));
            table.add("cairn", self.download_one(&drive.download(&id)));
            table.add("nginx, sendfile", self.download_one(&same_file));
        }
        table.print(&[("cairn", "nginx, sendfile", Promise::AtLeast(0.9))])
    }

    fn small(&self) -> bool {
        let (drive, rivals) = (self.drive(), self.rivals());
        let mut table = Table::new(format!("Uploads of 4 KiB, {AT_ONCE} at once, durable"), "uploads/s");
        for round in 0..=self.scale.rounds {
            // Nothing is removed before the end: for minutes after that, a file system makes new files more slowly.
            table.add("cairn", self.upload_small(&drive.uploads(), round, AT_ONCE));
            table.add("bare handler", self.upload_small(&rivals.bare(), round, AT_ONCE));
        }
        table.print(&[("cairn", "bare handler", Promise::AtLeast(0.5))])
    }

    /// Each time in a fresh process: memory that was given back would not show again.
    fn memory(&self) -> bool {
        let large = format!("{AT_ONCE} x {} MiB", self.scale.many_bytes / MIB);
        let larger = format!("{AT_ONCE} x {} MiB", 4 * self.scale.many_bytes / MIB);
        let mut table = Table::new("Largest resident memory while clients upload at once".to_owned(), "MiB");
        for _ in 0..=self.scale.rounds.div_ceil(3) {
            table.add(&large, self.memory_for(self.scale.many_bytes));
            table.add(&larger, self.memory_for(4 * self.scale.many_bytes));
        }
        table.print(&[(&large, "", Promise::Below(96.0)), (&larger, "", Promise::Below(96.0))])
    }

    fn drive(&self) -> Drive {
        Drive::start(&self.runtime, self.place.path())
    }

    fn rivals(&self) -> Rivals {
        Rivals::start(self.place.path())
    }

    /// MB/s from the first byte sent to the answer.
    fn upload_one(&self, target: &Target, round: u64) -> f64 {
        self.runtime.block_on(async {
            let mut client = Client::connect(target).await;
            let started = Instant::now();
            client.upload(target, round, self.scale.large_bytes).await;
            self.scale.large_bytes as f64 / 1e6 / started.elapsed().as_secs_f64()
        })
    }

    fn download_one(&self, target: &Target) -> f64 {
        self.runtime.block_on(async {
            let mut client = Client::connect(target).await;
            let started = Instant::now();
            let bytes = client.download(target).await;
            assert_eq!(bytes, self.scale.large_bytes);
            bytes as f64 / 1e6 / started.elapsed().as_secs_f64()
        })
    }

    fn upload_small(&self, target: &Target, round: u64, at_once: u64) -> f64 {
        let each = self.scale.small_each;
        self.runtime.block_on(async {
            let clients = join_all((0..at_once).map(|_| Client::connect(target))).await;
            let started = Instant::now();
            join_all(clients.into_iter().zip(0..).map(async |(mut client, number)| {
                for index in 0..each {
                    client.upload(target, (round * at_once + number) * each + index, SMALL_BYTES).await;
                }
            }))
            .await;
            (at_once * each) as f64 / started.elapsed().as_secs_f64()
        })
    }

    fn memory_for(&self, bytes: u64) -> f64 {
        let drive = self.drive();
        let target = drive.uploads();
        self.runtime.block_on(async {
            let clients = join_all((0..AT_ONCE).map(|_| Client::connect(&target))).await;
            join_all(clients.into_iter().zip(0..).map(async |(mut client, number)| client.upload(&target, number, bytes).await))
                .await;
        });
        drive.largest_resident_bytes() as f64 / MIB as f64
    }
}

/// How much is moved, and how often.
struct Scale {
    rounds: u64,
    large_bytes: u64,
    many_bytes: u64,
    small_each: u64,
}

impl Scale {
    fn full() -> Self {
        Self { rounds: 8, large_bytes: 1024 * MIB, many_bytes: 64 * MIB, small_each: 100 }
    }

    /// A test run only asks whether the benchmark works.
    fn tiny() -> Self {
        Self { rounds: 1, large_bytes: 8 * MIB, many_bytes: MIB, small_each: 2 }
    }
}

/// What the command line asks for.
struct Wish {
    scale: Scale,
    parts: Vec<&'static str>,
    check: bool,
}

impl Wish {
    fn from(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut wish = Self { scale: Scale::tiny(), parts: Vec::new(), check: false };
        let mut rounds = None;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // What cargo says when it is to measure and not to test.
                "--bench" => wish.scale = Scale::full(),
                "--check" => wish.check = true,
                "--rounds" => rounds = Some(arguments.next().unwrap().parse().unwrap()),
                part => wish.parts.push(PARTS.into_iter().find(|known| *known == part).unwrap()),
            }
        }
        wish.scale.rounds = rounds.unwrap_or(wish.scale.rounds);
        if wish.parts.is_empty() {
            wish.parts = PARTS.to_vec();
        }
        wish
    }
}
