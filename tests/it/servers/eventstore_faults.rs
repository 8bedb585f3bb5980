//! The server of the log goes away in every way there is, while people work. The read tables are files.

use std::time::{Duration, Instant};

use cairn_eventstore_double::{Double, Fault, Method};
use cairn_servers::ChaosProxy;
use serde_json::Value;

use crate::harness::{Answer, Drive, File, Output, User, command, until_async};

/// What a request that needs the server may take to be refused, and some time for a machine that is busy with other tests.
const REFUSED_WITHIN: Duration = Duration::from_millis(3_500);

/// How soon everything must work again.
const BACK_WITHIN: Duration = Duration::from_secs(30);

struct Scene {
    double: Double,
    proxy: ChaosProxy,
    drive: Drive,
    user: User,
    acknowledged: Vec<File>,
    sent: u64,
}

impl Scene {
    async fn new() -> Self {
        let double = Double::start().unwrap();
        let proxy = ChaosProxy::start(double.address()).unwrap();
        let url = format!("esdb://{}?tls=false", proxy.address());
        let drive = Drive::with(&[("CAIRN_LOG__URL", &url), ("CAIRN_VIEWS__URL", "sqlite")]);
        let user = drive.user().await;
        Self { double, proxy, drive, user, acknowledged: Vec::new(), sent: 0 }
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
                assert_eq!(answer.status, 503, "{what}: {answer:?}");
                assert!(took < REFUSED_WITHIN, "{what}: refused after {took:?}");
                assert!(answer.headers.contains_key("retry-after"), "{what}: {answer:?}");
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
    async fn check(&mut self) {
        let listed = self.user.list("limit=1000").await;
        for file in &self.acknowledged {
            assert!(listed.contains(file), "{file:?} was acknowledged and is gone");
            assert_eq!(self.user.download(&file.id).await, file.name.as_bytes());
        }
        let events = self.drive.events();
        self.drive.stop();
        self.drive.cairn(&["projection", "rebuild", "--all"]).success();
        let stands: Vec<Value> = self.drive.cairn(&["projection", "list", "--json"]).json_lines();
        assert!(stands.iter().all(|one| one["lag"] == 0 && one["parked"] == 0), "{stands:?}");
        assert_eq!(self.drive.events(), events);
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

#[tokio::test]
async fn a_server_that_stops_hangs_or_refuses_costs_time_and_no_file() {
    let mut scene = Scene::new().await;
    let again = |scene: &mut Scene| scene.double.restart().unwrap();
    scene.endure("a stopped server", |scene| scene.double.stop(), again).await;
    let well = |scene: &mut Scene| {
        scene.double.clear_faults();
        scene.double.release();
    };
    let hang = |scene: &mut Scene| scene.double.inject(usize::MAX, Method::BatchAppend, Fault::Hang);
    scene.endure("appends that hang", hang, well).await;
    let unready = |scene: &mut Scene| {
        for method in [Method::ServerFeatures, Method::Read, Method::BatchAppend] {
            scene.double.inject(usize::MAX, method, Fault::Unavailable);
        }
    };
    scene.endure("a server that is not ready", unready, well).await;
    let late = |scene: &mut Scene| scene.double.inject(usize::MAX, Method::BatchAppend, Fault::OperationTimedOut);
    scene.endure("appends that too few nodes confirm", late, well).await;
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
    assert!(said.contains("log"), "{said}");
    scene.proxy.pass();
    until_async("the drive is ready again", async || {
        let answer = scene.drive.client().get("/readyz").try_send().await.unwrap();
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_address_that_will_not_do_is_one_message_and_exit_code_2() {
    let double = Double::start().unwrap();
    let data = tempfile::tempdir().unwrap();
    let url = double.url();
    for (url, said) in [
        ("esdb://admin:hunter2@127.0.0.1:1?tls=false".to_owned(), "nobody listens"),
        (url.replace("tls=false", "tls=true"), "with TLS"),
        (url.replace("tls=false", "tls=perhaps"), "log.url"),
    ] {
        let mut command = command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).env("CAIRN_LOG__URL", &url);
        let output = Output::of(&mut command);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains(said) && !output.stderr.contains("hunter2"), "{output:?}");
    }
}

/// Read tables that show more than the log has are those of another log.
#[tokio::test]
async fn a_drive_does_not_start_over_an_emptied_server() {
    let mut scene = Scene::new().await;
    assert_eq!(scene.upload().await.0.status, 201);
    scene.drive.stop();
    scene.double.stop();
    let emptied = Double::start_on(scene.double.address()).unwrap();
    let started = scene.drive.cairn(&["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(started.code, Some(0), "{started:?}");
    assert!(started.stderr.contains("ahead") || started.stderr.contains("log"), "{started:?}");
    assert_eq!(emptied.event_count(), 0);
}
