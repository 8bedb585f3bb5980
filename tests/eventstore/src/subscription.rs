//! Reads that do not end: catch-up subscriptions to one stream or to `$all`.

use std::sync::Arc;

use tokio::sync::mpsc;
use tonic::Status;

use crate::fault::Counted;
use crate::filter::{Filter, PAGE_EVENTS};
use crate::page;
use crate::proto::{Checkpoint, Content, Empty, ReadResp, SubscriptionConfirmation};
use crate::refusal;
use crate::request::{Origin, Read, Source};
use crate::shared::Shared;
use crate::store::Record;

pub(crate) type Answers = mpsc::Sender<Result<ReadResp, Status>>;

/// Why a subscription is over.
enum Stop {
    ClientIsGone,
    Failed(Status),
}

/// Sends to one client what it subscribed to, until the client goes, the stream is deleted or a test ends it.
pub(crate) async fn run(shared: Arc<Shared>, request: Read, answers: Answers) {
    let mut endings = shared.endings.subscribe();
    let _running = Counted::new(&shared.subscriptions);
    let subscription = Subscription { shared: &shared, answers: &answers, ids_as_text: request.ids_as_text };
    let status = tokio::select! {
        stop = subscription.follow(&request) => match stop {
            Err(Stop::Failed(status)) => Some(status),
            Err(Stop::ClientIsGone) | Ok(()) => None,
        },
        () = answers.closed() => None,
        _ = endings.changed() => endings.borrow().status(),
    };
    if let Some(status) = status {
        let _ = answers.send(Err(status)).await;
    }
}

struct Subscription<'a> {
    shared: &'a Shared,
    answers: &'a Answers,
    ids_as_text: bool,
}

impl Subscription<'_> {
    async fn follow(&self, request: &Read) -> Result<(), Stop> {
        // The end is where it is now: the client may append as soon as it has the confirmation.
        let start = match &request.source {
            Source::Stream(name) => self.first_revision(name, request.from),
            Source::All(_) => self.first_place(request.from),
        };
        let subscription_id = self.shared.next_subscription_id().to_string();
        self.send(Content::Confirmation(SubscriptionConfirmation { subscription_id })).await?;
        match &request.source {
            Source::Stream(name) => self.follow_stream(name, start?).await,
            Source::All(filter) => self.follow_all(filter.as_ref(), start? as usize).await,
        }
    }

    async fn follow_stream(&self, name: &str, mut next: u64) -> Result<(), Stop> {
        let mut log_length = self.shared.log_length.subscribe();
        let mut is_live = false;
        loop {
            log_length.mark_unchanged();
            let page = match self.stream_page(name, next) {
                Err(stop) if is_live => return self.send_tombstone(name).await.and(Err(stop)),
                page => page?,
            };
            for record in &page {
                self.send(page::event(record, self.ids_as_text)).await?;
                next = record.revision + 1;
            }
            if page.is_empty() && !is_live {
                is_live = true;
                self.send(Content::CaughtUp(Empty {})).await?;
            }
            if page.is_empty() {
                let _ = log_length.changed().await;
            }
        }
    }

    /// The revision that a client names is the last one that it has seen.
    fn first_revision(&self, name: &str, from: Origin) -> Result<u64, Stop> {
        Ok(match from {
            Origin::Start => 0,
            Origin::At(revision) => revision.saturating_add(1),
            Origin::End => self.shared.store().readable(name).map_err(|_| deleted(name))?.map_or(0, |readable| readable.end),
        })
    }

    fn stream_page(&self, name: &str, next: u64) -> Result<Vec<Arc<Record>>, Stop> {
        let store = self.shared.store();
        let Some(readable) = store.readable(name).map_err(|_| deleted(name))? else {
            return Ok(Vec::new());
        };
        let start = next.max(readable.start);
        Ok(store.events(name, start..readable.end).take(PAGE_EVENTS).cloned().collect())
    }

    /// A live subscription gets the tombstone before it ends.
    async fn send_tombstone(&self, name: &str) -> Result<(), Stop> {
        let tombstone = self.shared.store().tombstone_of(name).cloned();
        match tombstone {
            Some(record) => self.send(page::event(&record, self.ids_as_text)).await,
            None => Ok(()),
        }
    }

    async fn follow_all(&self, filter: Option<&Filter>, start: usize) -> Result<(), Stop> {
        let mut log_length = self.shared.log_length.subscribe();
        let mut checkpoints = Checkpoints::new(filter);
        let mut next = self.catch_up(filter, start, &mut checkpoints).await?;
        self.send(Content::CaughtUp(Empty {})).await?;
        checkpoints.restart();
        loop {
            log_length.mark_unchanged();
            let page = self.log_page(next, PAGE_EVENTS);
            next += page.len();
            for record in &page {
                self.send_if_accepted(filter, record).await?;
                self.send_checkpoint(checkpoints.after(1, record.position)).await?;
            }
            if page.is_empty() {
                let _ = log_length.changed().await;
            }
        }
    }

    /// Sends what is there already; gives the place in the log from which on everything is new.
    async fn catch_up(&self, filter: Option<&Filter>, mut next: usize, checkpoints: &mut Checkpoints) -> Result<usize, Stop> {
        let window = filter.map_or(PAGE_EVENTS, |filter| filter.window);
        let mut reached = None;
        loop {
            let page = self.log_page(next, window);
            let Some(first) = page.first() else {
                return Ok(next);
            };
            // A checkpoint is never beyond the last event sent, but for the first event of a page without any.
            reached = reached.max(Some(first.position));
            for record in &page {
                if self.send_if_accepted(filter, record).await? {
                    reached = Some(record.position);
                }
            }
            next += page.len();
            let position = reached.unwrap_or_default();
            let is_end = next == self.shared.store().log().len();
            let checkpoint = if is_end { checkpoints.at_end(position) } else { checkpoints.after(page.len(), position) };
            self.send_checkpoint(checkpoint).await?;
        }
    }

    /// The position that a client names is that of the last event that it has seen.
    fn first_place(&self, from: Origin) -> Result<u64, Stop> {
        let store = self.shared.store();
        let place = match from {
            Origin::Start => 0,
            Origin::End => store.log().len(),
            Origin::At(position) => {
                let place = store.place_of(position).map_err(|error| Stop::Failed(refusal::invalid_position(error)))?;
                let is_there = store.log().get(place).is_some_and(|record| record.position == position);
                place + usize::from(is_there)
            }
        };
        Ok(place as u64)
    }

    fn log_page(&self, next: usize, limit: usize) -> Vec<Arc<Record>> {
        self.shared.store().log().iter().skip(next).take(limit).cloned().collect()
    }

    async fn send_if_accepted(&self, filter: Option<&Filter>, record: &Record) -> Result<bool, Stop> {
        let is_accepted = filter.is_none_or(|filter| filter.accepts(record));
        if is_accepted {
            self.send(page::event(record, self.ids_as_text)).await?;
        }
        Ok(is_accepted)
    }

    async fn send_checkpoint(&self, checkpoint: Option<u64>) -> Result<(), Stop> {
        match checkpoint {
            Some(position) => self.send(Content::Checkpoint(Checkpoint::of(position))).await,
            None => Ok(()),
        }
    }

    async fn send(&self, content: Content) -> Result<(), Stop> {
        self.answers.send(Ok(content.into())).await.map_err(|_| Stop::ClientIsGone)
    }
}

fn deleted(name: &str) -> Stop {
    Stop::Failed(refusal::stream_deleted(name))
}

/// When a filtered subscription tells the client how far it has looked.
struct Checkpoints {
    /// `None` without a filter: then every event is a checkpoint.
    interval: Option<usize>,
    considered: usize,
    sent: Option<u64>,
}

impl Checkpoints {
    fn new(filter: Option<&Filter>) -> Self {
        Self { interval: filter.map(|filter| filter.checkpoint_interval.max(1)), considered: 0, sent: None }
    }

    /// The live half counts anew.
    fn restart(&mut self) {
        self.considered = 0;
    }

    /// The checkpoint that is due after so many more events, if any.
    fn after(&mut self, events: usize, position: u64) -> Option<u64> {
        let interval = self.interval?;
        self.considered += events;
        if self.considered < interval {
            return None;
        }
        self.considered %= interval;
        self.unless_sent(position)
    }

    /// There is one at the end of what was there already, however few events that were.
    fn at_end(&mut self, position: u64) -> Option<u64> {
        self.interval?;
        self.unless_sent(position)
    }

    fn unless_sent(&mut self, position: u64) -> Option<u64> {
        if self.sent.is_some_and(|sent| position <= sent) {
            return None;
        }
        self.sent = Some(position);
        self.sent
    }
}
