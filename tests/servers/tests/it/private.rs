//! What private servers live and die with.

use std::collections::BTreeSet;
use std::thread;

use cairn_servers::{Kind, Redis};

use crate::helper::Helper;
use crate::support::{assert_nothing_left, processes_of};

/// The process is killed, so that it can't do anything about its server.
fn dies_with_its_process(kind: &str) {
    let below = tempfile::tempdir().unwrap();
    let mut helper = Helper::with_private(kind, below.path());
    let directory = helper.directory.clone();
    assert!(directory.starts_with(below.path()), "it lies where it should");
    assert!(!processes_of(&directory).is_empty());
    helper.kill();
    assert_nothing_left(below.path());
}

#[test]
fn a_ceph_dies_with_its_process() {
    dies_with_its_process("ceph");
}

#[test]
fn a_mariadb_dies_with_its_process() {
    dies_with_its_process("mariadb");
}

#[test]
fn a_nats_dies_with_its_process() {
    dies_with_its_process("nats");
}

#[test]
fn a_rabbitmq_dies_with_its_process() {
    dies_with_its_process("rabbitmq");
}

#[test]
fn a_redis_dies_with_its_process() {
    dies_with_its_process("redis");
}

#[test]
fn a_server_outlives_the_thread_that_started_it() {
    let server = thread::spawn(|| Redis::start().unwrap()).join().unwrap();
    assert!(server.answers());
}

#[test]
fn servers_that_start_at_once_get_ports_of_their_own() {
    let starting: Vec<_> = (0..8).map(|_| thread::spawn(|| Redis::start().unwrap())).collect();
    let servers: Vec<Redis> = starting.into_iter().map(|server| server.join().unwrap()).collect();
    let ports: BTreeSet<u16> = servers.iter().map(|server| server.port()).collect();
    assert_eq!(ports.len(), servers.len());
}
