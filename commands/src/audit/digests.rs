use cairn_domain::Position;

use super::{Finding, LogAudit};
use crate::Trouble;
use crate::log_digest::LogDigest;
use crate::ports::digests::{BLOCK_EVENTS, Block, Digests};
use crate::ports::event_store::EventStore;

/// Events that one read asks for.
const PAGE: usize = 4_096;

/// A digest that the caller has from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Of so many events.
    pub events: u64,
    /// What it should be.
    pub digest: LogDigest,
}

/// Reads the log to the end that it has now, and judges it.
pub async fn audit_log(
    log: &dyn EventStore,
    digests: &dyn Digests,
    expected: &[Expected],
    report: &mut (dyn FnMut(Finding) + Send),
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<LogAudit, Trouble> {
    let mut audit = LogAudit::default();
    let mut kept = Kept { digests, block: None, parted: false };
    // What is kept is read first: the log may grow meanwhile, and its digests with it.
    let end = digests.last().await.map_err(|error| Trouble::Unavailable(error.into()))?;
    let head = log.head().await?;
    while audit.audited().last < head {
        let page = log.read_all(audit.audited().last, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for event in page.iter().filter(|event| event.position <= head) {
            let number = audit.audited().events;
            audit.event(event, report);
            let digest = audit.audited().digest;
            if !kept.agrees(number, digest).await? {
                report(Finding::Altered { position: event.position });
            }
            let other = |expected: &&Expected| expected.events == number + 1 && expected.digest != digest;
            if expected.iter().any(|expected| other(&expected)) {
                report(Finding::OtherDigest { events: number + 1 });
            }
        }
        progress(audit.audited().events);
    }
    audit.end(report);
    report_missing(&audit, end.as_ref(), expected, report);
    Ok(audit)
}

fn report_missing(audit: &LogAudit, end: Option<&Block>, expected: &[Expected], report: &mut (dyn FnMut(Finding) + Send)) {
    let audited = audit.audited();
    let kept = end.map_or(0, |block| block.before + block.marks.len() as u64);
    if kept > audited.events {
        let last = end.map_or(Position::START, |block| block.last);
        report(Finding::CutOff { head: audited.last, events: audited.events, last, kept });
    }
    for expected in expected.iter().filter(|expected| expected.events > audited.events) {
        report(Finding::OtherDigest { events: expected.events });
    }
}

/// What was kept of the log.
struct Kept<'a> {
    digests: &'a dyn Digests,
    block: Option<Block>,
    /// From the first event that differs, every later digest does.
    parted: bool,
}

impl Kept<'_> {
    /// Whether the log was like this after the event of that number, counted from 0. It is not asked again once it was not.
    async fn agrees(&mut self, number: u64, digest: LogDigest) -> Result<bool, Trouble> {
        if self.parted {
            return Ok(true);
        }
        let index = usize::try_from(number % BLOCK_EVENTS as u64).unwrap_or_default();
        if index == 0 {
            let block = self.digests.load(number).await;
            self.block = block.map_err(|error| Trouble::Unavailable(error.into()))?;
        }
        let Some(block) = &self.block else { return Ok(true) };
        let Some(mark) = block.marks.get(index) else { return Ok(true) };
        let same = *mark == digest.mark() && (index + 1 < block.marks.len() || block.digest == digest);
        self.parted = !same;
        Ok(same)
    }
}
