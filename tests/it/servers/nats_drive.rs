//! The drive and its bus: nothing that happens to the bus costs a request, and nothing that happens to anybody costs an event.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cairn_domain::{EventId, Position};
use cairn_servers::{ChaosProxy, Nats, shared};

use super::nats::{Follower, stream_name};
use crate::harness::{BACK_WITHIN, Drive, PASSWORD, User, until_async};

/// Settings of a bus of the test's own.
fn settings(url: &str, stream: &str) -> Vec<(String, String)> {
    let set = |name: &str, value: &str| (format!("CAIRN_BUS__{name}"), value.to_owned());
    vec![set("URL", url), set("STREAM", stream), set("MAX_BYTES", "67108864")]
}

fn drive_with(settings: &[(String, String)]) -> Drive {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Drive::with(&settings)
}

/// What is on the log, as whoever follows the bus must see it.
fn logged(drive: &Drive) -> Vec<(Position, EventId)> {
    let event = |event: serde_json::Value| {
        let id = event["id"].as_str().unwrap().parse().unwrap();
        (Position(event["position"].as_u64().unwrap()), EventId(id))
    };
    drive.events().into_iter().map(event).collect()
}

/// Waits until the bus has what the log has: each event once, in order.
async fn until_whole(what: &str, drive: &Drive, follower: &Follower) {
    let logged = logged(drive);
    until_async(what, async || {
        let events = follower.events().await?;
        (events.len() >= logged.len()).then_some(())
    })
    .await;
    assert_eq!(follower.events().await.unwrap(), logged, "{what}");
}

async fn metrics_of(drive: &Drive) -> String {
    String::from_utf8(drive.client().get("/metrics").send().await.expect(200).body).unwrap()
}

struct Scene {
    nats: Nats,
    proxy: ChaosProxy,
    drive: Drive,
    user: User,
    stream: String,
    sent: u32,
}

impl Scene {
    async fn new() -> Self {
        let nats = Nats::start().unwrap();
        let proxy = ChaosProxy::start(nats.socket_address()).unwrap();
        let stream = stream_name("drive");
        let drive = drive_with(&settings(&format!("nats://{}", proxy.address()), &stream));
        let user = drive.user().await;
        Self { nats, proxy, drive, user, stream, sent: 0 }
    }

    async fn follower(&self) -> Follower {
        Follower::new(&self.nats.url(), &self.stream).await
    }

    /// No request needs the bus.
    async fn upload(&mut self, what: &str) {
        self.sent += 1;
        let name = format!("{}.txt", self.sent);
        let began = Instant::now();
        self.user.upload(&name, name.as_bytes()).await;
        assert!(began.elapsed() < Duration::from_secs(3), "{what}: an upload took {:?}", began.elapsed());
        self.drive.client().get("/readyz").send().await.expect(200);
    }

    async fn until_bus_is(&self, state: &str) {
        until_async(&format!("the bus is {state}"), async || (self.drive.dependency("bus").await == state).then_some(())).await;
    }

    async fn endure(&mut self, what: &str, begin: impl FnOnce(&mut Self), end: impl FnOnce(&mut Self)) {
        self.upload(what).await;
        begin(self);
        for _ in 0..4 {
            self.upload(what).await;
        }
        until_async(&format!("{what} is noticed"), async || {
            let metrics = metrics_of(&self.drive).await;
            metrics.contains("cairn_relay_up 0").then_some(())
        })
        .await;
        end(self);
        let ended = Instant::now();
        self.upload(what).await;
        until_whole(what, &self.drive, &self.follower().await).await;
        self.until_bus_is("ready").await;
        until_async(&format!("{what} is over"), async || {
            let metrics = metrics_of(&self.drive).await;
            (metrics.contains("cairn_relay_up 1") && metrics.contains("cairn_relay_lag 0")).then_some(())
        })
        .await;
        assert!(ended.elapsed() < BACK_WITHIN, "{what}: back after {:?}", ended.elapsed());
    }
}

#[tokio::test]
async fn every_event_arrives_once_in_order_and_bears_no_secret() {
    let stream = stream_name("order");
    let url = shared::nats().unwrap().url();
    let mut drive = drive_with(&settings(&url, &stream));
    let user = drive.user().await;
    for n in 0..20 {
        user.upload(&format!("{n}.txt"), format!("{n}").as_bytes()).await;
    }
    let follower = Follower::new(&url, &stream).await;
    until_whole("all events", &drive, &follower).await;
    let messages = follower.messages().await.unwrap();
    for (message, event) in messages.iter().zip(drive.events()) {
        let said = std::str::from_utf8(&message.payload).unwrap();
        assert!(!said.contains("argon2"), "{said}");
        let told: serde_json::Value = serde_json::from_str(said).unwrap();
        for field in ["position", "id", "stream", "version", "type", "schema", "time", "metadata"] {
            assert_eq!(told[field], event[field], "{said}");
        }
        let category = event["stream"].as_str().unwrap().split_once('-').unwrap().0.to_owned();
        assert_eq!(message.subject.as_str(), format!("{stream}.events.{category}.{}", event["type"].as_str().unwrap()));
    }
    let metrics = until_async("the figures follow", async || {
        let metrics = metrics_of(&drive).await;
        metrics.contains("cairn_relay_lag 0").then_some(metrics)
    });
    assert!(metrics.await.contains("cairn_relay_up 1"));
    assert!(drive.stop().success());
}

#[tokio::test]
async fn a_bad_network_to_the_bus_costs_no_request_and_no_event() {
    let mut scene = Scene::new().await;
    scene.endure("a black hole", |scene| scene.proxy.black_hole(), |scene| scene.proxy.pass()).await;
    scene.endure("answers that get lost", |scene| scene.proxy.half_open(), |scene| scene.proxy.pass()).await;
    scene.endure("cut connections", |scene| scene.proxy.cut_after(2_000), |scene| scene.proxy.pass()).await;
    scene.endure("a flapping network", |scene| scene.proxy.flap(Duration::from_millis(150)), |scene| scene.proxy.pass()).await;
    assert!(scene.drive.stop().success());
}

#[tokio::test]
async fn a_server_that_freezes_dies_or_stops_costs_no_request_and_no_event() {
    let mut scene = Scene::new().await;
    scene.endure("a frozen server", |scene| scene.nats.freeze(), |scene| scene.nats.thaw()).await;
    scene.endure("a killed server", |scene| scene.nats.kill(), |scene| scene.nats.start_again().unwrap()).await;
    scene.endure("a stopped server", |scene| scene.nats.stop().unwrap(), |scene| scene.nats.start_again().unwrap()).await;
    let lines = scene.drive.log();
    let told = lines.lines().filter(|line| line.contains("events are not published on the bus")).count();
    assert!((1..=12).contains(&told), "one line for each trouble, not {told}");
}

#[tokio::test]
async fn a_drive_whose_bus_is_away_is_ready_and_says_so() {
    let mut scene = Scene::new().await;
    scene.until_bus_is("ready").await;
    scene.nats.kill();
    scene.until_bus_is("degraded").await;
    scene.upload("a killed server").await;
    scene.nats.start_again().unwrap();
    scene.until_bus_is("ready").await;
}

#[tokio::test]
async fn a_server_that_has_lost_everything_or_its_last_messages_is_filled_again() {
    let mut scene = Scene::new().await;
    let wipe = |scene: &mut Scene| {
        scene.nats.kill();
        fs::remove_dir_all(scene.nats.directory().join("jetstream")).unwrap();
    };
    scene.endure("a wiped server", wipe, |scene| scene.nats.start_again().unwrap()).await;

    let (data, before) = (scene.nats.directory().join("jetstream"), scene.nats.directory().join("before"));
    scene.nats.stop().unwrap();
    copy(&data, &before);
    scene.nats.start_again().unwrap();
    for _ in 0..5 {
        scene.upload("some more").await;
    }
    until_whole("some more", &scene.drive, &scene.follower().await).await;
    scene.nats.kill();
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&before, &data).unwrap();
    scene.nats.start_again().unwrap();
    // Nothing is uploaded: the relay notices by itself.
    until_whole("a server that has lost its last messages", &scene.drive, &scene.follower().await).await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_drive_that_is_killed_again_and_again_leaves_no_hole_and_repeats_nothing() {
    let stream = stream_name("killed");
    let url = shared::nats().unwrap().url();
    let mut drive = drive_with(&settings(&url, &stream));
    let mut user = drive.user().await;
    for round in 0..6_u64 {
        let uploads = (0..12).map(|n| user.raw_upload(&format!("{round}-{n}.txt"), format!("{round}-{n}")).try_send());
        let uploads = tokio::spawn(futures_util::future::join_all(uploads.collect::<Vec<_>>()));
        // Another moment in each round.
        tokio::time::sleep(Duration::from_millis(round * 7)).await;
        drive.kill();
        let _some_were_cut_off = uploads.await;
        drive.start_again();
        user = user.back_on(&drive);
    }
    user.upload("last.txt", b"last").await;
    until_whole("all events", &drive, &Follower::new(&url, &stream).await).await;
}

/// Two drives over one log, with read tables of their own.
fn two_drives(database: &str, bus: &[(String, String)]) -> (Drive, Drive) {
    let mariadb = shared::mariadb().unwrap();
    mariadb.create_database(database).unwrap();
    let mut all = bus.to_vec();
    all.push(("CAIRN_LOG__URL".to_owned(), mariadb.url_of(database)));
    all.push(("CAIRN_VIEWS__URL".to_owned(), "sqlite".to_owned()));
    (drive_with(&all), drive_with(&all))
}

#[tokio::test]
async fn two_relays_at_once_neither_repeat_nor_reorder_also_when_they_are_killed() {
    let stream = stream_name("two");
    let url = shared::nats().unwrap().url();
    let (mut one, mut other) = two_drives("nats_two_relays", &settings(&url, &stream));
    let user = other.user().await;
    for round in 0..4_u32 {
        let uploads = (0..10).map(|n| user.raw_upload(&format!("{round}-{n}.txt"), format!("{round}-{n}")).try_send());
        let uploads = futures_util::future::join_all(uploads.collect::<Vec<_>>());
        let answers = tokio::spawn(uploads);
        one.kill();
        one.start_again();
        assert!(answers.await.unwrap().iter().flatten().all(|answer| answer.status == 201));
    }
    let follower = Follower::new(&url, &stream).await;
    until_whole("all events", &one, &follower).await;
    assert!(other.stop().success());
    one.user_called("somebody").await;
    until_whole("without the other", &one, &follower).await;
}

/// How long it takes until a sign-in at one drive is known to the other, in the order of their length.
async fn wake_times(one: &Drive, other: &Drive, name: &str) -> Vec<Duration> {
    one.user_called(name).await;
    let mut times = Vec::new();
    for _ in 0..15 {
        let token = User::sign_in(&one.client(), name, PASSWORD).await;
        let (signed_in, visitor) = (Instant::now(), other.client().with_token(&token));
        until_async("the other knows", async || (visitor.get("/user/info").send().await.status == 200).then_some(())).await;
        times.push(signed_in.elapsed());
    }
    times.sort();
    times
}

#[tokio::test]
async fn another_node_is_woken() {
    let url = shared::nats().unwrap().url();
    let (one, other) = two_drives("nats_woken", &settings(&url, &stream_name("woken")));
    let with = wake_times(&one, &other, "somebody").await;
    let (one, other) = two_drives("nats_not_woken", &[]);
    let without = wake_times(&one, &other, "somebody").await;
    eprintln!("the other node knows after {with:?} with a bus, {without:?} without");
    assert!(with[with.len() / 2] < Duration::from_millis(200), "{with:?}");
}
