//! Reading, in pages.

use std::time::Duration;

use cairn_commands::ports::event_store::StoreError;
use cairn_domain::{Position, StoredEvent, StreamName, Version};
use tokio::time::timeout;

use super::places::Places;
use crate::eventstore::call::{self, Begin};
use crate::eventstore::link::Link;
use crate::eventstore::record::name_of;
use crate::eventstore::trouble::{Failure, Late};

/// Events that are asked for at once: one question, however long the log is.
pub(super) const PAGE: usize = 1_000;

/// How long a page of a stream may take, with a wait for the server and every try: somebody waits for it.
const PAGE_MAX: Duration = Duration::from_millis(2_500);

/// The server counts with signed integers.
const NUMBER_MAX: u64 = i64::MAX as u64;

pub(super) async fn stream(link: &Link, stream: &StreamName, from: Version, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
    let name = name_of(stream);
    let mut events = Vec::new();
    while events.len() < limit {
        let next = Version(from.0.saturating_add(events.len() as u64));
        if next.0 >= NUMBER_MAX {
            break;
        }
        let wanted = PAGE.min(limit - events.len());
        let page = page_of_stream(link, &name, next, wanted).await;
        let page = page.map_err(|failure| failure.into_store_error(&name, Position::START))?;
        let is_last = page.len() < wanted;
        events.extend(page);
        if is_last {
            break;
        }
    }
    Ok(events)
}

pub(super) async fn page_of_stream(link: &Link, name: &str, from: Version, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    let page = link.ask(|live| async move { call::page_of_stream(&live.client, name, from, limit).await });
    timeout(PAGE_MAX, page).await.unwrap_or_else(|_| Err(Failure::Away(Late(PAGE_MAX).into())))
}

pub(super) async fn head(link: &Link) -> Result<Position, StoreError> {
    let head = link.ask(|live| async move { live.head().await }).await;
    head.map_err(|failure| failure.into_store_error("$all", Position::START))
}

pub(super) async fn all(link: &Link, places: &Places, after: Position, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
    let mut events = Vec::<StoredEvent>::new();
    while events.len() < limit {
        let after = events.last().map_or(after, |event| event.position);
        let wanted = PAGE.min(limit - events.len());
        let page = page_after(link, places, after, wanted).await;
        let page = page.map_err(|failure| failure.into_store_error("$all", after))?;
        let is_last = page.len() < wanted;
        events.extend(page);
        if is_last {
            break;
        }
    }
    if let Some(last) = events.last() {
        places.note(last.position);
    }
    Ok(events)
}

/// The server reads from a position on, with the event that stands there, and refuses any number at which none does.
async fn page_after(link: &Link, places: &Places, after: Position, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    let begin = if after == Position::START { Begin::Start } else { Begin::At(after) };
    if after.0 >= NUMBER_MAX {
        return Ok(Vec::new());
    }
    match page_from(link, begin, after, limit).await {
        Err(Failure::NoSuchPosition) => match places.next_after(link, after).await? {
            Some(begin) => page_from(link, begin, after, limit).await,
            None => Ok(Vec::new()),
        },
        page => page,
    }
}

async fn page_from(link: &Link, begin: Begin, after: Position, limit: usize) -> Result<Vec<StoredEvent>, Failure> {
    link.ask(|live| async move { call::page_of_all(&live.client, begin, after, limit).await }).await
}
