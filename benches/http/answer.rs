//! How long whoever uploads waits for the answer, and what of it is the saga's that has the content moved afterwards.

use std::time::Instant;

use futures_util::future::join_all;

use crate::client::Client;
use crate::cold::Cold;
use crate::drive::Drive;
use crate::moving::{CARRIED_AT_ONCE, LOOK_OFTEN};
use crate::table::{Promise, Table};
use crate::{Bench, SMALL_BYTES};

const NOTHING: &str = "nothing moves";
/// Tells how much two equal drives differ.
const SAME: &str = "nothing moves, another drive";
/// The saga waits for the first content to have stayed for long enough.
const LATER: &str = "all moves later";
/// The saga has every content wait in the queue, and nobody carries any.
const ASKED: &str = "asked for, nobody carries";
/// The whole way.
const AT_ONCE: &str = "all moves at once";

/// Far away.
const NEVER_SECONDS: u64 = 30 * 24 * 60 * 60;

/// All that is needed here but whoever carries contents.
const NOBODY_CARRIES: &str = "account,upload,projector,saga";

/// What an answer of a drive whose contents move may take, in answers of one whose contents stay. Nothing is to be added; how much of this two
/// equal drives need already is told beside it.
const RATIO_MAX: f64 = 1.1;

type Settings = Vec<(&'static str, String)>;

impl Bench {
    /// Uploads of 4 KiB, one after the other, to drives that take turns and do nothing else meanwhile: the saga lets events gather for
    /// longer than a round takes, and what it has moved then has moved before the next round. Whether answers wait for the saga shows
    /// here.
    pub(crate) fn answer_at_rest(&self, cold: &Cold) -> bool {
        let drives = [
            (NOTHING, cold.settings()),
            (SAME, cold.settings()),
            (LATER, cold.policy(NEVER_SECONDS, CARRIED_AT_ONCE)),
            (AT_ONCE, cold.policy(0, CARRIED_AT_ONCE)),
        ];
        let drives = drives.map(|(name, settings)| (name, Drive::with(&self.runtime, self.place.path(), &settings)));
        let mut table = Table::new("The answer to an upload of 4 KiB, at rest otherwise".to_owned(), "µs");
        self.runtime.block_on(async {
            let connected = drives.iter().map(async |(name, drive)| (*name, drive, Client::connect(&drive.uploads()).await));
            let mut turns = join_all(connected).await;
            for number in 0..=3 * self.scale.small_each {
                for (name, drive, client) in &mut turns {
                    table.add(name, answer_micros(drive, client, number).await);
                }
                let moving = turns.iter().filter(|(name, ..)| *name == AT_ONCE);
                join_all(moving.map(|(_, drive, _)| drive.until_left(0, LOOK_OFTEN))).await;
                // The first of a round comes after a pause, which each of them shall.
                turns.rotate_left(1);
            }
        });
        table.print(&[
            (SAME, NOTHING, Promise::Nothing),
            (LATER, NOTHING, Promise::AtMost(RATIO_MAX)),
            (AT_ONCE, NOTHING, Promise::AtMost(RATIO_MAX)),
        ])
    }

    /// Uploads of 4 KiB by one client without a pause: whatever follows from an upload takes the cores from the next one. Each turn has a
    /// fresh drive, so that nothing of it goes on in another's turn.
    pub(crate) fn answer_under_load(&self, cold: &Cold) {
        let mut table = Table::new("The answer to an upload of 4 KiB, one after the other without a pause".to_owned(), "µs");
        // Nothing is removed before the end: for minutes after that, a file system makes new files more slowly.
        let mut ended = Vec::new();
        for round in 0..=self.scale.rounds {
            let mut turns = under_load(cold);
            let first = round as usize % turns.len();
            turns.rotate_left(first);
            for (name, settings) in turns {
                let mut drive = Drive::with(&self.runtime, self.place.path(), &settings);
                let answers = self.answers(&drive);
                drive.stop();
                ended.push(drive);
                // The table drops the first of each row: of the first round there is no other.
                let counted = if round == 0 { 1 } else { answers.len() };
                answers.iter().take(counted).for_each(|micros| table.add(name, *micros));
            }
        }
        table.print(&[SAME, LATER, ASKED, AT_ONCE].map(|name| (name, NOTHING, Promise::Nothing)));
    }

    /// Micros of each answer of a drive that has warmed up.
    fn answers(&self, drive: &Drive) -> Vec<f64> {
        let warm = self.scale.small_each.div_ceil(2);
        self.runtime.block_on(async {
            let mut client = Client::connect(&drive.uploads()).await;
            let mut answers = Vec::new();
            for number in 0..warm + 2 * self.scale.small_each {
                let micros = answer_micros(drive, &mut client, number).await;
                if number >= warm {
                    answers.push(micros);
                }
            }
            answers
        })
    }
}

fn under_load(cold: &Cold) -> [(&'static str, Settings); 5] {
    let mut asked = cold.policy(0, CARRIED_AT_ONCE);
    asked.push(("CAIRN_SERVER__SERVICES", NOBODY_CARRIES.to_owned()));
    [
        (NOTHING, cold.settings()),
        (SAME, cold.settings()),
        (LATER, cold.policy(NEVER_SECONDS, CARRIED_AT_ONCE)),
        (ASKED, asked),
        (AT_ONCE, cold.policy(0, CARRIED_AT_ONCE)),
    ]
}

async fn answer_micros(drive: &Drive, client: &mut Client, number: u64) -> f64 {
    let target = drive.uploads();
    let started = Instant::now();
    client.upload(&target, number, SMALL_BYTES).await;
    started.elapsed().as_secs_f64() * 1e6
}
