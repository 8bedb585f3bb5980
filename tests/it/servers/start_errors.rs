//! What the drive can't start with is one clear message and exit code 2, whichever server it is: wrong credentials, a wrong address, tables
//! that are not there yet or are a newer program's. Of NATS, Redis and object stores their own files tell.

use cairn_eventstore_double::Double;
use cairn_servers::shared;
use serde_json::Value;

use crate::harness::{Drive, Output, command};

/// Nobody listens there, and nobody else must see the password.
const NOBODY: &str = "app:hunter2@127.0.0.1:1";

/// `cairn serve` with these settings does not start, and says why in one line at the end, without a password.
#[track_caller]
pub(super) fn refused(settings: &[(&str, &str)]) -> String {
    let place = tempfile::tempdir().unwrap();
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(place.path().join("data"));
    serve.envs(settings.iter().copied());
    let output = Output::of(&mut serve);
    assert_eq!(output.code, Some(2), "{settings:?}: {output:?}");
    assert!(!format!("{output:?}").contains("hunter2"), "{settings:?}: {output:?}");
    let last = output.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("cairn: "), "{settings:?}: {output:?}");
    last.to_owned()
}

#[test]
fn an_address_that_can_not_be_one_names_its_setting() {
    for (key, address, said) in [
        ("LOG", "mysql://app:hunter2@host", "mysql://user:password@host:3306/database"),
        ("LOG", "esdb://app:hunter2@host?tls=perhaps", "log.url"),
        ("LOG", "postgres://app:hunter2@host/drive", "postgres"),
        ("VIEWS", "mysql://app:hunter2@host", "mysql://user:password@host:3306/database"),
        ("BUS", "nats://app:hunter2@host:port", "nats://user:password@host:4222"),
        ("QUEUE", "amqp://app:hunter2@host:port", "amqp://user:password@host:5672/vhost"),
        ("CACHE", "redis://:hunter2@host/not-a-number", "cache.url"),
    ] {
        let told = refused(&[(&format!("CAIRN_{key}__URL"), address)]);
        let setting = format!("{}.url", key.to_lowercase());
        assert!(told.contains(said) && told.contains(&setting), "{told}");
    }
}

#[test]
fn a_database_that_is_of_no_use_is_told_as_log_and_as_read_tables() {
    let server = shared::mariadb().unwrap();
    // Nothing is made without leave, a log neither: it is there before.
    let log = server.create_database("start_errors_made").unwrap();
    assert!(Drive::with(&[("CAIRN_LOG__URL", &log)]).stop().success());
    for key in ["LOG", "VIEWS"] {
        let (variable, setting) = (format!("CAIRN_{key}__URL"), format!("{}.url", key.to_lowercase()));
        let at = |url: &str, said: &str| {
            let told = refused(&[("CAIRN_LOG__URL", &log), (&variable, url), ("CAIRN_SERVER__MIGRATE", "false")]);
            assert!(told.contains(said) && told.contains(&setting), "{told}");
        };
        let database = format!("start_errors_{}", key.to_lowercase());
        let url = server.create_database(&database).unwrap();
        at(&url, "run `cairn migrate`");
        at(&url.replace(":app@", ":hunter2@"), "does not let us in");
        at(&url.replace(&database, "absent"), "does not let us in");
        at(&format!("mysql://{NOBODY}/cairn"), "does not answer");

        let mut migrated = Drive::with(&[(&variable, &url)]);
        assert!(migrated.stop().success());
        server.sql(&format!("UPDATE {database}.cairn_schema SET version = 99")).unwrap();
        at(&url, "run a newer cairn");
    }
}

/// Somebody who runs an older program beside a newer one over the same tables.
#[tokio::test]
async fn rows_of_a_newer_program_are_left_to_it() {
    let server = shared::mariadb().unwrap();
    let url = server.create_database("start_errors_rows").unwrap();
    let settings = [("CAIRN_LOG__URL", &*url), ("CAIRN_VIEWS__URL", &url)];
    let mut drive = Drive::with(&settings);
    drive.user().await;
    assert!(drive.stop().success());
    server.sql("UPDATE start_errors_rows.tbl_checkpoint SET version = 99").unwrap();
    assert!(refused(&settings).contains("run the newer program"));
    let left: Vec<Value> =
        server.sql("SELECT version FROM start_errors_rows.tbl_checkpoint").unwrap().lines().map(Value::from).collect();
    assert!(!left.is_empty() && left.iter().all(|version| version == "99"), "{left:?}");
}

#[test]
fn an_event_store_that_is_of_no_use_is_told() {
    let double = Double::start().unwrap();
    let at = |url: &str, said: &str| {
        let told = refused(&[("CAIRN_LOG__URL", url)]);
        assert!(told.contains(said) && told.contains("log.url"), "{told}");
    };
    at(&format!("esdb://{NOBODY}?tls=false"), "nobody listens");
    at(&double.url().replace("tls=false", "tls=true"), "with TLS");
    double.let_in_only("app", "app");
    at(&double.url_as("app", "hunter2"), "does not let us in");
    at(&double.url(), "does not let us in");
    assert_eq!(double.event_count(), 0);
    let mut drive = Drive::with(&[("CAIRN_LOG__URL", &double.url_as("app", "app"))]);
    assert!(drive.stop().success());
}

#[test]
fn a_queue_that_is_of_no_use_is_told() {
    let url = shared::rabbitmq().unwrap().url();
    let at = |url: &str, said: &str| {
        let told = refused(&[("CAIRN_QUEUE__URL", url)]);
        assert!(told.contains(said) && told.contains("queue.url"), "{told}");
    };
    at(&url.replace("app:app@", "app:hunter2@"), "does not let us in");
    at(&format!("{url}/absent"), "virtual host");
    at(&format!("amqp://{NOBODY}"), "does not answer");
}
