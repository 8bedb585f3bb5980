//! Contents that move by themselves from the drive's disk to a cold store, and what of it whoever uploads notices.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::client::Client;
use crate::cold::Cold;
use crate::drive::Drive;
use crate::table::{Promise, Table};
use crate::{Bench, MIB, SMALL_BYTES};

/// Small contents that are carried at once.
const CARRIED_AT_ONCE: u64 = 16;

/// The private Ceph gives room back only after hours, so there is a new one after so many large files.
const LARGE_ROUNDS: u64 = 3;

/// How long small contents stay before they move: all of them have come by then.
const STAY_SECONDS: u64 = 8;

/// Far away.
const NEVER_SECONDS: u64 = 30 * 24 * 60 * 60;

/// How often one looks what is left: at many contents not so often that it takes time from those who carry them.
const LOOK_OFTEN: Duration = Duration::from_millis(2);
const LOOK_RARELY: Duration = Duration::from_millis(50);

impl Bench {
    /// Three measurements on Ceph.
    pub(crate) fn transfer(&self) -> bool {
        let cold = match Cold::start() {
            Ok(cold) => cold,
            Err(reason) => {
                println!("\nTransfers: NOT MEASURED, Ceph does not start: {reason}");
                return false;
            }
        };
        self.answer_while_moving(&cold);
        self.move_small(&cold);
        drop(cold);
        self.move_large()
    }

    /// From the answer to the upload until the source is gone, which it is only when the log knows of the verified copy.
    fn move_large(&self) -> bool {
        let bytes = self.scale.large_bytes;
        let path = self.place.path().join("file");
        write_file(&path, bytes);
        let mut table = Table::new(format!("One content of {} MiB, from the disk to Ceph", bytes / MIB), "MB/s");
        let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
        for run in 0..self.scale.rounds.div_ceil(LARGE_ROUNDS) {
            let cold = Cold::start().unwrap();
            let drive = Drive::with(&self.runtime, self.place.path(), &cold.policy(0, CARRIED_AT_ONCE));
            for round in 0..LARGE_ROUNDS.min(self.scale.rounds + 1) {
                let moved = self.runtime.block_on(async {
                    let target = drive.uploads();
                    Client::connect(&target).await.upload(&target, round, bytes).await;
                    let started = Instant::now();
                    until_left(&drive, 0, LOOK_OFTEN).await;
                    started.elapsed().as_secs_f64()
                });
                let sent = cold.send_file(&path, bytes);
                // The first round of a new Ceph is slow for everybody; the table drops the first of all.
                if round > 0 || run == 0 {
                    table.add("cairn", rate(moved));
                    table.add("the SDK", rate(sent));
                }
            }
        }
        table.print(&[("cairn", "the SDK", Promise::AtLeast(0.8))])
    }

    /// From when the first one moves until all are gone from the disk.
    fn move_small(&self, cold: &Cold) {
        let count = self.scale.small_each * CARRIED_AT_ONCE;
        let mut table =
            Table::new(format!("{count} contents of 4 KiB, from the disk to Ceph, {CARRIED_AT_ONCE} at once"), "contents/s");
        for round in 0..=self.scale.rounds.div_ceil(LARGE_ROUNDS) {
            let drive = Drive::with(&self.runtime, self.place.path(), &cold.policy(STAY_SECONDS, CARRIED_AT_ONCE));
            self.upload_small(&drive.uploads(), round, CARRIED_AT_ONCE);
            let moved = self.runtime.block_on(async {
                until_left(&drive, count - 1, LOOK_RARELY).await;
                let started = Instant::now();
                until_left(&drive, 0, LOOK_RARELY).await;
                started.elapsed().as_secs_f64()
            });
            table.add("cairn", count as f64 / moved);
            table.add("the SDK, PutObject only", count as f64 / cold.send_small(count, SMALL_BYTES, CARRIED_AT_ONCE));
        }
        table.print(&[]);
    }

    /// Uploads of 4 KiB, one after the other and in turns, to drives that differ only in where contents go.
    fn answer_while_moving(&self, cold: &Cold) {
        let drives = [
            ("nothing moves", cold.settings()),
            ("a policy, nothing due yet", cold.policy(NEVER_SECONDS, CARRIED_AT_ONCE)),
            ("moves at once", cold.policy(0, CARRIED_AT_ONCE)),
        ];
        let drives = drives.map(|(name, settings)| (name, Drive::with(&self.runtime, self.place.path(), &settings)));
        let mut table = Table::new("The answer to an upload of 4 KiB, one after the other".to_owned(), "µs");
        self.runtime.block_on(async {
            let connect = |(_, drive): &(&str, Drive)| {
                let target = drive.uploads();
                async move { Client::connect(&target).await }
            };
            let clients = join_all(drives.iter().map(connect)).await;
            let mut turns: Vec<_> = drives.iter().zip(clients).map(|((name, drive), client)| (*name, drive, client)).collect();
            for number in 0..=3 * self.scale.small_each {
                for (name, drive, client) in &mut turns {
                    let (target, started) = (drive.uploads(), Instant::now());
                    client.upload(&target, number, SMALL_BYTES).await;
                    table.add(name, started.elapsed().as_secs_f64() * 1e6);
                    if *name == "moves at once" {
                        // What is carried takes the same two cores: it is to be done before the others have their turn.
                        until_left(drive, 0, LOOK_OFTEN).await;
                    }
                }
            }
        });
        table.print(&[]);
    }
}

/// Looks until at most so many contents are on the disk.
async fn until_left(drive: &Drive, count: u64, every: Duration) {
    while drive.contents() > count {
        tokio::time::sleep(every).await;
    }
}

fn write_file(path: &std::path::Path, bytes: u64) {
    let mut file = File::create(path).unwrap();
    let piece: Vec<u8> = (0..MIB as usize).map(|index| (index * 31 + index / 251) as u8).collect();
    let mut left = bytes;
    while left > 0 {
        let length = left.min(MIB);
        file.write_all(&piece[..length as usize]).unwrap();
        left -= length;
    }
    file.sync_all().unwrap();
}
