use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use cairn_domain::share::{Share, ShareCommand, ShareEvent, ShareRejection, Standing, StartDownload, Visitor};
use cairn_domain::{CommandId, Decider, DownloadId, Event, EventId, ShareId, StreamName, Version, codec};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::coverage::Coverage;
use super::find::{look_up, pass};
use super::{FindError, Found, ShareToken};
use crate::journal::Start;
use crate::pace::network_of;
use crate::{Drive, Loaded, Request, Trouble};

/// Events that one read of a share asks for.
const PAGE: usize = 1_000;

/// Somebody who may download, once they have decided what.
#[derive(Debug, Clone)]
pub struct Grant {
    found: Found,
    visitor: Visitor,
    request: Request,
}

/// The right to be sent a content, and the count of what was sent. When the last of it is dropped, the download has broken off, or everything was
/// handed over to the system; then the receipt tells whether it has come.
pub struct Delivery {
    drive: Arc<Drive>,
    grant: Grant,
    download: DownloadId,
    sent: Mutex<Coverage>,
    receipt: Mutex<Receipt>,
}

/// Whether the client has what was handed over to the system for it. A system takes some megabytes that nobody may ever read.
pub type Receipt = BoxFuture<'static, bool>;

/// Looks whether a download may begin or go on. Nothing is counted yet.
pub async fn peek(drive: &Drive, request: &Request, token: &ShareToken, password: Option<&str>) -> Result<Grant, FindError> {
    let found = look_up(drive, token).await?;
    let visitor = visitor_of(request);
    let now = drive.ports.clock.now();
    // Before the password: a share that is used up is as if absent.
    let open = match found.share.standing(now) {
        Standing::Active => true,
        Standing::UsedUp => found.share.has_under_way(&visitor, now, &drive.deliveries.handed_over(found.id)),
        Standing::Expired | Standing::Revoked => false,
    };
    if !open {
        return Err(FindError::Absent);
    }
    pass(drive, &found, password, request).await?;
    Ok(Grant { found, visitor, request: request.clone() })
}

/// Begins a download, which counts, or goes on with one of the same visitor's: with any that is under way for a part, otherwise with
/// one that has broken off.
pub async fn begin(drive: &Arc<Drive>, grant: Grant, in_part: bool, receipt: Receipt) -> Result<Delivery, FindError> {
    let id = grant.found.id;
    // Those of this process one after the other: all of them change one stream, and what has broken off is gone on with by one of them.
    let turn = drive.sharing.turn(id.0).await;
    let start = StartDownload {
        download: new_download(&grant.request),
        visitor: grant.visitor.clone(),
        sha256: grant.found.entry.content().sha256,
        at: drive.ports.clock.now(),
        in_part,
        broken: drive.deliveries.broken(id),
        sent: drive.deliveries.handed_over(id),
    };
    let decide = |share: &Loaded<Share>| match share.state.decide(ShareCommand::Download(start.clone())) {
        Ok(events) => Ok(events),
        Err(ShareRejection::Absent | ShareRejection::Over | ShareRejection::UsedUp) => Err(FindError::Absent),
        Err(other) => Err(FindError::Trouble(Trouble::Broken(format!("{other:?}").into()))),
    };
    let share = drive.journal.execute(&StreamName::share(id), Start::Load, &grant.request, decide).await?;
    let download = share.state.offered().and_then(|share| share.goes_on_with(&start)).unwrap_or(start.download);
    if !drive.deliveries.begin(id, download) {
        return Err(FindError::TooManyAttempts { wait_seconds: 1 });
    }
    drop(turn);
    Ok(Delivery { drive: Arc::clone(drive), grant, download, sent: Mutex::default(), receipt: Mutex::new(receipt) })
}

impl Grant {
    /// What the token leads to.
    pub fn found(&self) -> &Found {
        &self.found
    }
}

impl Delivery {
    /// These bytes of the content were sent.
    pub fn sent(&self, range: Range<u64>) {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).add(range);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let size = self.grant.found.entry.content().size;
        let (drive, share, download) = (Arc::clone(&self.drive), self.grant.found.id, self.download);
        let sent = self.sent.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !drive.deliveries.end(share, download, sent, size) {
            return;
        }
        let request = self.grant.request.clone();
        let receipt = self.receipt.get_mut().unwrap_or_else(PoisonError::into_inner);
        let receipt = std::mem::replace(receipt, std::future::ready(true).boxed());
        self.drive.in_background(async move {
            let has_come = receipt.await;
            if !has_come {
                return drive.deliveries.settle(share, download, false);
            }
            let ended = end(&drive, request, share, download).await;
            // Not before its end is on the log: somebody could go on with it in between.
            drive.deliveries.settle(share, download, true);
            if let Err(trouble) = ended {
                tracing::warn!(%share, error = &trouble as &dyn std::error::Error, "the end of a download is not on the log");
            }
        });
    }
}

/// The download that a request begins, unless it goes on with another.
fn new_download(request: &Request) -> DownloadId {
    DownloadId(request.command.derive("download"))
}

/// It follows from the beginning of the download, by itself: not from the request that asked for the last of it, which may have been another.
async fn end(drive: &Drive, request: Request, share: ShareId, download: DownloadId) -> Result<(), Trouble> {
    let stream = StreamName::share(share);
    let causation = if new_download(&request) == download {
        Some(request.command.event(stream.as_str(), 0))
    } else {
        beginning_of(drive, &stream, download).await?
    };
    let request = Request { command: CommandId(download.0).then("end"), keyed: false, causation, ..request };
    let decide = |share: &Loaded<Share>| {
        let decision = share.state.decide(ShareCommand::EndDownload(download));
        decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    let _turn = drive.sharing.turn(share.0).await;
    drive.journal.execute::<Share, Trouble>(&stream, Start::Load, &request, decide).await.map(drop)
}

/// The event with which the download began.
async fn beginning_of(drive: &Drive, stream: &StreamName, download: DownloadId) -> Result<Option<EventId>, Trouble> {
    let mut from = Version(0);
    loop {
        let page = drive.ports.log.read_stream(stream, from, PAGE).await?;
        for stored in &page {
            if let Event::Share(ShareEvent::ShareDownloaded(began)) = codec::decode(stored)?
                && began.download == download
            {
                return Ok(Some(stored.id));
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => from = last.version.next(),
            _ => return Ok(None),
        }
    }
}

/// Who goes on with whose download: an account, or whoever comes from a network.
fn visitor_of(request: &Request) -> Visitor {
    match (&request.actor, &request.client) {
        (Some(account), _) => Visitor::Account(*account),
        (None, Some(address)) => Visitor::Network(network_of(address)),
        (None, None) => Visitor::Unknown,
    }
}
