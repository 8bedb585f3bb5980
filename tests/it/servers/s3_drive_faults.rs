//! The object store goes away in every way there is, while people work: what needs no content goes on.

use std::time::{Duration, Instant};

use cairn_servers::{Ceph, ChaosProxy};
use serde_json::Value;

use super::s3_stores::make_bucket;
use crate::harness::{Answer, Drive, File, User, until_async};

/// What a request that needs the store may take to be refused, and some time for a machine that is busy with other tests.
const REFUSED_WITHIN: Duration = Duration::from_millis(3_500);

/// How soon everything must work again.
const BACK_WITHIN: Duration = Duration::from_secs(30);

struct Scene {
    ceph: Ceph,
    proxy: ChaosProxy,
    drive: Drive,
    user: User,
    acknowledged: Vec<File>,
    sent: u64,
}

impl Scene {
    async fn new() -> Self {
        let ceph = Ceph::start().unwrap();
        make_bucket(&ceph, "faults").await;
        let proxy = ChaosProxy::start(ceph.socket_address()).unwrap();
        let endpoint = format!("http://{}", proxy.address());
        let drive = Drive::with(&[
            ("CAIRN_STORES__CEPH__KIND", "s3"),
            ("CAIRN_STORES__CEPH__ENDPOINT", &endpoint),
            ("CAIRN_STORES__CEPH__BUCKET", "faults"),
            ("CAIRN_STORES__CEPH__ACCESS_KEY_ID", ceph.access_key()),
            ("CAIRN_STORES__CEPH__SECRET_ACCESS_KEY", ceph.secret_key()),
            ("CAIRN_STORES__CEPH__PATH_STYLE", "true"),
            ("CAIRN_STORES__CEPH__FLAVOR", "ceph"),
            ("CAIRN_POLICY__LAND", "ceph"),
        ]);
        let user = drive.user().await;
        Self { ceph, proxy, drive, user, acknowledged: Vec::new(), sent: 0 }
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
            let known = self.acknowledged.last().unwrap();
            assert!(self.user.list("limit=1000").await.contains(known), "{what}: a list needs no content");
        }
        assert!(refused > 0, "{what} was not noticed");
        let ready = self.drive.client().get("/readyz").try_send().await.unwrap();
        let said = ready.problem(503, "not_ready")["detail"].to_string();
        assert!(said.contains("blobs") && said.contains("staging"), "{what}: {said}");
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
        self.drive.cairn(&["projection", "list"]).success();
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
    scene.check().await;
}

#[tokio::test]
async fn a_store_that_freezes_or_stops_costs_time_and_no_file() {
    let mut scene = Scene::new().await;
    scene.endure("a frozen store", |scene| scene.ceph.freeze(), |scene| scene.ceph.thaw()).await;
    scene.endure("a stopped store", |scene| scene.ceph.stop().unwrap(), |scene| scene.ceph.start_again().unwrap()).await;
    scene.check().await;
}

#[tokio::test]
async fn a_store_that_can_not_be_used_is_one_message_at_the_start() {
    use crate::harness::{Output, command};

    let ceph = cairn_servers::shared::ceph().unwrap();
    let place = tempfile::tempdir().unwrap();
    let refused = |endpoint: &str, bucket: &str, secret: &str| {
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(place.path().join("data")).envs([
            ("CAIRN_STORES__CEPH__KIND", "s3"),
            ("CAIRN_STORES__CEPH__ENDPOINT", endpoint),
            ("CAIRN_STORES__CEPH__BUCKET", bucket),
            ("CAIRN_STORES__CEPH__ACCESS_KEY_ID", ceph.access_key()),
            ("CAIRN_STORES__CEPH__SECRET_ACCESS_KEY", secret),
            ("CAIRN_STORES__CEPH__PATH_STYLE", "true"),
            ("CAIRN_STORES__CEPH__FLAVOR", "ceph"),
            ("CAIRN_POLICY__LAND", "ceph"),
        ]);
        let refused = Output::of(&mut serve);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
        assert!(refused.stderr.contains("[stores.ceph]") && !refused.stderr.contains("hunter2"), "{refused:?}");
        refused.stderr
    };
    assert!(refused(&ceph.endpoint(), "no-such-bucket", ceph.secret_key()).contains("there is no bucket no-such-bucket"));
    assert!(refused(&ceph.endpoint(), "no-such-bucket", "hunter2").contains("secret"));
    assert!(refused("http://127.0.0.1:9", "bucket", "hunter2").contains("can't be reached"));
    assert!(refused("127.0.0.1", "bucket", "hunter2").contains("127.0.0.1"));
}
