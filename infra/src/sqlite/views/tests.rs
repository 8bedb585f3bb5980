mod plans;
mod rebuilding;
mod replaying;

use cairn_domain::Timestamp;
use cairn_projections::ports::contract::rows::{held_by as dump, meant_by as expected};
use cairn_projections::ports::memory::MemorySource;
use cairn_projections::ports::{Source, contract};
use cairn_projections::runner::Settings;
use cairn_projections::sample::Sample;
use cairn_projections::{Runner, projections};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;

const SEED: u64 = 42;

async fn open(directory: &TempDir) -> SqliteViews {
    SqliteViews::open(&directory.path().join("views.db"), &projections()).await.unwrap()
}

fn runner(source: &Arc<MemorySource>, views: &SqliteViews, batch_events_max: usize) -> Runner {
    let settings = Settings { batch_events_max, ..Settings::new(|| Timestamp(77)) };
    Runner::new(projections(), Arc::clone(source) as Arc<dyn Source>, Arc::new(views.clone()), settings)
}

#[tokio::test]
async fn the_tables_keep_the_contract() {
    let directory = TempDir::new().unwrap();
    let number = std::cell::Cell::new(0);
    let make = || {
        number.set(number.get() + 1);
        let path = directory.path().join(format!("views-{}.db", number.get()));
        async move { SqliteViews::open(&path, &projections()).await.unwrap() }
    };
    contract::all(make).await;
}

#[tokio::test]
async fn questions_are_answered_as_the_contract_says() {
    let directory = TempDir::new().unwrap();
    let views = open(&directory).await;
    let events = Sample::events(SEED, 3_000);
    runner(&Arc::new(MemorySource::new(events.clone())), &views, 4096).catch_up().await.unwrap();
    contract::asking::all(&views, &events).await;
}

#[tokio::test]
async fn the_database_has_the_rows_that_the_log_means_in_any_batches() {
    let events = Sample::events(SEED, 3_000);
    let expected = expected(events.clone()).await;
    let source = Arc::new(MemorySource::new(events));
    for batch_events_max in [1, 7, 500, 4096] {
        let directory = TempDir::new().unwrap();
        let views = open(&directory).await;
        runner(&source, &views, batch_events_max).catch_up().await.unwrap();
        assert_eq!(dump(&views).await, expected, "{batch_events_max}");
    }
}

#[tokio::test]
async fn what_was_applied_is_there_once_after_the_file_is_opened_again() {
    let directory = TempDir::new().unwrap();
    let events = Sample::events(SEED, 600);
    let source = Arc::new(MemorySource::new(events[..250].to_vec()));
    let views = open(&directory).await;
    runner(&source, &views, 100).catch_up().await.unwrap();
    // Not closed: as after a crash, the WAL has what the main file has not.
    source.append(events[250..].to_vec());
    let again = open(&directory).await;
    assert!(again.checkpoints().await.unwrap().iter().all(|checkpoint| checkpoint.position == Position(250)));
    runner(&source, &again, 100).catch_up().await.unwrap();
    assert_eq!(dump(&again).await, expected(events).await);
    again.close().await;
    assert!(matches!(again.rows(bookkeeping::checkpoints(DIALECT)).await, Err(ReadError::Unavailable(_))));
}

#[tokio::test]
async fn rows_without_a_checkpoint_are_not_gone_on_with() {
    let directory = TempDir::new().unwrap();
    let source = Arc::new(MemorySource::new(Sample::events(SEED, 300)));
    let views = open(&directory).await;
    runner(&source, &views, 100).catch_up().await.unwrap();
    let forget = "DELETE FROM tbl_checkpoint WHERE projection = 'usage'".to_owned();
    views.database().await.unwrap().writer.lock().await.execute(Sql { text: forget, values: Vec::new() }).await.unwrap();
    views.close().await;
    let again = open(&directory).await;
    let gone_on = runner(&source, &again, 100).catch_up().await;
    assert!(gone_on.is_err_and(|error| format!("{error:?}").contains("Unknown")));
    runner(&source, &again, 100).prepare(&|_| {}, &CancellationToken::new()).await.unwrap();
    assert_eq!(dump(&again).await, expected(Sample::events(SEED, 300)).await, "they were made anew");
}

#[tokio::test]
async fn values_that_the_tables_refuse_are_told_from_trouble_that_may_pass() {
    let directory = TempDir::new().unwrap();
    let views = open(&directory).await;
    let name = cairn_projections::projection::files::UserFile::Name;
    let incomplete = cairn_projections::Statement::put("f", [(name, "a row of a name alone".into())]);
    let runs = cairn_projections::statement::combine(vec![incomplete]);
    let refused = views.apply(Batch { runs, ..Batch::default() }).await;
    assert!(matches!(refused, Err(TablesError::Rejected(_))), "{refused:?}");
    views.close().await;
    assert!(matches!(views.apply(Batch::default()).await, Err(TablesError::Unavailable(_))));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_said_so() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("views.db"), "this is not a database, and it is long enough to see it: ".repeat(99))
        .unwrap();
    let opened = SqliteViews::open(&directory.path().join("views.db"), &projections()).await;
    assert!(opened.is_err_and(|error| error.to_string().contains("views.db")));
}
