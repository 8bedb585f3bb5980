//! The database of the log and the read tables goes away in every way there is, while people work.

use cairn_servers::{ChaosProxy, MariaDb};

use crate::harness::{Endurance, until_async};

struct Ground {
    server: MariaDb,
    proxy: ChaosProxy,
}

async fn scene() -> Endurance<Ground> {
    let server = MariaDb::start().unwrap();
    server.create_database("cairn").unwrap();
    let proxy = ChaosProxy::start(server.socket_address()).unwrap();
    let url = server.through(&proxy).url_of("cairn");
    Endurance::new(Ground { server, proxy }, &[("CAIRN_LOG__URL", &url), ("CAIRN_VIEWS__URL", &url)]).await
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
