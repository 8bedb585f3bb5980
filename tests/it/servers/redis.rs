//! What the processes of a drive share in Redis.

mod faults;
mod nodes;
mod tls;

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cairn_commands::ports::attempts::{self, AttemptPolicy, Attempts};
use cairn_commands::ports::clock::{Clock, ManualClock};
use cairn_commands::ports::{rates, sessions};
use cairn_domain::Timestamp;
use cairn_infra::redis::{Link, OpenError, RedisAttempts, RedisRates, RedisSessions, Seal, Server};
use cairn_servers::{Redis, RedisAddress, shared};
use serde_json::json;

use crate::harness::{Drive, Output, PASSWORD, User, command, sha256_hex, until_async};

use self::nodes::{Keys, Nodes};

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const POLICY: AttemptPolicy = AttemptPolicy { free: 2, first_wait_seconds: 60, wait_seconds_max: 900 };

/// What one process has of it.
struct Process {
    link: Arc<Link>,
    sessions: RedisSessions,
    attempts: RedisAttempts,
    rates: RedisRates,
}

async fn process(redis: &RedisAddress, prefix: &str) -> Process {
    process_at(&redis.url(), prefix).await
}

/// A prefix of this run: what an earlier one has left in a server that still runs is not seen.
fn prefix(name: &str) -> String {
    format!("{name}-{}:", std::process::id())
}

async fn process_at(url: &str, prefix: &str) -> Process {
    let link = Link::open(&Server::from_str(url).unwrap(), prefix).await.unwrap();
    let (seal, clock) = (Seal::of(&[5; 32]), Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>);
    let sessions = RedisSessions::over(link.clone(), seal.clone(), clock.clone());
    let attempts = RedisAttempts::over(link.clone(), seal.clone(), clock);
    let rates = RedisRates::over(link.clone(), seal);
    Process { link, sessions, attempts, rates }
}

#[tokio::test]
async fn sessions_and_attempts_keep_their_contracts() {
    let redis = shared::redis().unwrap();
    let prefix = prefix("contract");
    let (one, other) = (process(&redis, &prefix).await, process(&redis, &prefix).await);
    sessions::contract::suite(&one.sessions, &other.sessions, "first").await;
    sessions::contract::suite(&other.sessions, &one.sessions, "second").await;
    attempts::contract::suite(&one.attempts, &other.attempts, "first").await;
    rates::contract::suite(&one.rates, &other.rates, "first").await;
    // Scripts are made known again to a server that has forgotten them.
    Keys::of(&redis, &prefix).call(&["SCRIPT", "FLUSH"]);
    attempts::contract::suite(&other.attempts, &one.attempts, "second").await;
    sessions::contract::suite(&one.sessions, &other.sessions, "third").await;
    assert!(one.link.is_up() && other.link.is_up(), "no question was in vain");
}

/// With no more rights than docs/operations.md gives it.
#[tokio::test]
async fn the_rights_that_are_documented_suffice() {
    let redis = Redis::start().unwrap();
    let rights = "on >right ~acl:* +@connection +@string +@hash +@keyspace +@scripting -@dangerous";
    Keys::of(&redis, "").call(&["ACL SETUSER cairn", rights].join(" ").split(' ').collect::<Vec<_>>());
    let url = redis.url().replace("redis://", "redis://cairn:right@");
    let other = Link::open(&Server::from_str(&url).unwrap(), "others:").await.err();
    assert!(matches!(other, Some(OpenError::NotLetIn { .. })), "{other:?}");
    let process = process_at(&url, "acl:").await;
    sessions::contract::suite(&process.sessions, &process.sessions, "acl").await;
    attempts::contract::suite(&process.attempts, &process.attempts, "acl").await;
    rates::contract::suite(&process.rates, &process.rates, "acl").await;
    assert!(process.link.is_up(), "nothing was refused");
}

#[tokio::test]
async fn without_redis_each_keeps_the_contracts_alone() {
    let mut redis = Redis::start().unwrap();
    let alone = process(&redis, "alone:").await;
    redis.kill();
    until_async("it is noticed", async || (!alone.link.is_up()).then_some(())).await;
    sessions::contract::suite(&alone.sessions, &alone.sessions, "alone").await;
    attempts::contract::suite(&alone.attempts, &alone.attempts, "alone").await;
    rates::contract::suite(&alone.rates, &alone.rates, "alone").await;
}

#[tokio::test]
async fn nothing_stays_for_ever_and_no_name_stands_there() {
    let redis = shared::redis().unwrap();
    let prefix = prefix("traces");
    let keys = Keys::of(&redis, &prefix);
    let process = process(&redis, &prefix).await;
    sessions::contract::suite(&process.sessions, &process.sessions, "traces").await;
    attempts::contract::suite(&process.attempts, &process.attempts, "password/name/alice").await;
    let all = keys.all();
    assert!(all.len() > 50, "{all:?}");
    for key in all {
        let left: i64 = keys.call(&["TTL", &key]).parse().unwrap();
        // An entry may have ended meanwhile.
        assert!(left > 0 || left == -2 || keys.call(&["EXISTS", &key]) == "0", "{key}: {left}");
        assert!(!key.contains("alice"), "{key}");
    }
}

/// How many attempts are let through before one has to wait.
async fn allowed(attempts: &RedisAttempts, key: &str) -> usize {
    let mut count = 0;
    while attempts.begin(key, NOW, POLICY).await.is_none() {
        count += 1;
    }
    count
}

#[tokio::test]
async fn a_count_outlives_a_redis_that_comes_and_goes_and_forgets() {
    let mut redis = Redis::start().unwrap();
    let (one, other) = (process(&redis, "count:").await, process(&redis, "count:").await);
    assert_eq!(allowed(&one.attempts, "both").await, 3);
    assert_eq!(allowed(&other.attempts, "both").await, 0);

    redis.kill();
    until_async("it is noticed", async || (!one.link.is_up() && !other.link.is_up()).then_some(())).await;
    assert_eq!(allowed(&other.attempts, "both").await, 0, "it was told, and remembers");
    assert_eq!(allowed(&one.attempts, "meanwhile").await, 3);
    redis.start_again().unwrap();
    until_async("it is back", async || (one.link.is_up() && other.link.is_up()).then_some(())).await;
    assert_eq!(allowed(&one.attempts, "meanwhile").await, 0, "it goes on counting");
    assert_eq!(allowed(&other.attempts, "meanwhile").await, 0, "and has told the others");

    Keys::of(&redis, "count:").call(&["FLUSHALL"]);
    assert_eq!(allowed(&other.attempts, "both").await, 0, "Redis has forgotten, they have not");
    one.attempts.forget("both").await;
    assert_eq!(allowed(&other.attempts, "both").await, 3, "whoever was right at one is forgiven at all");
}

/// Runs `cairn serve` on this cache, which must be refused.
fn refused(url: &str) -> String {
    let place = tempfile::tempdir().unwrap();
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(place.path()).env("CAIRN_CACHE__URL", url);
    let output = Output::of(&mut serve);
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(!format!("{output:?}").contains("hunter2"), "{output:?}");
    output.stderr
}

#[tokio::test]
async fn a_redis_that_is_of_no_use_is_told_apart_when_the_drive_starts() {
    let redis = Redis::start().unwrap();
    let at = |login: &str, address: SocketAddr, database: &str| format!("redis://{login}{address}/{database}");
    let address = redis.socket_address();
    assert!(refused(&at("", address, "99")).contains("refuses to serve us"), "no such database");
    Keys::of(&redis, "").call(&["CONFIG", "SET", "requirepass", "right"]);
    for login in ["", ":hunter2@", "somebody:hunter2@"] {
        let told = refused(&at(login, address, "0"));
        assert!(told.contains("does not let us in") && told.contains("cache.url"), "{login}: {told}");
    }
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    let told = refused(&at(":hunter2@", nobody, "0"));
    assert!(told.contains("does not answer") && told.contains("127.0.0.1:1"), "{told}");
    let another = crate::harness::shared();
    let told = refused(&at("", another.address(), "0"));
    assert!(told.contains("is not Redis") || told.contains("does not answer"), "{told}");
    refused("redis://:hunter2@host/not-a-number");
    let server = Server::from_str(&at(":right@", address, "3")).unwrap();
    assert!(Link::open(&server, "right:").await.is_ok());
    let wrong = Link::open(&Server::from_str(&at(":hunter2@", address, "3")).unwrap(), "wrong:").await.err();
    assert!(matches!(wrong, Some(OpenError::NotLetIn { .. })), "{wrong:?}");
    redis.freeze();
    let started = Instant::now();
    assert!(refused(&at("", address, "0")).contains("does not answer"));
    assert!(started.elapsed() < Duration::from_secs(10));
}

async fn me(user: &User) -> u16 {
    user.get("/user/info").send().await.status
}

#[tokio::test]
async fn a_token_works_at_every_node_and_is_dead_at_every_node() {
    let nodes = Nodes::new("tokens", &[]);
    let user = nodes.one.user().await;
    let there = user.back_on(&nodes.other);
    assert_eq!((me(&user).await, me(&there).await), (200, 200));
    there.post("/user/signout").send().await.expect(204);
    assert_eq!(me(&there).await, 401);
    nodes.dies("signing out", &user).await;
}

/// Nobody writes the read tables, as when whoever does it is frozen: only Redis tells.
#[tokio::test]
async fn an_end_is_heard_of_before_the_read_tables_know() {
    let nodes = Nodes::new("early", &[("CAIRN_VIEWS__WAIT_MILLISECONDS_MAX", "200")]);
    let user = nodes.one.user().await;
    let (second, third) = (user.another_session().await, user.another_session().await);
    let at_other = [&user, &second, &third].map(|session| session.back_on(&nodes.other));
    for session in &at_other {
        assert_eq!(me(session).await, 200);
    }
    let hold = nodes.hold_read_tables();
    second.post("/user/signout").send().await.expect(204);
    nodes.dies("signing out", &at_other[1]).await;
    let change = json!({ "old_password": PASSWORD, "new_password": "another password" });
    user.post("/user/password").json(&change).send().await.expect(204);
    nodes.dies("another's new password", &at_other[2]).await;
    assert_eq!(me(&at_other[0]).await, 200, "whoever changed it stays");
    assert_eq!(me(&third).await, 401);
    assert!(!hold.is_finished(), "the read tables were held all the time");
}

#[tokio::test]
async fn the_oldest_session_that_makes_room_is_dead_everywhere() {
    let nodes = Nodes::new("room", &[("CAIRN_LIMITS__SESSIONS_MAX", "1")]);
    let user = nodes.one.user().await;
    let there = user.back_on(&nodes.other);
    assert_eq!(me(&there).await, 200);
    user.another_session().await;
    nodes.dies("making room", &there).await;
}

#[tokio::test]
async fn a_role_is_honoured_at_every_node_within_a_second() {
    let nodes = Nodes::new("roles", &[]);
    let user = nodes.one.user().await;
    let there = user.back_on(&nodes.other);
    let sees = async |wanted: u16| {
        let started = Instant::now();
        until_async("the role is noticed", async || {
            let statuses = [&user, &there].map(|session| session.get("/admin/events").send());
            let [one, other] = statuses;
            (one.await.status == wanted && other.await.status == wanted).then_some(())
        })
        .await;
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    };
    sees(404).await;
    nodes.one.cairn(&["user", "grant", &user.name, "admin"]).success();
    sees(200).await;
    nodes.one.cairn(&["user", "revoke", &user.name, "admin"]).success();
    sees(404).await;
}

#[tokio::test]
async fn wrong_passwords_are_counted_together() {
    let nodes = Nodes::new("wrong", &[("CAIRN_LIMITS__ATTEMPTS_FREE_PER_NAME", "4")]);
    let user = nodes.one.user().await;
    let wrong = json!({ "username": user.name, "password": "not the password" });
    for n in 0..5 {
        let node = if n % 2 == 0 { &nodes.one } else { &nodes.other };
        node.client().post("/user/signin").json(&wrong).send().await.problem(401, "bad_credentials");
    }
    for node in [&nodes.one, &nodes.other] {
        let refused = node.client().post("/user/signin").json(&wrong).send().await;
        refused.problem(429, "too_many_attempts");
        assert!(refused.header("retry-after").is_some());
    }
}

#[tokio::test]
async fn requests_are_counted_together_and_nobody_is_refused_for_another() {
    let rates = ["CAIRN_LIMITS__REQUESTS_PER_SECOND_PER_ACCOUNT", "CAIRN_LIMITS__REQUESTS_PER_SECOND_PER_ADDRESS"];
    let nodes = Nodes::new("rates", &rates.map(|rate| (rate, "10")));
    let (user, somebody) = (nodes.one.user().await, nodes.one.user().await);
    let there = user.back_on(&nodes.other);
    let stranger = nodes.other.client();
    let mut refused = 0;
    let started = Instant::now();
    for _ in 0..30 {
        for session in [&user, &there] {
            let answer = session.get("/user/info").send().await;
            if answer.status != 200 {
                answer.problem(429, "too_many_requests");
                assert_eq!(answer.header("retry-after"), Some("1"));
                refused += 1;
            }
        }
    }
    let allowed = 20 + usize::try_from(started.elapsed().as_millis()).unwrap() / 100 + 1;
    assert!(60 - refused <= allowed && refused > 0, "{refused} of 60 were refused, in {:?}", started.elapsed());
    assert_eq!(me(&somebody).await, 200);
    let strangers = (0..40).map(|_| stranger.with_token("unknown").get("/user/info").send());
    let answers = futures_util::future::join_all(strangers).await;
    assert!(answers.iter().any(|answer| answer.status == 429), "strangers, too");
    assert_eq!(me(&somebody).await, 200);
}

/// Whoever can write into Redis can make things slow, and nothing else.
#[tokio::test]
async fn garbage_in_redis_gives_nobody_a_session_and_no_error() {
    let redis = shared::redis().unwrap();
    let keys = Keys::of(&redis, "garbage:");
    let drive = Drive::with(&[("CAIRN_CACHE__URL", &redis.url()), ("CAIRN_CACHE__PREFIX", "garbage:")]);
    let user = drive.user().await;
    let stranger = drive.client().with_token(&"0".repeat(64));
    let entry_of = |token: &str| keys.name("session", &sha256_hex(token.as_bytes()));
    let long = "x".repeat(10_000_000);
    let sealed_by_nobody = "1".to_owned() + &"0".repeat(162);
    for text in ["", "1", "\0\r\n\u{fffd}", &sealed_by_nobody, &long] {
        let session = user.another_session().await;
        for token in [session.token().unwrap(), &"0".repeat(64)] {
            keys.call(&["SET", &entry_of(token), text]);
        }
        assert_eq!(me(&session).await, 200);
        stranger.get("/user/info").send().await.problem(401, "unauthorized");
    }
    for kind in [&["RPUSH"][..], &["HSET", "count"], &["SADD"]] {
        let session = user.another_session().await;
        for token in [session.token().unwrap(), &"0".repeat(64)] {
            let key = entry_of(token);
            keys.call(&["DEL", &key]);
            keys.call(&[&[kind[0], &key], &kind[1..], &["1"]].concat());
        }
        assert_eq!(me(&session).await, 200);
        stranger.get("/user/info").send().await.problem(401, "unauthorized");
    }
    // A true entry, under the name of a token that is none.
    let stolen = until_async("an entry stands there", async || {
        let session = user.another_session().await;
        assert_eq!(me(&session).await, 200);
        let text = keys.call(&["GET", &entry_of(session.token().unwrap())]);
        (text.len() == 163).then_some(text)
    })
    .await;
    keys.call(&["SET", &entry_of(&"0".repeat(64)), &stolen]);
    stranger.get("/user/info").send().await.problem(401, "unauthorized");

    for kind in ["1e99", "-1", "inf", "nan", "99999999999999999999999"] {
        for key in keys.all().iter().filter(|key| key.contains("attempts")) {
            keys.call(&["DEL", key]);
            keys.call(&["HSET", key, "count", kind, "last", kind, "forget", kind]);
            keys.call(&["EXPIRE", key, "1000"]);
        }
        user.another_session().await;
    }
    for key in keys.all().iter().filter(|key| key.contains("attempts")) {
        keys.call(&["DEL", key]);
        keys.call(&["SET", key, "count"]);
    }
    user.another_session().await;
    assert!(!drive.log().contains("does not answer"), "{}", drive.log());
}

#[tokio::test]
async fn no_token_name_or_address_stands_in_redis() {
    let redis = Redis::start().unwrap();
    let drive = Drive::with(&[("CAIRN_CACHE__URL", &redis.url()), ("CAIRN_CACHE__PREFIX", "secrets:")]);
    let keys = Keys::of(&redis, "secrets:");
    let user = drive.user_called("somebody-special").await;
    assert_eq!(me(&user).await, 200);
    user.post("/user/signout").send().await.expect(204);
    let token = user.token().unwrap();
    let file = std::fs::read_dir(redis.directory().join("appendonlydir")).unwrap();
    let written: Vec<u8> = file.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    let holds = |text: &str| written.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("secrets:ended:") && holds("secrets:attempts:"), "what is written can be seen: {:?}", keys.all());
    for secret in [token, "somebody-special", "127.0.0.1", PASSWORD] {
        assert!(!holds(secret), "{secret}");
    }
}
