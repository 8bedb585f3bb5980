//! Contents that move by themselves from the drive's disk to a cold store.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cold::Cold;
use crate::drive::Drive;
use crate::table::{Promise, Table};
use crate::{Bench, MIB, SMALL_BYTES};

/// Contents that are carried at once. The queue in the drive's process gives out as many as there are places; one on a server would give
/// out no more than `queue.prefetch`.
pub(crate) const CARRIED_AT_ONCE: u64 = 16;

/// The private Ceph gives room back only after hours, so there is a new one after so many large files.
const LARGE_ROUNDS: u64 = 3;

/// All that is needed to take files, and nobody who would have them moved.
const NOBODY_MOVES: &str = "account,upload,projector";

/// How often one looks what is left: at many contents not so often that it takes time from those who carry them.
pub(crate) const LOOK_OFTEN: Duration = Duration::from_millis(2);
const LOOK_RARELY: Duration = Duration::from_millis(50);

impl Bench {
    /// All that is measured with Ceph.
    pub(crate) fn transfer(&self) -> bool {
        let cold = match Cold::start() {
            Ok(cold) => cold,
            Err(reason) => {
                println!("\nTransfers: NOT MEASURED, Ceph does not start: {reason}");
                return false;
            }
        };
        let at_once = self.answer_at_rest(&cold);
        self.answer_under_load(&cold);
        self.move_small(&cold);
        drop(cold);
        self.move_large() && at_once
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
                    drive.until_left(0, LOOK_OFTEN).await;
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

    /// From when the first one has moved until all are gone from the disk, which they are only when the log knows of their copies. All have
    /// come before anybody asks for them to be moved.
    fn move_small(&self, cold: &Cold) {
        let count = self.scale.small_each * CARRIED_AT_ONCE;
        let mut table =
            Table::new(format!("{count} contents of 4 KiB, from the disk to Ceph, {CARRIED_AT_ONCE} at once"), "contents/s");
        for round in 0..=self.scale.rounds.div_ceil(LARGE_ROUNDS) {
            let moving = cold.policy(0, CARRIED_AT_ONCE);
            let mut waiting = moving.clone();
            waiting.push(("CAIRN_SERVER__SERVICES", NOBODY_MOVES.to_owned()));
            let mut drive = Drive::with(&self.runtime, self.place.path(), &waiting);
            self.upload_small(&drive.uploads(), round, CARRIED_AT_ONCE);
            assert_eq!(drive.contents(), count);
            drive.restart(&moving);
            let moved = self.runtime.block_on(async {
                let left = drive.until_left(count - 1, LOOK_OFTEN).await;
                let started = Instant::now();
                drive.until_left(0, LOOK_RARELY).await;
                left as f64 / started.elapsed().as_secs_f64()
            });
            table.add("cairn", moved);
            table.add("the SDK, PutObject only", count as f64 / cold.send_small(count, SMALL_BYTES, CARRIED_AT_ONCE));
        }
        table.print(&[("cairn", "the SDK, PutObject only", Promise::Nothing)]);
    }
}

fn write_file(path: &Path, bytes: u64) {
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
