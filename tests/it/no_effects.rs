//! Whoever makes rows again makes nothing else: no server but those of the log and the rows hears of it.

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::harness::{Drive, Output};

/// Servers that nobody is to call.
struct Untouched(Vec<(&'static str, TcpListener)>);

impl Untouched {
    fn new() -> Self {
        let listen = |name| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            (name, listener)
        };
        Self(["queue", "bus", "store"].map(listen).into())
    }

    fn settings(&self) -> Vec<(String, String)> {
        let port = |name| self.0.iter().find(|(own, _)| *own == name).unwrap().1.local_addr().unwrap().port();
        let store = |key: &str, value: String| (format!("CAIRN_STORES__COLD__{key}"), value);
        vec![
            ("CAIRN_QUEUE__URL".to_owned(), format!("amqp://127.0.0.1:{}/", port("queue"))),
            ("CAIRN_BUS__URL".to_owned(), format!("nats://127.0.0.1:{}", port("bus"))),
            store("KIND", "s3".to_owned()),
            store("ENDPOINT", format!("http://127.0.0.1:{}", port("store"))),
            store("BUCKET", "cold".to_owned()),
            store("ACCESS_KEY_ID", "key".to_owned()),
            store("SECRET_ACCESS_KEY", "secret".to_owned()),
            ("CAIRN_POLICY__MOVE_TO".to_owned(), "cold".to_owned()),
        ]
    }

    #[track_caller]
    fn check(&self, verb: &[&str]) {
        for (name, listener) in &self.0 {
            let called = listener.accept();
            assert!(called.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "{verb:?} has called the {name}");
        }
    }
}

#[tokio::test]
async fn rebuilding_verifying_and_replaying_touch_nothing_but_rows() {
    let mut drive = Drive::start();
    let user = drive.user().await;
    for name in ["a.txt", "b.txt"] {
        user.upload(name, name.as_bytes()).await;
    }
    drive.stop();
    let (events, blobs) = (drive.events(), drive.files_in("blobs"));
    let untouched = Untouched::new();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("then.sqlite");
    for verb in [
        &["projection", "rebuild", "--all"][..],
        &["projection", "verify"],
        &["replay", "--until", "2999-01-01", "--into", file.to_str().unwrap()],
        &["replay", "--until", "2999-01-01", "--user", &user.name, "--list"],
        &["events", "export", "-"],
    ] {
        let mut asked = drive.command(verb);
        Output::of(asked.envs(untouched.settings())).success();
        untouched.check(verb);
    }
    assert_eq!((drive.events(), drive.files_in("blobs")), (events, blobs));
}
