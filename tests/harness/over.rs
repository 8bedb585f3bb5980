//! Every test of the drive can also be run over servers, which it must not notice: `CAIRN_TEST_OVER=servers` gives each drive databases
//! and a part of the cache of its own, in the servers that all tests of the run share, and `CAIRN_TEST_OVER=eventstore` a double of
//! EventStoreDB for its log.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use cairn_eventstore_double::Double;
use cairn_servers::shared::{mariadb, redis};

/// Those of the drives of this process, by their data directories; they stay when a drive is started again.
static DOUBLES: LazyLock<Mutex<HashMap<PathBuf, Double>>> = LazyLock::new(Mutex::default);

/// Whether the log and the read tables are in databases.
pub(crate) fn servers() -> bool {
    over("servers")
}

fn over(what: &str) -> bool {
    std::env::var_os("CAIRN_TEST_OVER").is_some_and(|over| over == what)
}

/// The settings of the drive with this data directory: always the same ones for the same directory.
pub(crate) fn settings(data: &Path) -> Vec<(String, String)> {
    if over("eventstore") {
        let mut doubles = DOUBLES.lock().unwrap_or_else(PoisonError::into_inner);
        let double = doubles.entry(data.to_owned()).or_insert_with(|| Double::start().expect("a double"));
        return vec![("CAIRN_LOG__URL".to_owned(), double.url())];
    }
    if !servers() {
        return Vec::new();
    }
    let (log, views) = (made(&name("log", data)), made(&name("views", data)));
    let (cache, prefix) = (redis().expect("a cache").url(), format!("{}:", name("cache", data)));
    let settings = [("LOG__URL", log), ("VIEWS__URL", views), ("CACHE__URL", cache), ("CACHE__PREFIX", prefix)];
    settings.map(|(key, value)| (format!("CAIRN_{key}"), value)).into()
}

/// Throws the read tables of that drive away.
pub(crate) fn remove_views(data: &Path) {
    mariadb().and_then(|server| server.create_database(&name("views", data))).expect("an empty database");
}

/// Changes the log of that drive behind its back.
pub(crate) fn tamper(data: &Path, change: &str) {
    alter(("log", "events.db"), data, change);
}

/// Changes the read tables of that drive behind its back.
pub(crate) fn tamper_with_views(data: &Path, change: &str) {
    alter(("views", "views.db"), data, change);
}

fn alter((what, file): (&str, &str), data: &Path, change: &str) {
    if servers() {
        let database = name(what, data);
        return mariadb().and_then(|server| server.sql(&format!("USE `{database}`; {change}"))).map(drop).expect("changed");
    }
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=30); c.execute(sys.argv[2]); c.commit()";
    let changed = Command::new("python3").args(["-c", script]).arg(data.join(file)).arg(change).status();
    assert!(changed.expect("python3").success());
}

fn made(database: &str) -> String {
    let server = mariadb().expect("a database server");
    server.sql(&format!("CREATE DATABASE IF NOT EXISTS `{database}`")).expect("a database");
    server.url_of(database)
}

fn name(what: &str, data: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    format!("drive_{:016x}_{what}", hasher.finish())
}
