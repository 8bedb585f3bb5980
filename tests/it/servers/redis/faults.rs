//! Redis goes away in every way there is, while people work.

use std::time::{Duration, Instant};

use cairn_servers::{ChaosProxy, Redis};
use serde_json::json;

use super::nodes::{Keys, Nodes};
use crate::harness::{Drive, User, until_async};

/// No request takes longer, whatever becomes of Redis.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// How soon everything must be as before.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// Wrong passwords for one name that cost nothing.
const FREE: usize = 3;

struct Scene {
    redis: Redis,
    proxy: ChaosProxy,
    nodes: Nodes,
    keys: Keys,
    user: User,
    /// Sessions that have ended, at both nodes.
    dead: Vec<User>,
    faults: usize,
}

impl Scene {
    async fn new(name: &str) -> Self {
        let redis = Redis::start().unwrap();
        let proxy = ChaosProxy::start(redis.socket_address()).unwrap();
        let free = FREE.to_string();
        let settings = [("CAIRN_LIMITS__ATTEMPTS_FREE_PER_NAME", &*free), ("CAIRN_LIMITS__ATTEMPTS_FREE_PER_ADDRESS", "100000")];
        let nodes = Nodes::over(name, &redis.through(&proxy).url(), &settings);
        let keys = Keys::of(&redis, &format!("redis_{name}:"));
        let user = nodes.one.user().await;
        Self { redis, proxy, nodes, keys, user, dead: Vec::new(), faults: 0 }
    }

    /// Works before, during and after the fault.
    async fn endure(&mut self, what: &str, begin: impl FnOnce(&mut Self), end: impl FnOnce(&mut Self)) {
        self.work(what).await;
        let known = self.noticed();
        begin(self);
        self.work(what).await;
        self.work(what).await;
        assert!(self.noticed() > known, "{what} was not noticed");
        end(self);
        let ended = Instant::now();
        for node in [&self.nodes.one, &self.nodes.other] {
            until_async("the cache is there again", async || (cache_of(node).await == "ready").then_some(())).await;
        }
        assert!(ended.elapsed() < BACK_WITHIN, "{what}: back after {:?}", ended.elapsed());
        self.work(what).await;
        let announced = || self.keys.all().iter().filter(|key| key.contains(":ended:")).count();
        until_async("every end was announced", async || (announced() >= self.dead.len() / 2).then_some(())).await;
    }

    /// How often the drives have said that Redis was away.
    fn noticed(&self) -> usize {
        [&self.nodes.one, &self.nodes.other].map(|node| node.log().matches("going on without it").count()).iter().sum()
    }

    /// Signs in at one node, works at both, signs out, and guesses a password.
    async fn work(&mut self, what: &str) {
        let here = timed(what, self.user.another_session()).await;
        let there = here.back_on(&self.nodes.other);
        for session in [&here, &there, &self.user, &there] {
            timed(what, session.get("/user/info").send()).await.expect(200);
        }
        timed(what, here.post("/user/signout").send()).await.expect(204);
        assert_eq!(here.get("/user/info").send().await.status, 401, "{what}: it has ended here");
        self.nodes.dies(what, &there).await;
        self.dead.extend([here, there]);
        for session in &self.dead {
            assert_eq!(timed(what, session.get("/user/info").send()).await.status, 401, "{what}: it came back to life");
        }
        self.guess(what).await;
    }

    /// However Redis is, nobody guesses without end: at worst each node lets as many through as one alone would.
    async fn guess(&mut self, what: &str) {
        self.faults += 1;
        let wrong = json!({ "username": format!("guessed-{}", self.faults), "password": "not the password" });
        let mut let_through = 0;
        for n in 0..4 * (FREE + 1) {
            let node = if n % 2 == 0 { &self.nodes.one } else { &self.nodes.other };
            let answer = timed(what, node.client().post("/user/signin").json(&wrong).send()).await;
            match answer.status {
                401 => let_through += 1,
                status => assert_eq!(status, 429, "{what}: {answer:?}"),
            }
        }
        // A wait of a second may run out meanwhile and let one more through, at each of them.
        assert!((FREE..=2 * (FREE + 3)).contains(&let_through), "{what}: {let_through} were let through");
    }
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    assert!(started.elapsed() < ANSWERED_WITHIN, "{what}: answered after {:?}", started.elapsed());
    done
}

/// The drive is ready, with it or without.
async fn cache_of(drive: &Drive) -> String {
    let ready = drive.client().get("/readyz").send().await.expect(200).json();
    assert_eq!(ready["status"], "ready", "{ready}");
    let dependencies = ready["dependencies"].as_array().unwrap();
    let cache = dependencies.iter().find(|one| one["name"] == "cache").unwrap();
    cache["state"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_bad_network_to_redis_opens_no_door_and_stops_nobody() {
    let mut scene = Scene::new("network").await;
    scene.endure("a black hole", |scene| scene.proxy.black_hole(), |scene| scene.proxy.pass()).await;
    scene.endure("answers that get lost", |scene| scene.proxy.half_open(), |scene| scene.proxy.pass()).await;
    let refuse = |scene: &mut Scene| {
        scene.proxy.refuse();
        scene.proxy.reset_all();
    };
    scene.endure("refused connections", refuse, |scene| scene.proxy.pass()).await;
    scene.endure("cut connections", |scene| scene.proxy.cut_after(300), |scene| scene.proxy.pass()).await;
    scene.endure("a slow network", |scene| scene.proxy.latency(Duration::from_millis(200)), |scene| scene.proxy.pass()).await;
    let flap = |scene: &mut Scene| scene.proxy.flap(Duration::from_millis(150));
    scene.endure("a network that comes and goes", flap, |scene| scene.proxy.pass()).await;
}

#[tokio::test]
async fn a_redis_that_stops_freezes_or_dies_opens_no_door_and_stops_nobody() {
    let mut scene = Scene::new("server").await;
    scene.endure("a frozen Redis", |scene| scene.redis.freeze(), |scene| scene.redis.thaw()).await;
    scene.endure("a killed Redis", |scene| scene.redis.kill(), |scene| scene.redis.start_again().unwrap()).await;
    scene.endure("a stopped Redis", |scene| scene.redis.stop().unwrap(), |scene| scene.redis.start_again().unwrap()).await;
    scene.endure("a Redis that only reads", |scene| scene.become_replica(), |scene| scene.become_primary()).await;
}

impl Scene {
    fn become_replica(&self) {
        self.keys.call(&["REPLICAOF", "127.0.0.1", "1"]);
    }

    fn become_primary(&self) {
        self.keys.call(&["REPLICAOF", "NO", "ONE"]);
    }
}

/// Only the first to notice waits; the others are answered as if there were no Redis at all.
#[tokio::test]
async fn nobody_waits_for_a_redis_that_is_known_to_be_away() {
    let scene = Scene::new("waiting").await;
    for away in [true, false] {
        if away {
            scene.redis.freeze();
            until_async("it is noticed", async || (cache_of(&scene.nodes.one).await == "degraded").then_some(())).await;
        }
        let started = Instant::now();
        for _ in 0..50 {
            // Sessions that nobody has asked for yet: nothing near answers for them.
            let unknown = scene.nodes.one.client().with_token(&format!("{:064x}", started.elapsed().as_nanos()));
            unknown.get("/user/info").send().await.expect(401);
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        scene.redis.thaw();
    }
}
