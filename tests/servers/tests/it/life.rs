//! What every server must be able to do.

use cairn_servers::{Kind, Server};

use crate::support::{assert_nothing_left, is_alive, processes_of};

/// Takes a server through all that can be done to it. `write` leaves something behind, which `reads` must find ever after.
pub(crate) fn live<K: Kind>(mut server: Server<K>, write: impl FnOnce(&K), reads: impl Fn(&K) -> bool) {
    let directory = server.directory().to_owned();
    write(&server);
    freeze_and_thaw(&server);
    assert!(reads(&server));

    let pids = server.pids();
    assert!(!pids.is_empty() && pids.iter().all(|pid| is_alive(*pid)));
    server.kill();
    assert!(server.pids().is_empty() && !pids.iter().any(|pid| is_alive(*pid)) && !server.answers());
    server.start_again().unwrap();
    assert!(reads(&server), "after a kill");

    server.stop().unwrap();
    assert_nothing_left(&directory);
    server.start_again().unwrap();
    assert!(reads(&server), "after an orderly stop");

    assert!(!processes_of(&directory).is_empty());
    drop(server);
    assert_nothing_left(&directory);
    assert!(!directory.exists());
}

fn freeze_and_thaw<K: Kind>(server: &Server<K>) {
    server.freeze();
    assert!(!server.answers(), "it is frozen");
    server.thaw();
    assert!(server.answers(), "it goes on");
}
