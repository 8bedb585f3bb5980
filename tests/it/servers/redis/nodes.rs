//! Two drives over one database and one Redis, and a look at what stands in Redis.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cairn_servers::{MariaDbAddress, RedisAddress, shared};

use crate::harness::{Drive, User, until, until_async};

/// What ends at one node has ended at the other within a second; the rest is for a machine that is busy with other tests.
const DEAD_WITHIN: Duration = Duration::from_millis(2_500);

pub(super) struct Nodes {
    pub(super) one: Drive,
    pub(super) other: Drive,
    mariadb: MariaDbAddress,
    database: String,
}

impl Nodes {
    pub(super) fn new(name: &str, settings: &[(&str, &str)]) -> Self {
        let redis = shared::redis().unwrap();
        Self::over(name, &redis.url(), settings)
    }

    pub(super) fn over(name: &str, redis: &str, settings: &[(&str, &str)]) -> Self {
        let mariadb = shared::mariadb().unwrap();
        let database = format!("redis_{name}");
        let (url, prefix) = (mariadb.create_database(&database).unwrap(), format!("{database}:"));
        let secret = "5".repeat(64);
        let mut all = vec![("CAIRN_LOG__URL", &*url), ("CAIRN_VIEWS__URL", &*url), ("CAIRN_SERVER__SECRET", &*secret)];
        all.extend([("CAIRN_CACHE__URL", redis), ("CAIRN_CACHE__PREFIX", &*prefix)]);
        all.extend(settings);
        let [one, other] = [(); 2].map(|()| Drive::with(&all));
        Self { one, other, mariadb, database }
    }

    /// This session ends where it is asked for, soon.
    pub(super) async fn dies(&self, why: &str, session: &User) {
        let started = Instant::now();
        until_async(why, async || (session.get("/user/info").send().await.status == 401).then_some(())).await;
        assert!(started.elapsed() < DEAD_WITHIN, "{why}: after {:?}", started.elapsed());
        for _ in 0..20 {
            assert_eq!(session.get("/user/info").send().await.status, 401, "{why}: it came back to life");
        }
    }

    /// For some seconds nobody can move the read tables on.
    pub(super) fn hold_read_tables(&self) -> JoinHandle<()> {
        // Another number for each test, to be told from those of others.
        let sleep = format!("SLEEP(12.{})", std::process::id());
        let (mariadb, database) = (self.mariadb.clone(), self.database.clone());
        let text = format!("USE {database}; BEGIN; SELECT * FROM tbl_checkpoint FOR UPDATE; SELECT {sleep}");
        let holding = std::thread::spawn(move || drop(mariadb.sql(&text)));
        let seen = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT {sleep}%'");
        until("the read tables are held", || self.mariadb.sql(&seen).unwrap().contains('1').then_some(()));
        holding
    }
}

/// A look into Redis, past the adapter.
pub(super) struct Keys {
    port: u16,
    prefix: String,
}

impl Keys {
    pub(super) fn of(redis: &RedisAddress, prefix: &str) -> Self {
        Self { port: redis.port(), prefix: prefix.to_owned() }
    }

    pub(super) fn name(&self, kind: &str, name: &str) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.call(&["KEYS", &format!("{}*", self.prefix)]).lines().map(str::to_owned).collect()
    }

    /// The answer as text, the items of a list as lines (RESP2, <https://redis.io/docs/latest/develop/reference/protocol-spec/>).
    pub(super) fn call(&self, words: &[&str]) -> String {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        (&stream).write_all(&request).unwrap();
        let answer = answer(&mut BufReader::new(&stream));
        assert!(!answer.starts_with('-'), "{}: {answer}", words[0]);
        answer
    }
}

fn answer(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    let (kind, rest) = line.trim_end().split_at(1);
    match (kind, rest) {
        ("$", "-1") => String::new(),
        ("$", length) => {
            let mut bytes = vec![0; length.parse::<usize>().unwrap() + 2];
            stream.read_exact(&mut bytes).unwrap();
            bytes.truncate(bytes.len() - 2);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        ("*", count) => (0..count.parse().unwrap()).map(|_: usize| answer(stream) + "\n").collect(),
        ("-", _) => line,
        _ => rest.to_owned(),
    }
}
