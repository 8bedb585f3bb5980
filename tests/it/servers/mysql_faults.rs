//! The database of the log and the read tables goes away in every way there is, while people work.

use std::time::{Duration, Instant};

use cairn_servers::{ChaosProxy, MariaDb};

use crate::harness::{Answer, Call, Endurance, REFUSED_WITHIN, until_async};

struct Ground {
    server: MariaDb,
    proxy: ChaosProxy,
}

async fn scene() -> Endurance<Ground> {
    scene_with(&["CAIRN_LOG__URL", "CAIRN_VIEWS__URL"]).await
}

/// Only that is in the database; the rest is in files.
async fn scene_with(there: &[&str]) -> Endurance<Ground> {
    let server = MariaDb::start().unwrap();
    server.create_database("cairn").unwrap();
    let proxy = ChaosProxy::start(server.socket_address()).unwrap();
    let url = server.through(&proxy).url_of("cairn");
    let settings: Vec<_> = there.iter().map(|name| (*name, &*url)).collect();
    Endurance::new(Ground { server, proxy }, &settings).await
}

/// Well or not, it is answered in time.
async fn in_time(what: &str, call: Call) -> Answer {
    let began = Instant::now();
    let answer = call.try_send().await.unwrap();
    assert!(began.elapsed() < REFUSED_WITHIN, "{what}: answered after {:?}: {answer:?}", began.elapsed());
    answer
}

#[tokio::test]
async fn a_bad_network_costs_time_and_no_file() {
    let mut scene = scene().await;
    scene.endure("a black hole", |on| on.proxy.black_hole(), |on| on.proxy.pass()).await;
    scene.endure("answers that get lost", |on| on.proxy.half_open(), |on| on.proxy.pass()).await;
    let refuse = |on: &mut Ground| {
        on.proxy.refuse();
        on.proxy.reset_all();
    };
    scene.endure("refused connections", refuse, |on| on.proxy.pass()).await;
    scene.endure("cut connections", |on| on.proxy.cut_after(200), |on| on.proxy.pass()).await;
    scene.check().await;
}

#[tokio::test]
async fn a_network_that_comes_and_goes_costs_time_and_no_file() {
    let mut scene = scene().await;
    for milliseconds in [150, 1_000] {
        let what = format!("a network that comes and goes every {milliseconds} ms");
        scene.suffer_on_and_off(&what, |on| on.proxy.flap(Duration::from_millis(milliseconds))).await;
        scene.recover(&what, |on| on.proxy.pass()).await;
    }
    scene.check().await;
}

/// What is lost with a connection is its connection: the pools do not run dry.
#[tokio::test]
async fn connections_come_back_however_often_the_network_fails() {
    let scene = scene().await;
    for _ in 0..4 {
        let lists = (0..24).map(|_| scene.user.get("/file/query").try_send());
        let lists = tokio::spawn(futures_util::future::join_all(lists));
        scene.ground.proxy.half_open();
        let answers = lists.await.unwrap();
        assert!(answers.iter().flatten().all(|answer| [200, 503].contains(&answer.status)));
        scene.ground.proxy.pass();
    }
    until_async("every list is answered", async || {
        let lists = (0..40).map(|_| scene.user.get("/file/query").try_send());
        let answers = futures_util::future::join_all(lists).await;
        answers.iter().flatten().all(|answer| answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_stops_freezes_or_dies_costs_time_and_no_file() {
    let mut scene = scene().await;
    scene.endure("a frozen server", |on| on.server.freeze(), |on| on.server.thaw()).await;
    scene.endure("a killed server", |on| on.server.kill(), |on| on.server.start_again().unwrap()).await;
    scene.endure("a stopped server", |on| on.server.stop().unwrap(), |on| on.server.start_again().unwrap()).await;
    scene.check().await;
}

#[tokio::test]
async fn whoever_asks_whether_the_drive_is_ready_is_told_what_is_away() {
    let mut scene = scene().await;
    scene.readiness(&["log", "views"], |on| on.proxy.black_hole(), |on| on.proxy.pass()).await;
}

/// Something happens to the server or to the way there.
type Change = fn(&mut Ground);

/// The log goes on: what is written without them is acknowledged in time and shown when they are back, and what they are asked is refused.
#[tokio::test]
async fn read_tables_that_are_away_cost_nobody_more_than_a_moment() {
    let mut scene = scene_with(&["CAIRN_VIEWS__URL"]).await;
    let faults: [(&str, Change, Change); 3] = [
        ("frozen read tables", |on| on.server.freeze(), |on| on.server.thaw()),
        ("read tables in a black hole", |on| on.proxy.black_hole(), |on| on.proxy.pass()),
        ("killed read tables", |on| on.server.kill(), |on| on.server.start_again().unwrap()),
    ];
    for (what, begin, end) in faults {
        let (answer, _) = scene.upload().await;
        let written = answer.expect(201).position();
        begin(&mut scene.ground);
        for position in [0, written + 1_000_000] {
            let list = scene.user.get("/file/query").header("cairn-min-position", position);
            let refused = in_time(what, list).await;
            if position > written && refused.status == 422 {
                // The log answers, and has not come so far.
                continue;
            }
            assert!(refused.header("retry-after").is_some(), "{what}: {refused:?}");
            refused.problem(503, "unavailable");
        }
        for _ in 0..2 {
            let (answer, took) = scene.upload().await;
            assert!([201, 503].contains(&answer.status) && took < REFUSED_WITHIN, "{what}: {took:?}: {answer:?}");
        }
        scene.readiness(&["views"], |_| {}, end).await;
        scene.recover(what, |_| {}).await;
    }
    scene.check().await;
}
