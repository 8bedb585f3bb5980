//! What it takes to know whose token it is: by the read tables in SQLite and in MySQL, by Redis, by what is near.
//!
//! `cargo bench --workspace --bench cache` prints look-ups per second and the time of one, one after the other and by 32 at once.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and stops at the first surprise")]
#![expect(clippy::large_futures, reason = "connecting and shaking hands takes room, once")]

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_commands::Caller;
use cairn_commands::ports::clock::{Clock, ManualClock};
use cairn_commands::ports::sessions::{Known, MemorySessions, Session, SessionCache};
use cairn_domain::account::AccountEvent;
use cairn_domain::{Event, Sha256, Timestamp, codec};
use cairn_infra::mysql::views::MysqlViews;
use cairn_infra::mysql::{Migrate, Server};
use cairn_infra::redis::{Link, RedisSessions, Seal};
use cairn_infra::sqlite::views::SqliteViews;
use cairn_projections::ports::memory::MemorySource;
use cairn_projections::ports::{ReadTables, Source, Workshop};
use cairn_projections::queries::users::session_by_token;
use cairn_projections::runner::Settings;
use cairn_projections::sample::Sample;
use cairn_projections::{Runner, projections};
use cairn_servers::{MariaDb, Redis};
use futures_util::future::join_all;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const TOGETHER: usize = 32;
/// Kept shortly before they are looked up: no entry is believed for long.
const ENTRIES: usize = 512;

fn main() {
    // A test run only asks whether the benchmark works.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 12 } else { 1 };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(rounds));
}

async fn run(rounds: usize) {
    let source = Arc::new(MemorySource::new(Sample::events(42, 20_000)));
    let place = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(SqliteViews::open(&place.path().join("views.db"), &projections()).await.unwrap());
    fill(&source, sqlite.clone()).await;
    let mariadb = MariaDb::start().unwrap();
    let server = Server::from_str(&mariadb.create_database("views").unwrap()).unwrap();
    let mysql = Arc::new(MysqlViews::open(&server, &projections(), "the benchmark", Migrate::Yes).await.unwrap());
    fill(&source, mysql.clone()).await;
    let redis = Redis::start().unwrap();
    let link = Link::open(&FromStr::from_str(&redis.url()).unwrap(), "bench:").await.unwrap();
    let clock = Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;

    let tokens = open_sessions(&sqlite).await;
    println!("{} open sessions", tokens.len());
    for together in [1, TOGETHER] {
        let mut times: [Vec<Duration>; 5] = Default::default();
        for round in 0..=rounds {
            let some: Vec<&(Sha256, Session)> = tokens.iter().cycle().skip(round * ENTRIES).take(ENTRIES).collect();
            times[0].push(by_tables(&*sqlite, &some, together).await);
            times[1].push(by_tables(&*mysql, &some, together).await);
            // A cache of its own in each round, so that nothing is near yet.
            let shared = RedisSessions::over(link.clone(), Seal::of(&[1; 32]), clock.clone());
            keep(&shared, &some).await;
            times[2].push(by_cache(&shared, &some, together).await);
            times[3].push(by_cache(&shared, &some, together).await);
            let memory = MemorySessions::default();
            keep(&memory, &some).await;
            times[4].push(by_cache(&memory, &some, together).await);
        }
        for (what, times) in
            ["read tables, SQLite", "read tables, MariaDB", "Redis", "near, with Redis", "one process"].iter().zip(times)
        {
            // The first round is slow for everybody.
            let mut times: Vec<f64> = times[1..].iter().map(Duration::as_secs_f64).collect();
            times.sort_by(f64::total_cmp);
            let each = times[times.len() / 2] / 512.0;
            println!("{what:22} by {together:2}: {:9.0} look-ups/s, {:7.1} us each", 1.0 / each, each * 1e6);
        }
    }
}

async fn fill(source: &Arc<MemorySource>, views: Arc<dyn Workshop>) {
    let runner = Runner::new(projections(), source.clone() as Arc<dyn Source>, views, Settings::new(|| Timestamp(77)));
    runner.catch_up().await.unwrap();
}

/// The sessions of the sample that the tables hold.
async fn open_sessions(tables: &SqliteViews) -> Vec<(Sha256, Session)> {
    let mut open = Vec::new();
    for stored in Sample::events(42, 20_000) {
        let Event::Account(AccountEvent::SessionOpened(opened)) = codec::decode(&stored).unwrap() else { continue };
        if let Some(found) = session_by_token(tables, opened.token_sha256).await.unwrap() {
            let caller = Caller { account: found.account, session: found.session, roles: found.roles };
            open.push((opened.token_sha256, Session { caller, expires_at: found.expires_at }));
        }
    }
    open
}

async fn keep(cache: &impl SessionCache, sessions: &[&(Sha256, Session)]) {
    join_all(sessions.iter().map(|(token, session)| cache.keep(*token, session, NOW))).await;
}

async fn by_tables(tables: &dyn ReadTables, sessions: &[&(Sha256, Session)], together: usize) -> Duration {
    let started = Instant::now();
    for some in sessions.chunks(together) {
        let found = join_all(some.iter().map(|(token, _)| session_by_token(tables, *token))).await;
        assert!(found.iter().all(|found| matches!(found, Ok(Some(_)))));
    }
    started.elapsed()
}

async fn by_cache(cache: &impl SessionCache, sessions: &[&(Sha256, Session)], together: usize) -> Duration {
    let started = Instant::now();
    for some in sessions.chunks(together) {
        let found = join_all(some.iter().map(|(token, _)| cache.find(*token, NOW))).await;
        assert!(found.iter().all(|found| matches!(found, Known::Session(_))));
    }
    started.elapsed()
}
