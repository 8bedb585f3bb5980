//! The bus on a real server, by its contract and by what the server can do to it.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_nats::jetstream;
use cairn_commands::ports::bus::contract::{self, Scene, events};
use cairn_commands::ports::bus::{Bus, BusError, Reached, Tip};
use cairn_domain::{EventId, Position};
use cairn_infra::nats::{Limits, NatsBus, OpenError, Server};
use cairn_servers::{Nats, shared};

use crate::harness::{cairn, until_async};

pub(super) const LIMITS: Limits = Limits { bytes_max: 16 << 20, age_max: Duration::from_hours(24), replicas: 1 };

/// Names of streams that nobody else uses, also not in an earlier run on the same server.
pub(super) fn stream_name(test: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{test}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Somebody outside who follows a stream.
pub(super) struct Follower {
    context: jetstream::Context,
    stream: String,
}

impl Follower {
    pub(super) async fn new(url: &str, stream: &str) -> Self {
        let client = async_nats::connect(url).await.unwrap();
        Self { context: jetstream::new(client), stream: stream.to_owned() }
    }

    /// Every message that the stream has, in its order. None when it can't be read now.
    pub(super) async fn messages(&self) -> Option<Vec<jetstream::message::StreamMessage>> {
        let stream = self.context.get_stream(&self.stream).await.ok()?;
        let state = stream.cached_info().state.clone();
        let mut messages = Vec::new();
        if state.messages > 0 {
            for sequence in state.first_sequence..=state.last_sequence {
                messages.push(stream.get_raw_message(sequence).await.ok()?);
            }
        }
        Some(messages)
    }

    /// Which events they are.
    pub(super) async fn events(&self) -> Option<Vec<(Position, EventId)>> {
        let header = |message: &jetstream::message::StreamMessage, name: &str| message.headers.get(name).unwrap().to_string();
        let identity = |message: &jetstream::message::StreamMessage| {
            let position = header(message, "Cairn-Position").parse().unwrap();
            (Position(position), EventId(header(message, "Nats-Msg-Id").parse().unwrap()))
        };
        Some(self.messages().await?.iter().map(identity).collect())
    }
}

struct OnServer {
    url: String,
    stream: String,
}

impl OnServer {
    fn shared(test: &str) -> Self {
        Self { url: shared::nats().unwrap().url(), stream: stream_name(test) }
    }

    fn server(&self) -> Server {
        self.url.parse().unwrap()
    }

    async fn open(&self, limits: Limits) -> Result<NatsBus, OpenError> {
        NatsBus::open(&self.server(), &self.stream, limits).await
    }

    async fn follower(&self) -> Follower {
        Follower::new(&self.url, &self.stream).await
    }
}

impl Scene for OnServer {
    type Bus = NatsBus;

    async fn connect(&self) -> NatsBus {
        self.open(LIMITS).await.unwrap()
    }

    async fn kept(&self) -> Vec<(Position, EventId)> {
        self.follower().await.events().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_keeps_the_contract() {
    contract::suite(&OnServer::shared("contract")).await;
}

#[tokio::test]
async fn a_stream_is_declared_again_and_again_and_its_limits_follow_the_settings() {
    let scene = OnServer::shared("limits");
    let bus = scene.open(LIMITS).await.unwrap();
    bus.publish(Tip(0), &events(1..4)).await.unwrap();
    scene.open(LIMITS).await.unwrap();
    let less = Limits { bytes_max: 8 << 20, age_max: Duration::from_hours(1), ..LIMITS };
    scene.open(less).await.unwrap();
    let follower = scene.follower().await;
    let config = follower.context.get_stream(&scene.stream).await.unwrap().cached_info().config.clone();
    assert_eq!((config.max_bytes, config.max_age), (8 << 20, Duration::from_hours(1)));
    assert_eq!(follower.events().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_stream_of_somebody_else_is_left_alone() {
    let scene = OnServer::shared("foreign");
    let context = scene.follower().await.context;
    let theirs = jetstream::stream::Config {
        name: scene.stream.clone(),
        subjects: vec![format!("{}.other", scene.stream)],
        ..Default::default()
    };
    context.create_stream(theirs.clone()).await.unwrap();
    let refused = scene.open(LIMITS).await.unwrap_err();
    assert!(matches!(refused, OpenError::OtherStream { .. }), "{refused:?}");
    assert!(refused.to_string().contains("bus.stream"), "{refused}");
    let now = context.get_stream(&scene.stream).await.unwrap().cached_info().config.clone();
    assert_eq!(now.max_bytes, -1);

    // Somebody else's message among ours is no event, and is not passed over.
    let scene = OnServer::shared("foreign");
    let bus = scene.open(LIMITS).await.unwrap();
    let subject = format!("{}.events.file.FileSung", scene.stream);
    context.publish(subject, "la".into()).await.unwrap().await.unwrap();
    let refused = bus.reached().await.unwrap_err();
    assert!(matches!(refused, BusError::Foreign(_)), "{refused:?}");
}

#[tokio::test]
async fn a_stream_that_expires_is_forgotten_and_one_that_is_lost_is_empty() {
    let scene = OnServer::shared("expiry");
    let bus = scene.open(Limits { age_max: Duration::from_secs(1), ..LIMITS }).await.unwrap();
    let tip = bus.publish(Tip(0), &events(1..4)).await.unwrap();
    let forgotten = until_async("the events expire", async || match bus.reached().await.unwrap() {
        Reached::At { .. } => None,
        other => Some(other),
    });
    assert_eq!(forgotten.await, Reached::Forgotten(tip));
    bus.publish(tip, &events(4..5)).await.unwrap();
    scene.follower().await.context.delete_stream(&scene.stream).await.unwrap();
    let lost = bus.publish(Tip(4), &events(5..6)).await.unwrap_err();
    assert!(matches!(lost, BusError::Unavailable(_)), "{lost:?}");
    assert_eq!(bus.reached().await.unwrap(), Reached::Empty(Tip(0)));
    bus.publish(Tip(0), &events(1..6)).await.unwrap();
}

/// A server with these lines in its settings.
fn with_settings(lines: &str) -> Nats {
    let mut nats = Nats::start().unwrap();
    let mut file = OpenOptions::new().append(true).open(nats.directory().join("nats.conf")).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    nats.start_again().unwrap();
    nats
}

#[tokio::test]
async fn an_event_that_is_too_large_for_the_server_goes_without_its_data() {
    let nats = with_settings("max_payload: 8192\n");
    let scene = OnServer { url: nats.url(), stream: stream_name("large") };
    let bus = scene.open(LIMITS).await.unwrap();
    let mut page = events(1..4);
    page[1].data = format!("{{\"text\":\"{}\"}}", "x".repeat(20_000));
    bus.publish(Tip(0), &page).await.unwrap();
    let messages = scene.follower().await.messages().await.unwrap();
    let omitted: Vec<_> = messages.iter().map(|message| message.headers.get("Cairn-Omitted").map(ToString::to_string)).collect();
    assert_eq!(omitted, [None, Some("data".to_owned()), None]);
    let body: serde_json::Value = serde_json::from_slice(&messages[1].payload).unwrap();
    assert_eq!((&body["data"], &body["position"]), (&serde_json::Value::Null, &2.into()));
}

#[tokio::test]
async fn a_wrong_password_a_wrong_address_and_a_server_without_streams_are_told_apart() {
    let nats = with_settings("authorization { user: app, password: secret }\n");
    let of = |url: String| OnServer { url, stream: stream_name("login") };
    let right = nats.url().replace("nats://", "nats://app:secret@");
    of(right.clone()).open(LIMITS).await.unwrap();
    for wrong in [right.replace("secret", "hunter2"), nats.url(), nats.url().replace("nats://", "nats://hunter2@")] {
        let refused = of(wrong).open(LIMITS).await.unwrap_err();
        assert!(matches!(refused, OpenError::NotLetIn { .. }), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("hunter2"), "{refused:?}");
    }
    let refused = of("nats://app:hunter2@127.0.0.1:1".to_owned()).open(LIMITS).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unreachable { .. }), "{refused:?}");

    let plain = with_settings("jetstream: disabled\n");
    let refused = of(plain.url()).open(LIMITS).await.unwrap_err();
    assert!(matches!(refused, OpenError::NoJetStream { .. }), "{refused:?}");
}

/// Those that docs/operations.md names.
#[tokio::test]
async fn the_documented_permissions_are_enough() {
    let nats = with_settings(
        "authorization { users: [ { user: cairn, password: secret, permissions: {
           publish:   [\"cairn.>\", \"$JS.API.STREAM.*.cairn\", \"$JS.API.STREAM.MSG.GET.cairn\"],
           subscribe: [\"cairn.growth\", \"_INBOX.>\"] } }, { user: reader, password: secret } ] }\n",
    );
    let ours = OnServer { url: nats.url().replace("nats://", "nats://cairn:secret@"), stream: "cairn".to_owned() };
    let (bus, other) = (ours.open(LIMITS).await.unwrap(), ours.open(Limits { bytes_max: 8 << 20, ..LIMITS }).await.unwrap());
    bus.publish(Tip(0), &events(1..10)).await.unwrap();
    assert!(matches!(other.reached().await.unwrap(), Reached::At { position: Position(9), .. }));
    let mut heard = other.heard();
    until_async("a hint is heard", async || {
        bus.tell(Position(9));
        tokio::time::timeout(Duration::from_millis(100), heard.wait_for(|heard| heard.0 == 9)).await.ok().map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_bus_that_can_not_be_used_is_one_clear_message_at_the_start() {
    let place = tempfile::tempdir().unwrap();
    let nats = with_settings("authorization { user: app, password: secret }\n");
    let wrong = nats.url().replace("nats://", "nats://app:hunter2@");
    for (url, said) in [(wrong.as_str(), "does not let us in"), ("nats://app:hunter2@127.0.0.1:1", "does not answer")] {
        let mut command = crate::harness::command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(place.path().join("data")).env("CAIRN_BUS__URL", url);
        let output = crate::harness::Output::of(&mut command);
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(output.stderr.contains("bus.url") && output.stderr.contains(said), "{output:?}");
        assert!(!output.stderr.contains("hunter2"), "{output:?}");
    }
    assert_eq!(cairn(&["config", "check", "--data", "x"]).code, Some(0));
}
