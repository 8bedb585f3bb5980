//! Has a server until its standard input ends: `cargo run --release -p cairn-servers -- private mariadb`, for people who want one to try
//! something with, and for the tests of what happens to servers when a process that uses them dies.
#![expect(clippy::print_stdout, reason = "it says where the server is")]

use std::io::{self, Read};
use std::process::ExitCode;

use cairn_servers::{Ceph, Error, Kind, MariaDb, Nats, RabbitMq, Redis, Server, shared};

const USAGE: &str = "usage: cairn-servers private|shared mariadb|nats|redis|rabbitmq|ceph, or shared mariadb-replica";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let had = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["private", "ceph"] => Ceph::start().map(|server| hold(&server, &server.url())),
        ["private", "mariadb"] => MariaDb::start().map(|server| hold(&server, &server.url())),
        ["private", "nats"] => Nats::start().map(|server| hold(&server, &server.url())),
        ["private", "rabbitmq"] => RabbitMq::start().map(|server| hold(&server, &server.url())),
        ["private", "redis"] => Redis::start().map(|server| hold(&server, &server.url())),
        ["shared", name] if is_known(name) => url_of_shared(name).map(|url| say_and_stay(&url, "")),
        _ => {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match had {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn is_known(shared: &str) -> bool {
    ["ceph", "mariadb", "mariadb-replica", "nats", "rabbitmq", "redis"].contains(&shared)
}

fn url_of_shared(name: &str) -> Result<String, Error> {
    match name {
        "ceph" => shared::ceph().map(|server| server.url()),
        "mariadb" => shared::mariadb().map(|server| server.url()),
        "mariadb-replica" => shared::mariadb_replica().map(|server| server.url()),
        "nats" => shared::nats().map(|server| server.url()),
        "rabbitmq" => shared::rabbitmq().map(|server| server.url()),
        _ => shared::redis().map(|server| server.url()),
    }
}

fn hold<K: Kind>(server: &Server<K>, url: &str) {
    say_and_stay(url, &server.directory().display().to_string());
}

/// One line, the address and the directory with a tab between; then it waits for the end of its input.
fn say_and_stay(url: &str, directory: &str) {
    println!("{url}\t{directory}");
    // An input that can't be read has ended, too.
    let _ = io::stdin().read_to_end(&mut Vec::new());
}
