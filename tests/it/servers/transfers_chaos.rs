//! Everything that moves contents is killed and frozen at random while people work, and in the end each content is where it should be, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cairn_infra::s3::S3Settings;
use cairn_oss_double::{Fault, Operation, OssDouble};
use cairn_servers::{Ceph, MariaDb, Nats, RabbitMq};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use serde_json::Value;

use super::s3_stores::{self, make_bucket, sdk};
use super::transfers::{borrowed, keys_in, store_settings};
use crate::harness::{Chance, Drive, File, User, content, sha256_hex, until_async};

/// How long things break.
const CHAOS: Duration = Duration::from_mins(2);
/// Files that people upload meanwhile.
const FILES: u64 = 500;
/// How long the rest may take afterwards: the waits after failures grow.
const REST_MAX: Duration = Duration::from_mins(4);
/// What answers people, and what asks for transfers.
const NODE: &str = "account,upload,download,share,projector,saga,relay,janitor";

struct World {
    _mysql: MariaDb,
    nats: Nats,
    rabbitmq: RabbitMq,
    ceph: Ceph,
    oss: OssDouble,
    bucket: S3Settings,
    node: Drive,
    workers: Vec<Drive>,
}

impl World {
    async fn new() -> Self {
        let (mysql, nats, rabbitmq, ceph) =
            (MariaDb::start().unwrap(), Nats::start().unwrap(), RabbitMq::start().unwrap(), Ceph::start().unwrap());
        let url = mysql.create_database("cairn").unwrap();
        let bucket = make_bucket(&ceph, "landing").await;
        let (oss, cold) = s3_stores::oss();
        let mut settings = [store_settings("CEPH", &bucket), store_settings("OSS", &cold)].concat();
        let more = [
            ("LOG__URL", url.as_str()),
            ("VIEWS__URL", &url),
            ("SERVER__SECRET", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
            ("BUS__URL", &nats.url()),
            ("QUEUE__URL", &rabbitmq.url()),
            ("POLICY__LAND", "ceph"),
            ("POLICY__MOVE_TO", "oss"),
            // Nothing may stall: nobody is there to look at it.
            ("TRANSFERS__FAILURES_MAX", "1000"),
        ];
        settings.extend(more.map(|(key, value)| (format!("CAIRN_{key}"), value.to_owned())));
        let process = |services: &str| {
            let mut settings = settings.clone();
            settings.push(("CAIRN_SERVER__SERVICES".to_owned(), services.to_owned()));
            Drive::with(&borrowed(&settings))
        };
        let node = process(NODE);
        let workers = (0..3).map(|_| process("transfer")).collect();
        Self { _mysql: mysql, nats, rabbitmq, ceph, oss, bucket, node, workers }
    }

    /// It breaks, and is whole again.
    fn breaks(&mut self, what: Break, chance: &mut Chance) {
        let worker = usize::try_from(chance.below(3)).unwrap();
        let pause = Duration::from_millis(300 + chance.below(2_500));
        match what {
            Break::WorkerKilled => {
                self.workers[worker].kill();
                self.workers[worker].start_again();
            }
            Break::WorkerFrozen => {
                self.workers[worker].freeze();
                std::thread::sleep(pause);
                self.workers[worker].thaw();
            }
            Break::GatewayKilled => self.ceph.kill_gateway().unwrap(),
            Break::GatewayFrozen => {
                self.ceph.freeze();
                std::thread::sleep(pause);
                self.ceph.thaw();
            }
            Break::BrokerFrozen => {
                self.rabbitmq.freeze();
                std::thread::sleep(pause);
                self.rabbitmq.thaw();
            }
            Break::BrokerKilled => {
                self.rabbitmq.kill();
                self.rabbitmq.start_again().unwrap();
            }
            Break::BusKilled => {
                self.nats.kill();
                self.nats.start_again().unwrap();
            }
            Break::ColdStoreFails => {
                let faults = [Fault::InternalError, Fault::CutRequest, Fault::CutAnswer, Fault::LoseAnswer];
                let operations =
                    [Operation::PutObject, Operation::UploadPart, Operation::CompleteMultipartUpload, Operation::HeadObject];
                for operation in operations {
                    let fault = faults[usize::try_from(chance.below(4)).unwrap()];
                    self.oss.inject(operation, fault, 3);
                }
            }
        }
    }

    /// Each thing breaks at least once, in any order, and then whatever chance has it, until the time is over.
    fn break_for(&mut self, time: Duration, chance: &mut Chance) -> BTreeMap<Break, u32> {
        let (began, mut done) = (Instant::now(), BTreeMap::new());
        let mut first: Vec<(u64, Break)> =
            BREAKS.into_iter().collect::<BTreeSet<_>>().into_iter().map(|what| (chance.next(), what)).collect();
        first.sort();
        while !first.is_empty() || began.elapsed() < time {
            let any = BREAKS[usize::try_from(chance.below(BREAKS.len() as u64)).unwrap()];
            let what = first.pop().map_or(any, |(_, what)| what);
            self.breaks(what, chance);
            *done.entry(what).or_default() += 1;
        }
        self.oss.clear_faults();
        done
    }

    fn states(&self) -> BTreeMap<String, usize> {
        let transfers: Vec<Value> = self.node.cairn(&["transfer", "list", "--json"]).json_lines();
        let mut states = BTreeMap::new();
        for transfer in transfers {
            *states.entry(transfer["state"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        states
    }

    /// Messages in the queue, in the error queue, and waiting to come again.
    async fn messages(&self) -> u32 {
        let connection = Connection::connect(&self.rabbitmq.url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let mut messages = 0;
        let waiting = [1, 5, 30, 180, 900].map(|seconds| format!("uploadserver.trans.oss.wait.{seconds}s"));
        let named = ["uploadserver.trans.oss", "uploadserver.trans.oss.err"].map(str::to_owned);
        for queue in named.iter().chain(&waiting) {
            let declared = channel.queue_declare(queue.as_str().into(), passive, FieldTable::default()).await.unwrap();
            messages += declared.message_count();
        }
        messages
    }
}

/// What breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Break {
    WorkerKilled,
    WorkerFrozen,
    GatewayKilled,
    GatewayFrozen,
    BrokerFrozen,
    BrokerKilled,
    BusKilled,
    ColdStoreFails,
}

/// What stands here more than once breaks more often.
const BREAKS: [Break; 11] = [
    Break::WorkerKilled,
    Break::WorkerKilled,
    Break::WorkerKilled,
    Break::WorkerFrozen,
    Break::WorkerFrozen,
    Break::GatewayKilled,
    Break::GatewayFrozen,
    Break::BrokerFrozen,
    Break::BrokerKilled,
    Break::BusKilled,
    Break::ColdStoreFails,
];

/// Mostly small, some large enough for several parts.
fn size(chance: &mut Chance) -> usize {
    let size = match chance.below(20) {
        0..=13 => chance.below(64 * 1024),
        14..=18 => chance.below(2 * 1024 * 1024),
        _ => 12 * 1024 * 1024 + chance.below(20 * 1024 * 1024),
    };
    usize::try_from(size).unwrap()
}

/// Uploads again and again, also when it is refused, and notes what was acknowledged.
async fn uploads(user: User, mut chance: Chance, count: u64, acknowledged: Arc<Mutex<Vec<File>>>) {
    for _ in 0..count {
        let (seed, size) = (chance.next(), size(&mut chance));
        let bytes = content(seed, size);
        loop {
            let sent = user.raw_upload(&format!("{seed}.bin"), bytes.clone()).try_send().await;
            if let Ok(answer) = sent
                && answer.status == 201
            {
                acknowledged.lock().unwrap().push(answer.read_as());
                break;
            }
        }
        // People pause, so that files come as long as things break.
        tokio::time::sleep(Duration::from_millis(chance.below(1_500))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_broker_and_gateway_die_and_freeze_and_no_file_is_lost() {
    let mut chance = Chance::from_environment();
    let mut world = World::new().await;
    let user = world.node.user().await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let uploaders: Vec<_> =
        (0..5).map(|_| tokio::spawn(uploads(user.clone(), chance.fork(), FILES / 5, acknowledged.clone()))).collect();

    let (mut world, broken) = tokio::task::spawn_blocking(move || {
        let broken = world.break_for(CHAOS, &mut chance);
        (world, broken)
    })
    .await
    .unwrap();
    let struck = world.oss.faults_struck();
    eprintln!("broken: {broken:?}; {struck} requests to the cold store were struck");
    assert!(BREAKS.iter().all(|what| broken.contains_key(what)), "{broken:?}");
    assert!(struck > 0, "no request met a fault of the cold store");
    for uploader in uploaders {
        uploader.await.unwrap();
    }

    let whole = Instant::now();
    loop {
        let states = world.states();
        let open: usize = states.iter().filter(|(state, _)| *state != "completed").map(|(_, count)| count).sum();
        if open == 0 && world.messages().await == 0 {
            break;
        }
        assert!(whole.elapsed() < REST_MAX, "{states:?}, {} messages", world.messages().await);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!("all done {:?} after the last fault: {:?}", whole.elapsed(), world.states());
    let acknowledged = acknowledged.lock().unwrap().clone();
    check(&mut world, &user, &acknowledged).await;
}

/// Every acknowledged file is whole, and nothing is anywhere else.
async fn check(world: &mut World, user: &User, acknowledged: &[File]) {
    assert_eq!(acknowledged.len() as u64, FILES);
    let listed = user.list("limit=1000").await;
    for file in acknowledged {
        let now = listed.iter().find(|one| one.id == file.id).unwrap_or_else(|| panic!("{file:?} is gone"));
        assert_eq!(now.stored_in, "oss", "{now:?}");
        assert_eq!(sha256_hex(&user.download(&file.id).await), file.sha256, "{file:?}");
    }
    let contents: BTreeSet<String> = listed.iter().map(|file| format!("blobs/{}", file.sha256)).collect();
    let stored: BTreeSet<String> = world.oss.objects("bucket").into_iter().map(|object| object.key).collect();
    assert_eq!(stored, contents, "each content is in the cold store once, and nothing else");
    assert!(world.oss.open_multipart_uploads("bucket").is_empty(), "{:?}", world.oss.open_multipart_uploads("bucket"));
    let ceph = sdk(&world.bucket);
    let left = keys_in(&ceph, &world.bucket.bucket).await;
    assert!(left.iter().all(|key| !key.contains("blobs/")), "{left:?}");
    // What a gateway that died could not remove, or has taken without an answer, is swept an hour later: it may still be somebody's until then.
    let staged = left.iter().filter(|key| key.contains("staging/")).count();
    eprintln!("{staged} objects wait for the sweep of the staging area");
    for process in world.workers.iter().chain([&world.node]) {
        assert!(process.files_in("staging").is_empty() && process.files_in("blobs").is_empty(), "{}", process.data().display());
    }
    // What a gateway that was away could not give up is given up when it is back.
    let given_up = async || {
        let begun = ceph.list_multipart_uploads().bucket(&world.bucket.bucket).send().await.unwrap();
        begun.uploads().is_empty().then_some(())
    };
    until_async("nothing has begun to come in parts", given_up).await;
    assert_eq!(world.messages().await, 0);

    let verified = world.node.cairn(&["projection", "verify"]).success();
    assert!(verified.contains("none differs"), "{verified}");
    let before = user.list("limit=1000").await;
    world.node.cairn(&["projection", "rebuild", "--all"]).success();
    assert_eq!(user.list("limit=1000").await, before, "the rows equal a rebuild");
    assert!(world.states().keys().all(|state| state == "completed"), "{:?}", world.states());
}
