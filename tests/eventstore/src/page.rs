//! Reads that end: a page of one stream or of `$all`.

use std::collections::BTreeMap;
use std::ops::Range;

use tonic::Status;

use crate::filter::{Filter, PAGE_EVENTS};
use crate::proto::{Content, Id, ReadEvent, RecordedEvent, StreamNotFound};
use crate::refusal;
use crate::request::{Origin, Read, Source};
use crate::store::{InvalidPosition, Record, Store};

/// What the page consists of, in the order in which it is sent.
pub(crate) fn read(store: &Store, request: &Read, backwards: bool, limit: u64) -> Result<Vec<Content>, Status> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    match &request.source {
        Source::Stream(name) => stream_page(store, name, request, backwards, limit),
        Source::All(filter) => all_page(store, filter.as_ref(), request, backwards, limit),
    }
}

fn stream_page(store: &Store, name: &str, request: &Read, backwards: bool, limit: usize) -> Result<Vec<Content>, Status> {
    let Some(readable) = store.readable(name).map_err(|_| refusal::stream_deleted(name))? else {
        return Ok(vec![Content::StreamNotFound(StreamNotFound { stream: Some(name.into()) })]);
    };
    let last = readable.end - 1;
    let mut page = Vec::new();
    if request.knows_positions && !backwards && first_page_is_truncated(request.from, readable.start, limit) {
        page.push(Content::FirstStreamPosition(readable.start));
    }
    let revisions = if backwards { up_to(request.from, &readable) } else { starting_at(request.from, &readable) };
    let events = store.events(name, revisions).map(|record| event(record, request.ids_as_text));
    if backwards {
        page.extend(events.rev().take(limit));
    } else {
        page.extend(events.take(limit));
    }
    if request.knows_positions {
        page.push(Content::LastStreamPosition(last));
    }
    Ok(page)
}

/// The server tells where a truncated stream begins only if its first look, of one page, found nothing at all.
fn first_page_is_truncated(from: Origin, first: u64, limit: usize) -> bool {
    let from = match from {
        Origin::Start => 0,
        Origin::At(revision) => revision,
        Origin::End => return false,
    };
    from.saturating_add(limit.min(PAGE_EVENTS) as u64) <= first
}

fn starting_at(from: Origin, readable: &Range<u64>) -> Range<u64> {
    let start = match from {
        Origin::Start => readable.start,
        Origin::At(revision) => revision.max(readable.start),
        Origin::End => readable.end,
    };
    start.min(readable.end)..readable.end
}

fn up_to(from: Origin, readable: &Range<u64>) -> Range<u64> {
    let end = match from {
        Origin::Start => 1,
        Origin::At(revision) => revision.saturating_add(1),
        Origin::End => readable.end,
    };
    readable.start..end.clamp(readable.start, readable.end)
}

/// Forwards a position is that of the first event that is read; backwards that of the first event that is not.
fn all_page(store: &Store, filter: Option<&Filter>, request: &Read, backwards: bool, limit: usize) -> Result<Vec<Content>, Status> {
    let log = store.log();
    let place = match request.from {
        Origin::Start => 0,
        Origin::End => log.len(),
        Origin::At(position) => store.place_of(position).map_err(|InvalidPosition| invalid_position(filter.is_some()))?,
    };
    let accepted = |record: &&std::sync::Arc<Record>| filter.is_none_or(|filter| filter.accepts(record));
    let content = |record: &std::sync::Arc<Record>| event(record, request.ids_as_text);
    Ok(if backwards {
        log[..place].iter().rev().filter(accepted).take(limit).map(content).collect()
    } else {
        log[place..].iter().filter(accepted).take(limit).map(content).collect()
    })
}

/// Up to version 25 the server does not expect such a position, and names one of its own types.
fn invalid_position(is_filtered: bool) -> Status {
    let result = if is_filtered { "FilteredReadAllResult" } else { "ReadAllResult" };
    Status::unknown(format!("Unexpected {result}: InvalidPosition"))
}

/// An event as it is sent.
pub(crate) fn event(record: &Record, id_as_text: bool) -> Content {
    let id = record.event.id;
    let content_type = if record.event.is_json { "application/json" } else { "application/octet-stream" };
    let system_metadata = [
        ("type", record.event.kind.clone()),
        ("content-type", content_type.to_owned()),
        ("created", record.created_ticks.to_string()),
    ];
    let event = RecordedEvent {
        id: Some(if id_as_text { Id::text(id) } else { Id::structured(id) }),
        stream: Some((&*record.stream).into()),
        stream_revision: record.revision,
        prepare_position: record.position,
        commit_position: record.position,
        system_metadata: system_metadata.map(|(key, value)| (key.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
        metadata: record.event.metadata.clone(),
        data: record.event.data.clone(),
    };
    Content::Event(ReadEvent { event: Some(event), commit_position: Some(record.position) })
}
