//! The queue of tasks on a real server, by its contract and by what the server and its other users can do to it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cairn_commands::ports::tasks::contract::{self, Scene, task};
use cairn_commands::ports::tasks::{QueueError, StoreKind, Task, TaskQueue, TransferTask};
use cairn_infra::config::QueueKind;
use cairn_infra::rabbitmq::{OpenError, RabbitTasks, Server, Settings};
use cairn_servers::{ChaosProxy, RabbitMq, shared};
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};

use crate::harness::{BACK_WITHIN, Output, REFUSED_WITHIN, command, until_async};

/// Queues of the test's own on the shared server.
struct OnServer {
    url: String,
    settings: Settings,
}

impl OnServer {
    fn shared(kind: QueueKind) -> Self {
        Self::at(shared::rabbitmq().unwrap().url(), kind)
    }

    fn at(url: String, kind: QueueKind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let exchange = format!("cairn_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { url, settings: Settings { exchange, kind, prefetch: 3 } }
    }

    async fn open(&self) -> Result<RabbitTasks, OpenError> {
        open_at(&self.url, self.settings.clone()).await
    }

    /// Somebody else's end of it.
    async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    fn queue(&self) -> String {
        format!("{}.oss", self.settings.exchange)
    }

    /// As an old uploader publishes.
    async fn publish(&self, body: &[u8]) {
        let (_connection, channel) = self.channel().await;
        let (exchange, options) = (self.settings.exchange.as_str().into(), BasicPublishOptions::default());
        channel.basic_publish(exchange, "oss".into(), options, body, BasicProperties::default()).await.unwrap().await.unwrap();
    }

    /// Takes everything out of a queue, as an operator or an old worker would.
    async fn emptied(&self, queue: &str) -> Vec<(Vec<u8>, String)> {
        let (_connection, channel) = self.channel().await;
        let mut all = Vec::new();
        while let Some(got) = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap() {
            let headers = got.delivery.properties.headers().clone().unwrap_or_default();
            let reason = match headers.inner().get("x-cairn-reason") {
                Some(AMQPValue::LongString(reason)) => reason.to_string(),
                _ => String::new(),
            };
            all.push((got.delivery.data, reason));
        }
        all
    }
}

async fn open_at(url: &str, settings: Settings) -> Result<RabbitTasks, OpenError> {
    RabbitTasks::open(&url.parse::<Server>().unwrap(), settings).await
}

/// Independent of what the adapter itself reads.
fn read(bytes: &[u8]) -> Task {
    let seen: Value = serde_json::from_slice(bytes).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let transfer = seen.get("Transfer").map(|seen| TransferTask {
        id: text(&seen["Id"]).parse().unwrap(),
        sha256: text(&seen["Sha256"]).parse().unwrap(),
        from: text(&seen["From"]),
        to: text(&seen["To"]),
        causation: seen.get("Causation").map(|id| serde_json::from_value(id.clone()).unwrap()),
        correlation: seen.get("Correlation").map(text),
    });
    Task {
        file_hash: text(&seen["FileHash"]),
        current_location: text(&seen["CurLocation"]),
        destination: text(&seen["DestLocation"]),
        destination_kind: StoreKind::from_number(u8::try_from(seen["DestStoreType"].as_u64().unwrap()).unwrap()).unwrap(),
        attempt: u32::try_from(seen.get("Attempt").map_or(0, |attempt| attempt.as_u64().unwrap())).unwrap(),
        transfer,
    }
}

impl Scene for OnServer {
    type Queue = RabbitTasks;

    async fn process(&self) -> RabbitTasks {
        self.open().await.unwrap()
    }

    async fn failed(&self) -> Vec<(Task, String)> {
        let failed = self.emptied(&format!("{}.err", self.queue())).await;
        failed.into_iter().map(|(body, reason)| (read(&body), reason)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classic_queue_keeps_the_contract() {
    contract::suite(&OnServer::shared(QueueKind::Classic)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quorum_queue_keeps_the_contract() {
    contract::suite(&OnServer::shared(QueueKind::Quorum)).await;
}

#[tokio::test]
async fn old_uploaders_and_old_workers_understand_and_are_understood() {
    let scene = OnServer::shared(QueueKind::Classic);
    let queue = scene.open().await.unwrap();
    let old = json!({ "FileHash": "da39a3ee", "CurLocation": "/tmp/a", "DestLocation": "oss/da39a3ee", "DestStoreType": 3 });
    scene.publish(old.to_string().as_bytes()).await;
    let taken = queue.take().await;
    assert_eq!((taken.task.file_hash.as_str(), taken.task.current_location.as_str()), ("da39a3ee", "/tmp/a"));
    assert_eq!((taken.task.destination_kind, &taken.task.transfer), (StoreKind::Oss, &None));
    taken.done().await.unwrap();
    queue.close().await;

    let pusher = scene.open().await.unwrap();
    pusher.push(&task(1)).await.unwrap();
    let got = scene.emptied(&scene.queue()).await;
    let seen: Value = serde_json::from_slice(&got[0].0).unwrap();
    let four = ["FileHash", "CurLocation", "DestLocation"].map(|name| seen[name].as_str().unwrap().to_owned());
    assert_eq!(four, ["hash-1", "/data/blobs/1", "oss/blobs/1"]);
    assert_eq!(seen["DestStoreType"], 3);
}

#[tokio::test]
async fn a_message_that_nobody_can_read_is_set_aside_and_holds_up_nothing() {
    for kind in [QueueKind::Classic, QueueKind::Quorum] {
        unreadable_messages_are_set_aside(&OnServer::shared(kind)).await;
    }
}

async fn unreadable_messages_are_set_aside(scene: &OnServer) {
    let queue = scene.open().await.unwrap();
    let unreadable = [b"garbage".to_vec(), b"{\"FileHash\":1}".to_vec(), vec![b'x'; 200_000], Vec::new()];
    for body in &unreadable {
        scene.publish(body).await;
    }
    queue.push(&task(1)).await.unwrap();
    let taken = queue.take().await;
    assert_eq!(taken.task, task(1));
    taken.done().await.unwrap();
    let aside = scene.emptied(&format!("{}.err", scene.queue())).await;
    assert_eq!(aside.iter().map(|(body, _)| body.clone()).collect::<Vec<_>>(), unreadable);
    assert!(aside.iter().all(|(_, reason)| reason.contains("can't read")), "{aside:?}");
    queue.close().await;
    assert!(scene.emptied(&scene.queue()).await.is_empty());
}

#[tokio::test]
async fn what_comes_again_waits_its_own_time_and_not_that_of_its_queue() {
    for kind in [QueueKind::Classic, QueueKind::Quorum] {
        let queue = OnServer::shared(kind).open().await.unwrap();
        queue.push(&task(1)).await.unwrap();
        // The next queue is that for thirty seconds.
        let (asked, after) = (Instant::now(), Duration::from_secs(6));
        queue.take().await.again(after).await.unwrap();
        queue.take().await.done().await.unwrap();
        assert!((after * 9 / 10..Duration::from_secs(25)).contains(&asked.elapsed()), "{kind:?}: after {:?}", asked.elapsed());
    }
}

#[tokio::test]
async fn a_task_that_no_queue_takes_is_refused_and_not_lost() {
    let scene = OnServer::shared(QueueKind::Classic);
    let queue = scene.open().await.unwrap();
    let (_connection, channel) = scene.channel().await;
    let (name, exchange) = (scene.queue(), scene.settings.exchange.clone());
    channel.queue_unbind(name.as_str().into(), exchange.as_str().into(), "oss".into(), FieldTable::default()).await.unwrap();
    let refused = queue.push(&task(1)).await.unwrap_err();
    assert!(matches!(refused, QueueError::Refused(_)), "{refused:?}");
}

#[tokio::test]
async fn no_more_is_handed_out_than_was_asked_for_and_what_a_dead_process_had_comes_again() {
    let scene = OnServer::shared(QueueKind::Classic);
    let (greedy, other) = (scene.open().await.unwrap(), scene.open().await.unwrap());
    for n in 0..5 {
        greedy.push(&task(n)).await.unwrap();
    }
    let mut held = Vec::new();
    for _ in 0..scene.settings.prefetch {
        held.push(greedy.take().await);
    }
    let more = tokio::time::timeout(Duration::from_millis(300), greedy.take()).await;
    assert!(more.is_err(), "{more:?}");
    // The process dies with what it holds.
    greedy.close().await;
    let mut seen = BTreeSet::new();
    while seen.len() < 5 {
        let taken = tokio::time::timeout(Duration::from_secs(20), other.take()).await.expect("the tasks come again");
        seen.insert(taken.task.file_hash.clone());
        taken.done().await.unwrap();
    }
    drop(held);
}

#[tokio::test]
async fn a_queue_that_was_made_in_another_way_is_told_and_left_alone() {
    let scene = OnServer::shared(QueueKind::Classic);
    scene.open().await.unwrap();
    scene.open().await.unwrap();
    let quorum = Settings { kind: QueueKind::Quorum, ..scene.settings.clone() };
    let refused = open_at(&scene.url, quorum).await.unwrap_err();
    assert!(matches!(refused, OpenError::OtherQueue { .. }), "{refused:?}");
    assert!(refused.to_string().contains("queue.kind"), "{refused}");

    let scene = OnServer::shared(QueueKind::Classic);
    let (_connection, channel) = scene.channel().await;
    let name = scene.queue();
    channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    let refused = scene.open().await.unwrap_err();
    assert!(matches!(refused, OpenError::OtherQueue { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_wrong_password_a_wrong_virtual_host_and_a_wrong_address_are_told_apart() {
    let right = shared::rabbitmq().unwrap().url();
    let password = right.replace("app:app@", "app:hunter2@");
    let refused = open_at(&password, Settings::default()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotLetIn { .. }), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    let refused = open_at(&format!("{right}/absent"), Settings::default()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NoVirtualHost { .. }), "{refused:?}");
    let refused = open_at("amqp://app:hunter2@127.0.0.1:1", Settings::default()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unreachable { .. }), "{refused:?}");

    let place = tempfile::tempdir().unwrap();
    for (url, said) in [(password.as_str(), "does not let us in"), ("amqp://app:hunter2@127.0.0.1:1", "does not answer")] {
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(place.path().join("data")).env("CAIRN_QUEUE__URL", url);
        let output = Output::of(&mut serve);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains("queue.url") && output.stderr.contains(said), "{output:?}");
        assert!(!output.stderr.contains("hunter2"), "{output:?}");
    }
}

/// Somebody who pushes and somebody who works, without end.
#[derive(Default)]
struct Traffic {
    stopped: AtomicBool,
    errors: AtomicUsize,
    confirmed: Mutex<BTreeSet<String>>,
    done: Mutex<BTreeSet<String>>,
}

impl Traffic {
    fn note(set: &Mutex<BTreeSet<String>>, task: &Task) {
        set.lock().unwrap_or_else(PoisonError::into_inner).insert(task.file_hash.clone());
    }

    fn count(set: &Mutex<BTreeSet<String>>) -> usize {
        set.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    async fn push(&self, queue: &RabbitTasks) {
        let mut n = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            n += 1;
            let began = Instant::now();
            match queue.push(&task(n)).await {
                Ok(()) => Self::note(&self.confirmed, &task(n)),
                Err(QueueError::Unavailable(_)) => drop(self.errors.fetch_add(1, Ordering::SeqCst)),
                Err(error) => panic!("{error:?}"),
            }
            assert!(began.elapsed() < REFUSED_WITHIN, "a push took {:?}", began.elapsed());
            // Not as fast as it can: the machine has other things to do.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn work(&self, queue: &RabbitTasks) {
        loop {
            let delivery = queue.take().await;
            let task = delivery.task.clone();
            if delivery.done().await.is_ok() {
                Self::note(&self.done, &task);
            }
        }
    }

    /// A fault is noticed, and after its end both go on.
    async fn endure(&self, what: &str, begin: impl FnOnce(), end: impl FnOnce()) {
        let errors = self.errors.load(Ordering::SeqCst);
        begin();
        until_async(&format!("{what} is noticed"), async || (self.errors.load(Ordering::SeqCst) > errors).then_some(())).await;
        end();
        let ended = Instant::now();
        let (confirmed, done) = (Self::count(&self.confirmed), Self::count(&self.done));
        until_async(&format!("{what} is over"), async || {
            let go_on = Self::count(&self.confirmed) > confirmed + 5 && Self::count(&self.done) > done + 5;
            go_on.then_some(())
        })
        .await;
        assert!(ended.elapsed() < BACK_WITHIN, "{what}: back after {:?}", ended.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_the_server_nothing_that_was_confirmed_is_lost() {
    let server = Mutex::new(RabbitMq::start().unwrap());
    let with = |act: &dyn Fn(&mut RabbitMq)| act(&mut server.lock().unwrap());
    let address: SocketAddr = server.lock().unwrap().socket_address();
    let proxy = ChaosProxy::start(address).unwrap();
    let url = server.lock().unwrap().through(&proxy).url();
    let scene = OnServer::at(url, QueueKind::Classic);
    let (pusher, worker) = (scene.open().await.unwrap(), scene.open().await.unwrap());
    let traffic = Arc::new(Traffic::default());
    let pushing = tokio::spawn({
        let traffic = traffic.clone();
        async move { traffic.push(&pusher).await }
    });
    let working = tokio::spawn({
        let traffic = traffic.clone();
        async move { traffic.work(&worker).await }
    });
    traffic.endure("a black hole", || proxy.black_hole(), || proxy.pass()).await;
    traffic.endure("confirmations that get lost", || proxy.half_open(), || proxy.pass()).await;
    traffic.endure("cut connections", || proxy.cut_after(3_000), || proxy.pass()).await;
    traffic.endure("a flapping network", || proxy.flap(Duration::from_millis(200)), || proxy.pass()).await;
    traffic.endure("a frozen server", || with(&|server| server.freeze()), || with(&|server| server.thaw())).await;
    traffic.endure("a killed server", || with(&|server| server.kill()), || with(&|server| server.start_again().unwrap())).await;
    traffic.stopped.store(true, Ordering::SeqCst);
    pushing.await.unwrap();
    until_async("everything confirmed is done", async || {
        let done = traffic.done.lock().unwrap().clone();
        traffic.confirmed.lock().unwrap().is_subset(&done).then_some(())
    })
    .await;
    working.abort();
}
