//! Servers that several processes share. Each test is a run of its own, in a directory of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::helper::{Helper, ask_for_shared};
use crate::support::{assert_nothing_left, is_alive, processes_of, until};

/// A directory for a run that does not exist yet, and what holds it.
fn new_run() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    (directory, run)
}

/// The pids that a run wrote down for a server.
fn pids(run: &Path, server: &str) -> Vec<u32> {
    let text = fs::read(run.join(format!("{server}.json"))).unwrap();
    let written: Value = serde_json::from_slice(&text).unwrap();
    written["pids"].as_array().unwrap().iter().map(|pid| pid.as_u64().unwrap() as u32).collect()
}

fn signal(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

/// Nothing of the run is left: no directory, none of these servers, no supervisor.
#[track_caller]
fn assert_over(run: &Path, servers: &[u32]) {
    until("the directory is gone", || !run.exists());
    assert_ended(servers);
    assert_nothing_left(run);
}

#[track_caller]
fn assert_ended(servers: &[u32]) {
    until("the servers have ended", || !servers.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn two_processes_share_one_server_and_it_ends_after_them() {
    let (_directory, run) = new_run();
    let first = Helper::with_shared("redis", &run);
    let second = Helper::with_shared("redis", &run);
    assert_eq!(first.url, second.url);
    let pids = pids(&run, "redis");
    drop(first);
    assert!(is_alive(pids[0]), "the server survives the one who started it");
    drop(second);
    assert_over(&run, &pids);
}

#[test]
fn processes_that_ask_at_once_get_one_server() {
    let (_directory, run) = new_run();
    let asked: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn({
                let run = run.clone();
                move || Helper::with_shared("redis", &run)
            })
        })
        .collect();
    let helpers: Vec<Helper> = asked.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(helpers.iter().all(|helper| helper.url == helpers[0].url));
    let pids = pids(&run, "redis");
    drop(helpers);
    assert_over(&run, &pids);
}

#[test]
fn a_file_ends_the_run_at_once_and_the_next_one_begins_anew() {
    let (_directory, run) = new_run();
    let first = Helper::with_shared("redis", &run);
    let old = pids(&run, "redis");
    fs::write(run.join("stop"), "").unwrap();
    let second = Helper::with_shared("redis", &run);
    assert_ended(&old);
    let new = pids(&run, "redis");
    assert!(is_alive(new[0]));
    drop((first, second));
    assert_over(&run, &new);
}

#[test]
fn a_server_that_died_is_started_anew() {
    let (_directory, run) = new_run();
    let first = Helper::with_shared("redis", &run);
    let old = pids(&run, "redis");
    signal("-KILL", old[0]);
    let second = Helper::with_shared("redis", &run);
    let new = pids(&run, "redis");
    assert_ne!(new, old);
    drop((first, second));
    assert_over(&run, &new);
}

#[test]
fn a_run_whose_supervisor_was_killed_gets_another_one() {
    let (_directory, run) = new_run();
    let first = Helper::with_shared("redis", &run);
    let old = pids(&run, "redis");
    kill_supervisor(&run);
    let second = Helper::with_shared("redis", &run);
    assert_eq!(first.url, second.url, "the server is still good");
    drop((first, second));
    assert_over(&run, &old);
}

#[test]
fn a_run_that_was_killed_as_a_whole_is_begun_anew() {
    let (_directory, run) = new_run();
    let first = Helper::with_shared("redis", &run);
    let old = pids(&run, "redis");
    kill_supervisor(&run);
    drop(first);
    signal("-KILL", old[0]);
    assert_ended(&old);
    let second = Helper::with_shared("redis", &run);
    let new = pids(&run, "redis");
    assert_ne!(new, old);
    drop(second);
    assert_over(&run, &new);
}

#[test]
fn what_a_process_had_started_when_it_was_killed_is_cleared_away() {
    let (_directory, run) = new_run();
    let mut starter = ask_for_shared("ceph", &run);
    let record = run.join("ceph.pids");
    until("the monitor is started", || fs::read_to_string(&record).is_ok_and(|lines| lines.ends_with('\n')));
    starter.kill().unwrap();
    starter.wait().unwrap();
    assert!(!run.join("ceph.json").exists(), "it was killed before the server was ready");
    let monitor = fs::read_to_string(&record).unwrap().split(' ').next().unwrap().parse().unwrap();

    let helper = Helper::with_shared("ceph", &run);
    assert_ended(&[monitor]);
    let servers = pids(&run, "ceph");
    drop(helper);
    assert_over(&run, &servers);
}

fn kill_supervisor(run: &Path) {
    let supervisors: Vec<u32> = processes_of(run).into_iter().filter(|pid| is_supervisor(*pid)).collect();
    assert!(!supervisors.is_empty());
    for pid in &supervisors {
        signal("-KILL", *pid);
    }
    assert_ended(&supervisors);
}

fn is_supervisor(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().contains("cairn-servers-supervisor")
}

#[test]
fn servers_end_when_their_directory_is_removed() {
    let (_directory, run) = new_run();
    let first = Helper::with_shared("redis", &run);
    let old = pids(&run, "redis");
    until("the directory can be removed", || fs::remove_dir_all(&run).is_ok());
    assert_ended(&old);
    drop(first);
}

#[test]
fn a_shared_replica_follows_the_shared_primary_and_both_are_started_anew_when_the_primary_died() {
    let (_directory, run) = new_run();
    let first = Helper::with_shared("mariadb-replica", &run);
    let primary = Helper::with_shared("mariadb", &run);
    let again = Helper::with_shared("mariadb-replica", &run);
    assert_eq!(first.url, again.url);
    assert_ne!(first.url, primary.url);

    signal("-KILL", pids(&run, "mariadb")[0]);
    let anew = Helper::with_shared("mariadb-replica", &run);
    assert_ne!(first.url, anew.url);
    let servers = [pids(&run, "mariadb"), pids(&run, "mariadb-replica")].concat();
    drop((first, primary, again, anew));
    assert_over(&run, &servers);
}

#[test]
fn each_kind_can_be_shared_and_a_file_ends_them_all() {
    let (_directory, run) = new_run();
    let kinds = ["ceph", "mariadb-replica", "nats", "rabbitmq", "redis"];
    let helpers = kinds.map(|kind| {
        let run = run.clone();
        std::thread::spawn(move || Helper::with_shared(kind, &run))
    });
    let helpers = helpers.map(|helper| helper.join().unwrap());
    let running: Vec<u32> = kinds.iter().flat_map(|kind| pids(&run, kind)).collect();
    assert!(running.len() >= kinds.len() && running.iter().all(|pid| is_alive(*pid)));
    fs::write(run.join("stop"), "").unwrap();
    assert_ended(&running);
    drop(helpers);
    assert_over(&run, &[]);
}
