//! Contents move by themselves, whatever breaks on the way.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use cairn_domain::Position;
use cairn_domain::blob::BlobKey;
use cairn_domain::transfer::Phase;
use futures_util::FutureExt;

use super::breaking::Effects;
use super::stage::sha256;
use super::world::{Process, World, to};
use crate::file::history;
use crate::ports::blobs::MovePolicy;
use crate::ports::checkpoints::MemoryCheckpoints;
use crate::ports::event_store::EventStore;
use crate::ports::staging::Staging;
use crate::ports::tasks::{StoreKind, Task, TaskQueue};
use crate::ports::views::ContentHash;
use crate::sagas::transfers::{Patience, request_transfers, wanted};

#[tokio::test]
async fn what_was_uploaded_moves_to_where_it_shall_stay() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    let hello = sha256(b"hello");
    assert_eq!(world.lies_in(hello).await, ["local"]);
    process.moves().await;
    assert_eq!(world.lies_in(hello).await, ["oss"]);
    assert_eq!(process.read(hello, 5).await.expect("readable"), b"hello");
    let names = world.names().await;
    let moving = names.iter().skip_while(|name| *name != "TransferRequested").map(String::as_str).collect::<Vec<_>>();
    assert_eq!(
        moving,
        ["TransferRequested", "TransferQueued", "TransferStarted", "BlobRelocated", "BlobCopyRemoved", "TransferCompleted"]
    );
}

#[tokio::test]
async fn the_history_of_an_entry_tells_how_its_content_moved_since() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let (alice, drive) = (process.alice().await, &process.drive);
    process.upload(&alice, "a.txt", b"hello").await;
    process.moves().await;
    process.upload(&alice, "b.txt", b"hello").await;
    let newest = drive.ports().views.entry_with_content(alice.account, ContentHash::Sha256(sha256(b"hello"))).await.expect("views");
    let files = world.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
    let first = files.iter().find(|event| event.name == "FileAdded").expect("a file").stream.id().parse().expect("an id");
    let names = async |id, after, limit| {
        let page = history(drive, &alice, id, after, limit).await.expect("a history");
        page.events.into_iter().map(|event| (event.name, event.position)).collect::<Vec<_>>()
    };
    let all = names(first, Position::START, 10).await;
    assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["FileAdded", "BlobRelocated", "BlobCopyRemoved"]);
    let mut paged = Vec::new();
    while let Some(last) = names(first, paged.last().map_or(Position::START, |(_, at)| *at), 1).await.pop() {
        paged.push(last);
    }
    assert_eq!(paged, all);
    assert_eq!(names(newest.expect("an entry"), Position::START, 10).await.len(), 1, "it was made after the move");
}

#[tokio::test]
async fn whatever_a_transfer_does_names_the_request_that_stored_the_content_and_what_it_follows_from() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    let delivery = process.queue.take().await;
    assert_eq!(delivery.task.transfer.as_ref().and_then(|transfer| transfer.correlation.as_deref()), Some("r"));
    process.mover().serve(delivery).await;
    let events = world.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
    let moving = events.iter().skip_while(|event| event.name != "TransferRequested").collect::<Vec<_>>();
    assert_eq!(moving.len(), 6);
    for event in moving {
        assert_eq!(event.metadata.correlation.as_deref(), Some("r"), "{}", event.name);
        assert!(event.metadata.causation.is_some(), "{}", event.name);
    }
}

#[tokio::test]
async fn the_same_content_again_moves_no_second_time() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.moves().await;
    process.upload(&alice, "b.txt", b"hello").await;
    process.moves().await;
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["oss"]);
    assert_eq!(world.count("TransferRequested").await, 1);
    assert!(world.staging.list(Duration::ZERO).await.expect("a list").is_empty());
}

#[tokio::test]
async fn nothing_moves_that_shall_stay() {
    for policy in [to(&[]), MovePolicy { bytes_min: 6, ..to(&["oss"]) }, MovePolicy { bytes_max: Some(4), ..to(&["oss"]) }] {
        let world = World::new(policy);
        let process = world.process();
        let alice = process.alice().await;
        process.upload(&alice, "a.txt", b"hello").await;
        process.moves().await;
        assert_eq!(world.lies_in(sha256(b"hello")).await, ["local"]);
        assert_eq!(world.count("TransferRequested").await, 0);
    }
}

#[tokio::test]
async fn a_content_stays_where_it_landed_for_as_long_as_it_should() {
    let world = World::new(MovePolicy { after_seconds: 60, ..to(&["oss"]) });
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    world.clock.advance_seconds(30);
    process.upload(&alice, "b.txt", b"world").await;
    world.clock.advance_seconds(30);
    process.moves().await;
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["oss"]);
    assert_eq!(world.lies_in(sha256(b"world")).await, ["local"]);
    world.clock.advance_seconds(30);
    process.moves().await;
    assert_eq!(world.lies_in(sha256(b"world")).await, ["oss"]);
}

#[tokio::test]
async fn the_source_goes_when_every_destination_has_the_content() {
    let world = World::new(to(&["oss", "ceph"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.moves().await;
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["oss", "ceph"]);
    assert_eq!(world.count("TransferCompleted").await, 2);
    assert_eq!(world.count("BlobCopyRemoved").await, 1);
}

/// One destination, and two.
const DESTINATIONS: [&[&str]; 2] = [&["oss"], &["oss", "ceph"]];

/// The content lies in each of these stores once and nowhere else, nothing else lies anywhere, and the log tells the same.
async fn has_moved(world: &World, process: &Process<'_>, destinations: &[&str], told: &str) {
    let hello = sha256(b"hello");
    let told = format!("{told}, to {destinations:?}: {:?}", world.names().await);
    let expected: Vec<String> = destinations.iter().map(|store| format!("{store}/{hello}")).collect();
    assert_eq!(world.listing().await, expected, "{told}");
    assert!(world.staging.list(Duration::ZERO).await.expect("a list").is_empty(), "{told}");
    assert_eq!(process.phases().await, vec![Phase::Completed; destinations.len()], "{told}");
    assert_eq!(process.read(hello, 5).await.expect("readable"), b"hello", "{told}");
    assert_eq!(world.unknown_causes().await, [""; 0], "{told}");
    for name in ["TransferRequested", "BlobRelocated", "TransferCompleted"] {
        assert_eq!(world.count(name).await, destinations.len(), "{name}, {told}");
    }
    assert_eq!(world.count("BlobCopyRemoved").await, 1, "{told}");
}

/// And it stays so when everything is done once more.
async fn has_moved_for_good(world: &World, process: &Process<'_>, destinations: &[&str], told: &str) {
    has_moved(world, process, destinations, told).await;
    let before = world.names().await.len();
    process.repeats().await;
    has_moved(world, process, destinations, told).await;
    assert_eq!(world.names().await.len(), before, "{told}: {:?}", world.names().await);
}

/// A content was uploaded, and is to move. The upload itself has tests of its own.
async fn uploaded(destinations: &[&str], happens: bool) -> World {
    let world = World::breaking(to(destinations), &Effects::breaking_at(i64::MAX, happens));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    world
}

#[tokio::test]
async fn whatever_breaks_at_whatever_moment_there_is_one_copy_in_the_end() {
    for (destinations, happens) in DESTINATIONS.into_iter().flat_map(|to| [(to, false), (to, true)]) {
        for effect in 0.. {
            let world = uploaded(destinations, happens).await;
            world.effects.break_after(effect);
            world.process().moves().await;
            let broke = world.effects.broke();
            world.effects.mend();
            let process = world.process();
            process.begins().await;
            has_moved_for_good(&world, &process, destinations, &format!("effect {effect}, happens {happens}")).await;
            if !broke {
                assert!(effect > 9, "{effect} effects only");
                break;
            }
        }
    }
}

#[tokio::test]
async fn whatever_breaks_once_the_same_process_goes_on_to_one_copy_in_the_end() {
    for (destinations, happens) in DESTINATIONS.into_iter().flat_map(|to| [(to, false), (to, true)]) {
        for effect in 0.. {
            let world = uploaded(destinations, happens).await;
            let process = world.process();
            world.effects.break_once_after(effect);
            process.goes_on().await;
            let broke = world.effects.broke();
            world.effects.mend();
            has_moved_for_good(&world, &process, destinations, &format!("effect {effect}, happens {happens}")).await;
            if !broke {
                assert!(effect > 9, "{effect} effects only");
                break;
            }
        }
    }
}

#[tokio::test]
async fn each_step_may_run_twice() {
    for destinations in DESTINATIONS {
        let world = uploaded(destinations, false).await;
        let process = world.process();
        for _ in 0..2 {
            request_transfers(&process.drive, &MemoryCheckpoints::default()).await.expect("requested");
            process.watch(Patience::NONE).await;
        }
        for _ in 0..2 {
            process.works().await;
            process.watch(Patience::NONE).await;
        }
        has_moved_for_good(&world, &process, destinations, "twice").await;
    }
}

#[tokio::test]
async fn a_worker_that_is_cut_off_at_any_await_leaves_what_another_one_ends() {
    for destinations in DESTINATIONS {
        for polls in 0.. {
            let world = uploaded(destinations, false).await;
            let ended = {
                let process = world.process();
                request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
                let (mover, delivery) = (process.mover(), process.queue.take().await);
                let mut serving = pin!(mover.serve(delivery));
                (0..polls).any(|_| serving.as_mut().now_or_never().is_some())
            };
            let process = world.process();
            process.begins().await;
            has_moved_for_good(&world, &process, destinations, &format!("cut off after {polls} polls")).await;
            if ended {
                assert!(polls > 10, "{polls} polls only");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_last_attempt_that_has_done_it_and_reports_an_error_is_no_failure() {
    for effect in 0.. {
        let world = uploaded(&["oss"], true).await;
        let process = world.process();
        request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
        world.effects.break_once_after(effect);
        process.mover_with(1).serve(process.queue.take().await).await;
        let broke = world.effects.broke();
        world.effects.mend();
        assert_eq!(world.count("TransferStalled").await, 0, "effect {effect}");
        // The log did not answer when it began, and the task comes again.
        let begun = effect > 0;
        assert_eq!(process.phases().await == [Phase::Completed], begun, "effect {effect}: {:?}", world.names().await);
        if !broke {
            assert!(effect > 4, "{effect} effects only");
            break;
        }
    }
}

#[tokio::test]
async fn a_worker_that_panics_once_is_followed_by_another_attempt() {
    for effect in 0.. {
        let world = uploaded(&["oss"], false).await;
        let process = world.process();
        request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
        world.effects.panic();
        world.effects.break_once_after(effect);
        process.works().await;
        let broke = world.effects.broke();
        world.effects.mend();
        process.goes_on().await;
        has_moved_for_good(&world, &process, &["oss"], &format!("a panic at effect {effect}")).await;
        if !broke {
            assert!(effect > 4, "{effect} effects only");
            break;
        }
    }
}

#[tokio::test]
async fn a_task_at_which_every_worker_panics_is_put_aside() {
    let world = uploaded(&["oss"], false).await;
    let process = world.process();
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    world.effects.panic();
    world.effects.break_after(0);
    process.works().await;
    let failed = process.queue.failed();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].1.contains("panicked") && failed[0].1.contains("the roof falls in"), "{}", failed[0].1);
    world.effects.mend();
    process.goes_on().await;
    has_moved_for_good(&world, &process, &["oss"], "after the panics").await;
}

#[tokio::test]
async fn tasks_that_come_five_times_and_in_any_order_do_what_each_does_once() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    let contents: Vec<Vec<u8>> = (0..10_u8).map(|number| vec![number; 100]).collect();
    for content in &contents {
        process.upload(&alice, "a.bin", content).await;
    }
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    let mut tasks = Vec::new();
    while let Some(delivery) = process.queue.take().now_or_never() {
        tasks.extend(vec![delivery.task.clone(); 5]);
        delivery.done().await.expect("done");
    }
    for index in 0..tasks.len() {
        // 7 and 50 have no common factor, so every task has its turn.
        process.queue.push(&tasks[index * 7 % 50]).await.expect("pushed");
    }
    process.works().await;
    for content in &contents {
        assert_eq!(world.lies_in(sha256(content)).await, ["oss"]);
    }
    for name in ["TransferRequested", "TransferStarted", "BlobRelocated", "BlobCopyRemoved", "TransferCompleted"] {
        assert_eq!(world.count(name).await, 10, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_at_one_transfer_leave_what_one_leaves() {
    let mut copies = 0;
    for _ in 0..50 {
        let world = World::new(to(&["oss"]));
        let process = world.process();
        let alice = process.alice().await;
        process.upload(&alice, "a.txt", b"hello").await;
        request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
        let delivery = process.queue.take().await;
        for _ in 0..4 {
            process.queue.push(&delivery.task).await.expect("pushed");
        }
        delivery.done().await.expect("done");
        let others = [world.process(), world.process()];
        world.effects.take_reads();
        let movers = others.iter().map(|other| {
            let (mover, queue) = (other.mover(), process.queue.clone());
            tokio::spawn(async move {
                while let Some(delivery) = queue.take().now_or_never() {
                    mover.serve(delivery).await;
                }
            })
        });
        for mover in movers.collect::<Vec<_>>() {
            mover.await.expect("no panic");
        }
        copies += world.effects.take_reads();
        assert_eq!(world.lies_in(sha256(b"hello")).await, ["oss"]);
        for name in ["BlobRelocated", "BlobCopyRemoved", "TransferCompleted"] {
            assert_eq!(world.count(name).await, 1, "{name}");
        }
    }
    assert!(copies > 50, "the two have never been at it at the same time");
}

#[tokio::test]
async fn a_transfer_that_fails_too_often_rests_until_it_is_retried_and_keeps_no_other() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.upload(&alice, "b.txt", b"world").await;
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    // The bytes of the first are gone.
    world.local.damage(BlobKey::first(sha256(b"hello")), None);
    process.works().await;
    for _ in 0..2 {
        process.watch(Patience::NONE).await;
        process.works().await;
    }
    assert_eq!(world.lies_in(sha256(b"world")).await, ["oss"]);
    let mut phases = process.phases().await;
    phases.sort_by_key(|phase| *phase == Phase::Completed);
    assert_eq!(phases, [Phase::Stalled, Phase::Completed]);
    process.watch(Patience::NONE).await;
    process.works().await;
    assert_eq!(world.count("TransferStalled").await, 1, "it rests");
}

#[tokio::test]
async fn a_damaged_source_is_noted_and_never_copied() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    let hello = sha256(b"hello");
    world.local.damage(BlobKey::first(hello), Some(Bytes::from_static(b"jello")));
    process.moves().await;
    assert_eq!(world.lies_in(hello).await, ["local"]);
    assert_eq!(world.count("BlobDamaged").await, 1);
    assert_eq!(world.count("BlobCopyRemoved").await, 0);
}

#[tokio::test]
async fn a_task_of_the_design_before_is_understood() {
    let world = World::new(to(&[]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    let old = |hash: &str| Task {
        file_hash: hash.to_owned(),
        current_location: "/data/a".to_owned(),
        destination: "oss/a".to_owned(),
        destination_kind: StoreKind::Oss,
        attempt: 9,
        transfer: None,
    };
    process.queue.push(&old("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d")).await.expect("pushed");
    process.queue.push(&old("no hash at all")).await.expect("pushed");
    process.works().await;
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["oss"]);
    let failed = process.queue.failed();
    assert_eq!(failed.len(), 1);
    assert!(failed[0].1.contains("no hash at all"), "{}", failed[0].1);
}

#[tokio::test]
async fn what_a_worker_of_the_design_before_has_moved_is_noticed() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    process.upload(&alice, "b.txt", b"world").await;
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    let hello = sha256(b"hello");
    while let Some(delivery) = process.queue.take().now_or_never() {
        // It knows four fields, copies, and tells nobody.
        if delivery.task.current_location.ends_with(&hello.to_string()) {
            assert_eq!(delivery.task.destination, format!("oss/{hello}"));
            world.oss.put(Bytes::from_static(b"hello"));
        }
        delivery.done().await.expect("done");
    }
    let patience = Patience { look_seconds: 0, ..Patience::default() };
    let watched = process.watch(patience).await;
    assert_eq!((watched.found_done, watched.queued), (1, 0));
    assert_eq!(world.lies_in(hello).await, ["oss"]);
    assert_eq!(world.lies_in(sha256(b"world")).await, ["local"]);
}

#[tokio::test]
async fn what_somebody_has_put_there_wrongly_is_written_anew() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    let hello = sha256(b"hello");
    world.oss.damage(BlobKey::first(hello), Some(Bytes::from_static(b"jello")));
    process.moves().await;
    assert_eq!(world.lies_in(hello).await, ["oss"]);
    assert_eq!(process.read(hello, 5).await.expect("readable"), b"hello");
}

#[tokio::test]
async fn a_content_that_was_deleted_meanwhile_is_not_moved() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    request_transfers(&process.drive, &world.checkpoints).await.expect("requested");
    process.purge(&alice, sha256(b"hello")).await;
    assert_eq!(process.collect(0).await, 1);
    process.works().await;
    assert_eq!(world.lies_in(sha256(b"hello")).await, [""; 0]);
    assert_eq!(process.phases().await, [Phase::Abandoned]);
}

#[tokio::test]
async fn replaying_the_log_moves_nothing() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    process.upload(&alice, "a.txt", b"hello").await;
    let events = world.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
    let all: Vec<_> = events.iter().flat_map(|event| wanted(&to(&["oss"]), event).expect("readable")).collect();
    let again: Vec<_> = events.iter().flat_map(|event| wanted(&to(&["oss"]), event).expect("readable")).collect();
    assert_eq!(all.len(), 1);
    assert_eq!(all, again);
    assert_eq!(world.lies_in(sha256(b"hello")).await, ["local"]);
    assert_eq!(world.log.read_all(Position::START, usize::MAX).await.expect("the log reads").len(), events.len());
}
