use std::sync::Arc;

use cairn_commands::ports::event_store::MemoryEventStore;
use cairn_domain::account::{AccountEvent, PasswordChanged};
use cairn_domain::blob::{BlobEvent, BlobReferenced, BlobRelocated};
use cairn_domain::transfer::{TransferAbandoned, TransferEvent};
use cairn_domain::{AccountId, CommandId, Event, Expected, FileId, NewEvent, Sha256, StreamName, Timestamp, TransferId};

use super::*;

async fn log(events: impl IntoIterator<Item = Event>) -> Arc<MemoryEventStore> {
    let log = Arc::new(MemoryEventStore::default());
    for (n, event) in events.into_iter().enumerate() {
        let stream = match event {
            Event::Blob(_) => StreamName::blob(Sha256([0; 32])),
            Event::Transfer(_) => StreamName::transfer(TransferId(Uuid::nil())),
            _ => StreamName::account(AccountId(Uuid::nil())),
        };
        let id = CommandId(Uuid::nil()).event(stream.as_str(), n);
        let new = NewEvent { id, time: Timestamp(0), metadata: Metadata::default(), event };
        log.append(&stream, Expected::Any, vec![new]).await.expect("appended");
    }
    log
}

fn password() -> Event {
    AccountEvent::PasswordChanged(PasswordChanged { password_hash: "$argon2id$secret".to_owned() }).into()
}

fn reference() -> Event {
    BlobEvent::BlobReferenced(BlobReferenced { file: FileId(Uuid::nil()) }).into()
}

fn ask(after: Option<u64>, filters: Filters, limit: Option<u64>, cursor: Option<&str>) -> EventsQuery {
    EventsQuery::read(after, filters, None, limit, cursor).expect("a query")
}

async fn positions(log: &MemoryEventStore, category: Option<&str>, limit: u64) -> Vec<Vec<u64>> {
    let (mut pages, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let filters = Filters { category: category.map(str::to_owned), ..Filters::default() };
        let page = ask(None, filters, Some(limit), cursor.as_deref()).page(log).await.expect("a page");
        pages.push(page.items.iter().map(|event| event.position).collect());
        cursor = page.next_cursor;
        if cursor.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn pages_go_through_the_whole_log_once() {
    let log = log([password(), reference(), password(), password()]).await;
    assert_eq!(positions(&log, None, 3).await, [vec![1, 2, 3], vec![4]]);
    assert_eq!(positions(&log, None, 4).await, [vec![1, 2, 3, 4]]);
    assert_eq!(positions(&log, Some("account"), 2).await, [vec![1, 3], vec![4]]);
    assert_eq!(positions(&log, Some("upload"), 2).await, [Vec::<u64>::new()]);
}

#[tokio::test]
async fn no_secret_is_shown() {
    let log = log([password()]).await;
    let page = ask(Some(0), Filters::default(), None, None).page(&*log).await.expect("a page");
    assert_eq!(page.items[0].data, json!({ "password_hash": "(redacted)" }));
}

#[tokio::test]
async fn contents_on_their_way_are_shown_with_what_happened_to_them() {
    let moved = BlobEvent::BlobRelocated(BlobRelocated { from: "local".to_owned(), to: "far".to_owned() });
    let given_up = TransferEvent::TransferAbandoned(TransferAbandoned { reason: "not wanted".to_owned() });
    let log = log([reference(), moved.into(), given_up.into()]).await;
    assert_eq!(positions(&log, Some("transfer"), 2).await, [vec![3]]);
    let page = ask(Some(1), Filters::default(), None, None).page(&*log).await.expect("a page");
    let shown: Vec<_> = page.items.into_iter().map(|event| (event.name, event.data)).collect();
    let relocated = ("BlobRelocated".to_owned(), json!({ "from": "local", "to": "far" }));
    assert_eq!(shown, [relocated, ("TransferAbandoned".to_owned(), json!({ "reason": "not wanted" }))]);
}

#[test]
fn an_empty_cursor_is_none() {
    let after = |cursor| ask(Some(7), Filters::default(), None, cursor).after;
    assert_eq!([after(None), after(Some("")), after(Some("after-9"))], [Position(7), Position(7), Position(9)]);
}

#[test]
fn wrong_parameters_are_named_together() {
    let wrong = EventsQuery::read(
        None,
        Filters { category: Some("nothing".to_owned()), ..Filters::default() },
        None,
        None,
        Some("after-01"),
    );
    let problem = wrong.expect_err("two faults");
    let fields: Vec<&str> = problem.errors().iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["category", "cursor"]);
}

#[tokio::test]
async fn events_are_chosen_by_stream_type_and_place() {
    let log = log([password(), reference(), password(), password()]).await;
    let all = log.read_all(Position::START, 10).await.expect("read");
    let found = async |filters: Filters| {
        let page = ask(None, filters, None, None).page(&*log).await.expect("a page");
        page.items.iter().map(|event| event.position).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(Filters { stream: text(all[1].stream.as_str()), ..Filters::default() }).await, [2]);
    assert_eq!(found(Filters { types: vec!["PasswordChanged".to_owned()], ..Filters::default() }).await, [1, 3, 4]);
    assert_eq!(found(Filters { from: text("2"), until: text("3"), ..Filters::default() }).await, [2, 3]);
    assert_eq!(found(Filters { until: text("1970-01-01T00:00:00Z"), ..Filters::default() }).await, [1, 2, 3, 4]);
    assert_eq!(found(Filters { from: text("1970-01-01"), until: text("1970-01-01"), ..Filters::default() }).await, [1, 2, 3, 4]);
    assert!(found(Filters { from: text("1970-01-01T00:00:01Z"), ..Filters::default() }).await.is_empty());
    let until_two = Filters { until: text("2"), ..Filters::default() };
    assert_eq!(ask(None, until_two, Some(2), None).page(&*log).await.expect("a page").next_cursor, None, "nothing follows");
    let of_system = EventsQuery::read(None, Filters::default(), Some(None), None, None).expect("a query");
    assert_eq!(of_system.page(&*log).await.expect("a page").items.len(), 4);
    let of_somebody = EventsQuery::read(None, Filters::default(), Some(Some(AccountId(Uuid::nil()))), None, None).expect("a query");
    assert!(of_somebody.page(&*log).await.expect("a page").items.is_empty());
}

#[test]
fn filters_that_mean_nothing_are_all_told() {
    let wrong = || Some("no thing".to_owned());
    let filters = Filters { category: wrong(), stream: wrong(), types: vec!["Sung".to_owned()], from: wrong(), until: wrong() };
    let problem = EventsQuery::read(None, filters, None, None, None).expect_err("refused");
    let mut fields: Vec<_> = problem.errors().iter().map(|error| error.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["category", "from", "stream", "type", "until"]);
}
