//! The database of the log and the read tables goes away in every way there is, while people work.

use std::time::{Duration, Instant};

use cairn_servers::{ChaosProxy, MariaDb};
use serde_json::Value;

use crate::harness::{Answer, Drive, File, User, until_async};

/// What a request that needs the database may take to be refused, and some time for a machine that is busy with other tests.
const REFUSED_WITHIN: Duration = Duration::from_millis(3_500);

/// How soon everything must work again.
const BACK_WITHIN: Duration = Duration::from_secs(30);

struct Scene {
    server: MariaDb,
    proxy: ChaosProxy,
    drive: Drive,
    user: User,
    acknowledged: Vec<File>,
    sent: u64,
}

impl Scene {
    async fn new() -> Self {
        let server = MariaDb::start().unwrap();
        server.create_database("cairn").unwrap();
        let proxy = ChaosProxy::start(server.socket_address()).unwrap();
        let url = server.through(&proxy).url_of("cairn");
        let drive = Drive::with(&[("CAIRN_LOG__URL", &url), ("CAIRN_VIEWS__URL", &url)]);
        let user = drive.user().await;
        Self { server, proxy, drive, user, acknowledged: Vec::new(), sent: 0 }
    }

    /// Whatever comes back, and when.
    async fn upload(&mut self) -> (Answer, Duration) {
        self.sent += 1;
        let name = format!("{}.txt", self.sent);
        let started = Instant::now();
        let answer = self.user.raw_upload(&name, name.clone()).try_send().await.unwrap();
        if answer.status == 201 {
            self.acknowledged.push(answer.read_as());
        }
        (answer, started.elapsed())
    }

    /// Works for a moment before, during and after the fault.
    async fn endure(&mut self, what: &str, begin: impl FnOnce(&mut Self), end: impl FnOnce(&mut Self)) {
        for _ in 0..3 {
            assert_eq!(self.upload().await.0.status, 201, "before: {what}");
        }
        begin(self);
        let mut refused = 0;
        for _ in 0..3 {
            let (answer, took) = self.upload().await;
            if answer.status != 201 {
                refused += 1;
                assert!(answer.header("retry-after").is_some(), "{what}: {answer:?}");
                answer.problem(503, "unavailable");
                assert!(took < REFUSED_WITHIN, "{what}: refused after {took:?}");
            }
            self.drive.client().get("/livez").send().await.expect(200);
        }
        assert!(refused > 0, "{what} was not noticed");
        end(self);
        let ended = Instant::now();
        until_async("uploads work again", async || (self.upload().await.0.status == 201).then_some(())).await;
        assert!(ended.elapsed() < BACK_WITHIN, "{what}: back after {:?}", ended.elapsed());
    }

    /// Everything acknowledged is there, and the rows are what the log means.
    async fn check(&self) {
        let listed = self.user.list("limit=1000").await;
        for file in &self.acknowledged {
            assert!(listed.contains(file), "{file:?} was acknowledged and is gone");
            assert_eq!(self.user.download(&file.id).await, file.name.as_bytes());
        }
        self.drive.cairn(&["projection", "rebuild", "--all"]).success();
        assert_eq!(self.user.list("limit=1000").await, listed);
        let stands: Vec<Value> = self.drive.cairn(&["projection", "list", "--json"]).json_lines();
        assert!(stands.iter().all(|one| one["lag"] == 0 && one["parked"] == 0), "{stands:?}");
    }
}

#[tokio::test]
async fn a_bad_network_costs_time_and_no_file() {
    let mut scene = Scene::new().await;
    scene.endure("a black hole", |scene| scene.proxy.black_hole(), |scene| scene.proxy.pass()).await;
    scene.endure("answers that get lost", |scene| scene.proxy.half_open(), |scene| scene.proxy.pass()).await;
    let refuse = |scene: &mut Scene| {
        scene.proxy.refuse();
        scene.proxy.reset_all();
    };
    scene.endure("refused connections", refuse, |scene| scene.proxy.pass()).await;
    scene.endure("cut connections", |scene| scene.proxy.cut_after(200), |scene| scene.proxy.pass()).await;
    scene.check().await;
}

/// What is lost with a connection is its connection: the pools do not run dry.
#[tokio::test]
async fn connections_come_back_however_often_the_network_fails() {
    let scene = Scene::new().await;
    for _ in 0..4 {
        let lists = (0..24).map(|_| scene.user.get("/file/query").try_send());
        let lists = tokio::spawn(futures_util::future::join_all(lists));
        scene.proxy.half_open();
        let answers = lists.await.unwrap();
        assert!(answers.iter().flatten().all(|answer| [200, 503].contains(&answer.status)));
        scene.proxy.pass();
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
    let mut scene = Scene::new().await;
    scene.endure("a frozen server", |scene| scene.server.freeze(), |scene| scene.server.thaw()).await;
    scene.endure("a killed server", |scene| scene.server.kill(), |scene| scene.server.start_again().unwrap()).await;
    scene.endure("a stopped server", |scene| scene.server.stop().unwrap(), |scene| scene.server.start_again().unwrap()).await;
    let ready = scene.drive.client().get("/readyz").send().await.expect(200);
    assert_eq!(ready.json()["status"], "ready", "{ready:?}");
    scene.check().await;
}

#[tokio::test]
async fn whoever_asks_whether_the_drive_is_ready_is_told_what_is_away() {
    let scene = Scene::new().await;
    scene.proxy.black_hole();
    let told = until_async("the drive notices", async || {
        let answer = scene.drive.client().get("/readyz").try_send().await.unwrap();
        (answer.status == 503).then_some(answer)
    })
    .await;
    let said = told.json()["detail"].to_string();
    assert!(said.contains("log") && said.contains("views"), "{said}");
    scene.proxy.pass();
    until_async("the drive is ready again", async || {
        let answer = scene.drive.client().get("/readyz").try_send().await.unwrap();
        (answer.status == 200).then_some(())
    })
    .await;
}
