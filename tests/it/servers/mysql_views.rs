use std::str::FromStr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cairn_domain::{Position, Timestamp};
use cairn_infra::mysql::views::{MysqlReplicas, MysqlViews};
use cairn_infra::mysql::{Migrate, Server};
use cairn_infra::sqlite::views::SqliteReplayed;
use cairn_projections::ports::contract::rows::{held_by as dump, meant_by as expected};
use cairn_projections::ports::memory::MemorySource;
use cairn_projections::ports::{Batch, Copies, ReadError, ReadTables, Row, Source, Tables, TablesError, Workshop, contract};
use cairn_projections::projection::files::UserFile;
use cairn_projections::runner::{Settings, Verification};
use cairn_projections::sample::{Sample, ask_everything};
use cairn_projections::sql::{Dialect, Sql};
use cairn_projections::statement::Value;
use cairn_projections::{Runner, projections};
use cairn_servers::{MariaDb, shared};
use tokio_util::sync::CancellationToken;

use crate::harness::until_async;

const SEED: u64 = 42;

fn server(name: &str) -> Server {
    Server::from_str(&shared::mariadb().unwrap().create_database(name).unwrap()).unwrap()
}

async fn open_as(server: &Server, owner: &str) -> MysqlViews {
    MysqlViews::open(server, &projections(), owner, Migrate::Yes).await.unwrap()
}

async fn open(name: &str) -> MysqlViews {
    open_as(&server(name), "this test").await
}

fn runner(source: &Arc<MemorySource>, views: &MysqlViews, batch_events_max: usize) -> Runner {
    let settings = Settings { batch_events_max, shared: true, ..Settings::new(|| Timestamp(77)) };
    Runner::new(projections(), Arc::clone(source) as Arc<dyn Source>, Arc::new(views.clone()), settings)
}

#[tokio::test]
async fn the_tables_keep_the_contract() {
    contract::all(|| open("views_contract")).await;
}

#[tokio::test]
async fn the_database_has_the_rows_that_the_log_means_in_any_batches() {
    let events = Sample::events(SEED, 1_500);
    let expected = expected(events.clone()).await;
    let source = Arc::new(MemorySource::new(events));
    for batch_events_max in [1, 7, 500, 4096] {
        let views = open("views_rows").await;
        runner(&source, &views, batch_events_max).catch_up().await.unwrap();
        assert_eq!(dump(&views).await, expected, "{batch_events_max}");
    }
}

#[tokio::test]
async fn a_rebuild_makes_the_same_rows_beside_the_live_ones() {
    let views = open("views_rebuild").await;
    let source = Arc::new(MemorySource::new(Sample::events(SEED, 3_000)));
    let runner = runner(&source, &views, 500);
    runner.catch_up().await.unwrap();
    let before = dump(&views).await;
    let rebuilt = runner.rebuild(None, &|_| {}, &tokio_util::sync::CancellationToken::new()).await.unwrap();
    assert_eq!((rebuilt.position, rebuilt.parked), (Position(3_000), 0));
    assert_eq!(dump(&views).await, before);
    source.append(Sample::events(SEED, 3_200)[3_000..].to_vec());
    runner.catch_up().await.unwrap();
    assert_eq!(dump(&views).await, expected(Sample::events(SEED, 3_200)).await);
}

#[tokio::test]
async fn questions_are_answered_as_the_contract_says() {
    let views = open("views_asking").await;
    let events = Sample::events(SEED, 3_000);
    runner(&Arc::new(MemorySource::new(events.clone())), &views, 4096).catch_up().await.unwrap();
    contract::asking::all(&views, &events).await;
}

#[tokio::test]
async fn a_snapshot_stays_as_it_was() {
    let views = open("views_snapshot").await;
    contract::a_snapshot_stays_as_it_was(&views, &views).await;
}

#[tokio::test]
async fn rows_are_verified_as_they_were_at_one_moment() {
    let views = open("views_verify").await;
    let events = Sample::events(SEED, 3_000);
    let source = Arc::new(MemorySource::new(events[..2_900].to_vec()));
    runner(&source, &views, 500).catch_up().await.unwrap();
    let verify = async || {
        let beside = SqliteReplayed::nameless(&projections()).await.unwrap();
        let verification = Verification::new(projections(), source.clone(), &views, &beside, Timestamp(78));
        let mut found = Vec::new();
        let stop = CancellationToken::new();
        (verification.run(&|_| {}, &stop, &mut |difference| found.push(difference)).await.unwrap(), found)
    };
    let (verified, found) = verify().await;
    assert_eq!((verified.position, found), (Position(2_900), Vec::new()));
    assert!(verified.rows > 500, "{verified:?}");
    source.append(events[2_900..].to_vec());
    runner(&source, &views, 500).catch_up().await.unwrap();
    let key = views.rows(Sql { text: "SELECT MIN(id) FROM tbl_user_file".to_owned(), values: Vec::new() }).await.unwrap();
    let key: String = key[0].get(0).unwrap();
    let size = cairn_projections::Statement::set(key.clone(), [(UserFile::Size, 7_777_777.into())]);
    views.apply(Batch { runs: cairn_projections::statement::combine(vec![size]), ..Batch::default() }).await.unwrap();
    let (verified, found) = verify().await;
    assert_eq!((verified.position, verified.differ), (Position(3_000), 1));
    assert_eq!((found[0].table, &found[0].key, found[0].cells().next().unwrap().0), ("tbl_user_file", &key, "size"));
}

/// Asks the planner about every query before it is answered.
struct Explained {
    views: MysqlViews,
    plans: Mutex<Vec<(String, Vec<Row>)>>,
}

#[async_trait]
impl ReadTables for Explained {
    fn dialect(&self) -> Dialect {
        self.views.dialect()
    }

    async fn rows(&self, query: Sql) -> Result<Vec<Row>, ReadError> {
        let text = format!("EXPLAIN {}", query.text);
        let plan = self.views.rows(Sql { text, values: query.values.clone() }).await?;
        self.plans.lock().unwrap().push((query.text.clone(), plan));
        self.views.rows(query).await
    }
}

/// The columns of EXPLAIN: id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra.
#[tokio::test]
async fn no_query_reads_a_whole_table_or_sorts_one() {
    let views = open("views_plans").await;
    let source = Arc::new(MemorySource::new(Sample::events(SEED, 6_000)));
    runner(&source, &views, 4096).catch_up().await.unwrap();
    for table in projections().iter().flat_map(|projection| projection.tables()) {
        let analyze = Sql { text: format!("ANALYZE TABLE {}", table.name), values: Vec::new() };
        views.rows(analyze).await.unwrap();
    }
    // One with many entries: of somebody with none, any plan is as good.
    let busiest = "SELECT owner FROM tbl_user_file GROUP BY owner ORDER BY count(*) DESC LIMIT 1".to_owned();
    let busiest = views.rows(Sql { text: busiest, values: Vec::new() }).await.unwrap();
    let explained = Explained { views, plans: Mutex::default() };
    ask_everything(&explained, busiest[0].get(0).unwrap()).await.unwrap();
    let plans = explained.plans.into_inner().unwrap();
    assert_eq!(plans.len(), 88);
    for (text, steps) in plans {
        // There is one row per projection in it, and all are wanted.
        let whole = text.contains("tbl_checkpoint");
        for step in steps {
            let kind: Option<String> = step.get(3).unwrap();
            assert!(whole || kind.as_deref() != Some("ALL"), "{text}\n{step:?}");
            let extra: Option<String> = step.get(9).unwrap();
            assert!(!extra.unwrap_or_default().contains("filesort"), "{text}\n{step:?}");
        }
    }
}

#[tokio::test]
async fn values_that_the_tables_refuse_are_told_from_trouble_that_may_pass() {
    let views = open("views_refused").await;
    let name = cairn_projections::projection::files::UserFile::Name;
    let too_long = Value::from("x".repeat(70_000));
    for row in [Value::from("a row of a name alone"), too_long] {
        let incomplete = cairn_projections::Statement::put("f", [(name, row)]);
        let runs = cairn_projections::statement::combine(vec![incomplete]);
        let refused = views.apply(Batch { runs, ..Batch::default() }).await;
        assert!(matches!(refused, Err(TablesError::Rejected(_))), "{refused:?}");
    }
    views.apply(Batch::default()).await.unwrap();
}

#[tokio::test]
async fn of_two_processes_one_applies_and_the_other_follows_and_takes_over() {
    let server = server("views_lease");
    let (one, other) = (open_as(&server, "one").await, open_as(&server, "other").await);
    let all = Sample::events(SEED, 900);
    let source = Arc::new(MemorySource::new(all[..300].to_vec()));
    let (first, second) = (runner(&source, &one, 100), runner(&source, &other, 100));
    first.catch_up().await.unwrap();
    assert!(one.checkpoints().await.unwrap().iter().all(|checkpoint| !checkpoint.held_elsewhere));
    assert!(other.checkpoints().await.unwrap().iter().all(|checkpoint| checkpoint.held_elsewhere));
    assert_eq!(second.catch_up().await.unwrap(), Position(300), "it sees what the first has done");

    source.append(all[300..600].to_vec());
    let following = tokio::spawn(async move {
        second.catch_up().await.unwrap();
        second
    });
    first.catch_up().await.unwrap();
    let second = following.await.unwrap();
    assert_eq!(second.reached().now(), Position(600));

    one.step_down().await.unwrap();
    source.append(all[600..].to_vec());
    second.catch_up().await.unwrap();
    assert!(one.checkpoints().await.unwrap().iter().all(|checkpoint| checkpoint.held_elsewhere));
    assert_eq!(dump(&one).await, expected(all).await);
}

#[tokio::test]
async fn a_replica_is_read_when_it_has_come_far_enough() {
    // Its own: the lag of a shared one would be everybody's.
    let server = MariaDb::start().unwrap();
    let follower = MariaDb::start_replica_of(&server).unwrap();
    let primary = open_as(&Server::from_str(&server.create_database("cairn").unwrap()).unwrap(), "this test").await;
    let all = Sample::events(SEED, 400);
    let source = Arc::new(MemorySource::new(all[..200].to_vec()));
    let runner = runner(&source, &primary, 100);
    runner.catch_up().await.unwrap();
    let replica = Server::from_str(&follower.url_of("cairn")).unwrap();
    let tables = MysqlReplicas::start(primary.clone(), &[replica]);
    let address = async |position: u64| {
        let sql = Sql { text: "SELECT @@port".to_owned(), values: Vec::new() };
        tables.reached(Position(position)).rows(sql).await.unwrap()[0].get::<i64>(0).unwrap()
    };
    let at_primary = address(9_999).await;
    let at_replica = until_async("the replica is read", async || Some(address(200).await).filter(|port| *port != at_primary)).await;

    follower.stop_sql_thread().unwrap();
    source.append(all[200..].to_vec());
    runner.catch_up().await.unwrap();
    assert_eq!(address(400).await, at_primary, "the replica has not come so far");
    until_async("the replica has fallen behind for too long", async || (address(0).await == at_primary).then_some(())).await;
    follower.start_sql_thread().unwrap();
    until_async("the replica has caught up", async || (address(400).await == at_replica).then_some(())).await;
    let copy = tables.reached(Position(400));
    assert_eq!(dump(&*copy).await, dump(&primary).await);

    drop(follower);
    assert_eq!(dump(&*copy).await, dump(&primary).await, "a question to a dead replica is answered by the primary");
    assert_eq!(address(400).await, at_primary);
}
