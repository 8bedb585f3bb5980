use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cairn_projections::queries::operations;
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn rebuilt_rows_are_the_rows() {
    let directory = TempDir::new().unwrap();
    let events = Sample::events(SEED, 3_000);
    let source = Arc::new(MemorySource::new(events.clone()));
    let views = open(&directory).await;
    let runner = runner(&source, &views, 4096);
    runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.unwrap();
    assert_eq!(dump(&views).await, expected(events.clone()).await);
    let names: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("rebuild")), "{names:?}");
    views.close().await;
    let again = open(&directory).await;
    assert_eq!(dump(&again).await, expected(events).await);
    assert_eq!(indexes(&again).await, indexes(&open(&TempDir::new().unwrap()).await).await);
}

async fn indexes(views: &SqliteViews) -> Vec<Row> {
    let text = "SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name".to_owned();
    views.rows(Sql { text, values: Vec::new() }).await.unwrap()
}

#[tokio::test]
async fn a_deleted_database_comes_back_the_same() {
    let directory = TempDir::new().unwrap();
    let events = Sample::events(SEED, 2_000);
    let source = Arc::new(MemorySource::new(events.clone()));
    let views = open(&directory).await;
    runner(&source, &views, 64).catch_up().await.unwrap();
    let before = dump(&views).await;
    views.close().await;
    std::fs::remove_file(directory.path().join("views.db")).unwrap();
    let views = open(&directory).await;
    let settings = Settings { rebuild_events_min: 1_000, ..Settings::new(|| Timestamp(77)) };
    let runner = Runner::new(projections(), Arc::clone(&source) as Arc<dyn Source>, Arc::new(views.clone()), settings);
    runner.prepare(&|_| {}, &CancellationToken::new()).await.unwrap();
    assert_eq!(dump(&views).await, before);
}

#[tokio::test]
async fn what_a_crash_left_of_a_rebuild_is_removed() {
    let directory = TempDir::new().unwrap();
    let draft = directory.path().join("views.rebuild.db");
    for suffix in ["", "-journal", "-wal", "-shm"] {
        std::fs::write(format!("{}{suffix}", draft.display()), "half a rebuild").unwrap();
    }
    let views = open(&directory).await;
    let left = std::fs::read_dir(&directory)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("rebuild"));
    assert_eq!(left.count(), 0);
    views.draft(OnRefusal::Spoil).await.unwrap().discard().await;
    assert!(!draft.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_come_during_a_rebuild_are_in_the_old_rows_and_in_the_new() {
    let directory = TempDir::new().unwrap();
    let events = Sample::events(SEED, 30_000);
    let source = Arc::new(MemorySource::new(events[..20_000].to_vec()));
    let views = open(&directory).await;
    let runner = runner(&source, &views, 4096);
    runner.catch_up().await.unwrap();
    let stop = CancellationToken::new();
    let following = tokio::spawn({
        let (runner, stop) = (runner.clone(), stop.clone());
        async move { runner.run(stop).await }
    });
    let rest = StdMutex::new(events[20_000..].chunks(500).map(<[_]>::to_vec).collect::<Vec<_>>().into_iter());
    let report = |_| {
        if let Some(more) = rest.lock().unwrap().next() {
            source.append(more);
        }
    };
    runner.rebuild(None, &report, &CancellationToken::new()).await.unwrap();
    for more in rest.lock().unwrap().by_ref() {
        source.append(more);
    }
    assert!(runner.reached().reaches(Position(30_000), std::time::Duration::from_secs(20)).await);
    stop.cancel();
    following.await.unwrap().unwrap();
    assert_eq!(dump(&views).await, expected(events).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_while_tables_are_promoted_gets_an_answer_and_never_an_older_one() {
    let directory = TempDir::new().unwrap();
    let events = Sample::events(SEED, 2_000);
    let source = Arc::new(MemorySource::new(events));
    let views = open(&directory).await;
    let runner = runner(&source, &views, 4096);
    runner.catch_up().await.unwrap();
    let (done, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (views, done, answers) = (views.clone(), Arc::clone(&done), Arc::clone(&answers));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let checkpoints = operations::checkpoints(&views).await.unwrap();
                    assert!(checkpoints.iter().all(|checkpoint| checkpoint.position == Position(2_000)));
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..10 {
        let before = answers.load(Ordering::Relaxed);
        runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.unwrap();
        while answers.load(Ordering::Relaxed) == before {
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::Relaxed);
    for task in asking {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_tables_open() {
    let directory = TempDir::new().unwrap();
    let source = Arc::new(MemorySource::new(Sample::events(SEED, 500)));
    let views = open(&directory).await;
    let runner = runner(&source, &views, 4096);
    // Every await of a rebuild is a place where its caller may be dropped.
    for polls in 0..200 {
        let stop = CancellationToken::new();
        let rebuild = runner.rebuild(None, &|_| {}, &stop);
        if polled(rebuild, polls).await {
            break;
        }
        assert_eq!(operations::checkpoints(&views).await.unwrap().len(), projections().len());
    }
    runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.unwrap();
    assert_eq!(runner.reached().now(), Position(500));
}

/// Polls so many times and then drops it; true when it came to its end.
async fn polled<T>(future: impl Future<Output = T>, polls: usize) -> bool {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        let once = std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready()));
        if once.await {
            return true;
        }
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
    false
}

#[tokio::test]
async fn a_live_file_that_somebody_else_reads_is_not_replaced() {
    let directory = TempDir::new().unwrap();
    let source = Arc::new(MemorySource::new(Sample::events(SEED, 500)));
    let views = open(&directory).await;
    let runner = runner(&source, &views, 4096);
    runner.catch_up().await.unwrap();
    let mut stranger = connect::readers(&directory.path().join("views.db")).await.unwrap().begin().await.unwrap();
    sqlx::query("SELECT * FROM tbl_checkpoint").fetch_all(&mut *stranger).await.unwrap();
    source.append(Sample::events(SEED, 600)[500..].to_vec());
    runner.rebuild(None, &|_| {}, &CancellationToken::new()).await.expect_err("the stranger is in the way");
    drop(stranger);
    runner.catch_up().await.unwrap();
    assert_eq!(runner.reached().now(), Position(600));
    assert_eq!(dump(&views).await, expected(Sample::events(SEED, 600)).await);
}

#[tokio::test]
async fn tables_that_could_not_be_opened_after_a_swap_are_opened_by_whoever_asks_next() {
    let directory = TempDir::new().unwrap();
    let views = open(&directory).await;
    views.live.write().await.take().unwrap().close().await.unwrap();
    assert_eq!(operations::checkpoints(&views).await.unwrap().len(), projections().len());
    views.close().await;
    assert!(operations::checkpoints(&views).await.is_err());
}
