use cairn_servers::{ChaosProxy, MariaDb};

use crate::support::{assert_nothing_left, is_alive, processes_of, until};

/// A primary with a database `drive` and one row in it.
fn primary_with_a_row() -> MariaDb {
    let primary = MariaDb::start().unwrap();
    primary.create_database("drive").unwrap();
    primary.sql("CREATE TABLE drive.names (name VARCHAR(20)); INSERT INTO drive.names VALUES ('first')").unwrap();
    primary
}

fn names(server: &MariaDb) -> String {
    server.sql("SELECT name FROM drive.names ORDER BY name").unwrap()
}

#[test]
fn a_database_is_private_and_has_a_url() {
    let server = MariaDb::start().unwrap();
    let url = server.create_database("one").unwrap();
    assert_eq!(url, format!("mysql://app:app@127.0.0.1:{}/one", server.port()));
    assert_eq!(server.sql("SELECT 'ä', 2; SELECT 3").unwrap(), "ä\t2\n3\n");
    let error = server.sql("SELECT * FROM nowhere.nothing").unwrap_err();
    assert!(error.to_string().contains("doesn't exist"), "{error}");
}

#[test]
fn an_older_database_of_that_name_is_replaced() {
    let server = primary_with_a_row();
    server.create_database("drive").unwrap();
    assert_eq!(server.sql("SHOW TABLES IN drive").unwrap(), "");
}

#[test]
fn a_killed_server_starts_again_with_its_data() {
    let mut server = primary_with_a_row();
    let (port, pids) = (server.port(), server.pids());
    server.kill();
    assert!(server.sql("SELECT 1").is_err());
    assert!(server.pids().is_empty() && !is_alive(pids[0]));
    server.start_again().unwrap();
    assert_eq!((server.port(), names(&server).as_str()), (port, "first\n"));
}

#[test]
fn a_stopped_server_leaves_no_process_and_starts_again_with_its_data() {
    let mut server = primary_with_a_row();
    assert_eq!(processes_of(server.directory()), server.pids());
    server.stop().unwrap();
    assert_nothing_left(server.directory());
    server.start_again().unwrap();
    assert_eq!(names(&server), "first\n");
}

#[test]
fn a_dropped_server_leaves_neither_process_nor_directory() {
    let server = MariaDb::start().unwrap();
    let directory = server.directory().to_owned();
    drop(server);
    assert_nothing_left(&directory);
    assert!(!directory.exists());
}

#[test]
fn a_frozen_server_answers_once_it_is_thawed() {
    let server = primary_with_a_row();
    server.freeze();
    assert!(server.sql("SELECT 1").is_err(), "the greeting never comes");
    server.thaw();
    assert_eq!(names(&server), "first\n");
}

#[test]
fn a_replica_follows_lags_and_catches_up() {
    let primary = primary_with_a_row();
    let replica = MariaDb::start_replica_of(&primary).unwrap();
    replica.wait_for(&primary).unwrap();
    assert_eq!(names(&replica), "first\n");

    replica.stop_sql_thread().unwrap();
    primary.sql("INSERT INTO drive.names VALUES ('second')").unwrap();
    let position = primary.sql("SELECT @@gtid_binlog_pos").unwrap();
    let received = || replica.sql("SHOW REPLICA STATUS").unwrap().contains(position.trim());
    until("the replica has received the row", received);
    assert_eq!(names(&replica), "first\n", "it has the row, but does not show it");

    replica.start_sql_thread().unwrap();
    replica.wait_for(&primary).unwrap();
    assert_eq!(names(&replica), "first\nsecond\n");
}

#[test]
fn a_replica_goes_on_after_both_were_killed() {
    let mut primary = primary_with_a_row();
    let mut replica = MariaDb::start_replica_of(&primary).unwrap();
    replica.wait_for(&primary).unwrap();
    primary.kill();
    replica.kill();
    primary.start_again().unwrap();
    replica.start_again().unwrap();
    primary.sql("INSERT INTO drive.names VALUES ('second')").unwrap();
    replica.wait_for(&primary).unwrap();
    assert_eq!(names(&replica), "first\nsecond\n");
}

#[test]
fn a_replica_behind_a_bad_network_catches_up_when_it_is_good_again() {
    let primary = primary_with_a_row();
    let proxy = ChaosProxy::start(primary.socket_address()).unwrap();
    let replica = MariaDb::start_replica_of(&primary.through(&proxy)).unwrap();
    replica.wait_for(&primary).unwrap();
    proxy.refuse();
    proxy.reset_all();
    primary.sql("INSERT INTO drive.names VALUES ('second')").unwrap();
    assert!(primary.through(&proxy).sql("SELECT 1").is_err());
    assert_eq!(names(&replica), "first\n");
    proxy.pass();
    replica.wait_for(&primary).unwrap();
    assert_eq!(names(&replica), "first\nsecond\n");
}

#[test]
fn a_replica_refuses_writes_of_the_user_of_its_url() {
    let primary = primary_with_a_row();
    let replica = MariaDb::start_replica_of(&primary).unwrap();
    replica.wait_for(&primary).unwrap();
    let insert = "INSERT INTO drive.names VALUES ('second')";
    assert!(as_user(&primary, insert).success());
    assert!(!as_user(&replica, insert).success());
}

fn as_user(server: &MariaDb, statement: &str) -> std::process::ExitStatus {
    let mut client = std::process::Command::new("mariadb");
    client.args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1", &format!("--port={}", server.port())]);
    client.args([&format!("--user={}", server.user()), &format!("--password={}", server.password())]);
    client.arg(format!("--execute={statement}")).output().unwrap().status
}
