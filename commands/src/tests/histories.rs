//! How much of the log it costs to tell what happened to an entry.

use cairn_domain::{FileId, Position};

use super::stage::sha256;
use super::world::{Process, World, to};
use crate::Caller;
use crate::file::history;
use crate::ports::event_store::EventStore;

/// All pages, and the most events that one of them cost.
async fn told(process: &Process<'_>, alice: &Caller, id: FileId, limit: usize) -> (Vec<String>, usize) {
    let (mut names, mut cost_max, mut after) = (Vec::new(), 0, Position::START);
    loop {
        process.world.log.take_reads();
        let page = history(&process.drive, alice, id, after, limit).await.expect("a history");
        cost_max = cost_max.max(process.world.log.take_reads().1);
        assert!(page.events.len() <= limit && page.events.is_sorted_by_key(|event| event.position));
        names.extend(page.events.into_iter().map(|event| event.name));
        match page.next {
            Some(next) if next > after => after = next,
            Some(next) => panic!("from {after} to {next}"),
            None => return (names, cost_max),
        }
    }
}

#[tokio::test]
async fn the_history_of_a_much_shared_content_is_read_bit_by_bit() {
    let world = World::new(to(&["oss"]));
    let process = world.process();
    let alice = process.alice().await;
    let hello = sha256(b"hello");
    process.upload(&alice, "a.txt", b"hello").await;
    process.announce(hello, 25_000).await;
    process.moves().await;
    process.upload(&alice, "b.txt", b"hello").await;
    process.announce(hello, 3_000).await;
    let events = world.log.read_all(Position::START, usize::MAX).await.expect("the log reads");
    let files = events.iter().filter(|event| event.name == "FileAdded");
    let [first, second] = files.map(|event| event.stream.id().parse().expect("an id")).collect::<Vec<FileId>>()[..] else {
        panic!("two files")
    };
    // The state of the content need not be folded for it.
    let process = world.process();
    for limit in [1, 2, 100] {
        let (names, cost_max) = told(&process, &alice, first, limit).await;
        assert_eq!(names, ["FileAdded", "BlobRelocated", "BlobCopyRemoved"]);
        assert!(cost_max < 12_000, "{cost_max}");
        let (names, cost_max) = told(&process, &alice, second, limit).await;
        assert_eq!(names, ["FileAdded"], "the move was before");
        assert!(cost_max < 6_000, "{cost_max}");
    }
}
