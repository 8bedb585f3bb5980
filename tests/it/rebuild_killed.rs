//! Rebuilds that die at any moment.

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use cairn_infra::sqlite::views::SqliteGlance;
use cairn_projections::ports::contract::rows::held_by;
use cairn_projections::ports::memory::Rows;

use crate::harness::{Chance, Output, command, over};

const EVENTS: &str = "2000";
const KILLS: u32 = 100;

fn cairn(data: &Path, verb: &[&str]) -> Output {
    Output::of(command().args(verb).arg("--data").arg(data))
}

async fn rows(data: &Path) -> Rows {
    held_by(&SqliteGlance::open(&data.join("views.db")).await.unwrap()).await
}

/// The moment of each death is one of chance, from before the first row to after the promotion.
#[tokio::test]
async fn a_rebuild_that_is_killed_changes_nothing_and_the_next_one_is_whole() {
    if over::servers() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    cairn(&data, &["bench", "generate", "--events", EVENTS]).success();
    cairn(&data, &["projection", "rebuild", "--all"]).success();
    let began = Instant::now();
    cairn(&data, &["projection", "rebuild", "--all"]).success();
    let takes = began.elapsed();
    let before = rows(&data).await;
    let mut chance = Chance::from_environment();
    let mut unfinished = 0;
    for _ in 0..KILLS {
        let mut rebuild = command();
        rebuild.args(["projection", "rebuild", "--all", "--data"]).arg(&data).stdout(Stdio::null());
        let mut rebuild = rebuild.spawn().unwrap();
        thread::sleep(takes * u32::try_from(chance.below(1_100)).unwrap() / 1_000 + Duration::from_micros(chance.below(1_000)));
        rebuild.kill().unwrap();
        unfinished += u32::from(!rebuild.wait().unwrap().success());
        assert!(rows(&data).await == before, "after {unfinished} that did not end");
    }
    eprintln!("{unfinished} of {KILLS} rebuilds did not come to their end");
    assert!(unfinished > KILLS / 2);
    cairn(&data, &["projection", "rebuild", "--all"]).success();
    assert!(rows(&data).await == before);
    let verified = cairn(&data, &["projection", "verify"]).success();
    assert!(verified.contains("none differs"), "{verified}");
}
