use cairn_domain::Position;

use super::pages::Pages;
use super::{Audited, Finding, LogAudit};
use crate::Trouble;
use crate::log_digest::LogDigest;
use crate::ports::digests::{BLOCK_EVENTS, Block, Digests};
use crate::ports::event_store::EventStore;

/// A digest that the caller has from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Of so many events.
    pub events: u64,
    /// What it should be.
    pub digest: LogDigest,
}

/// What is known of a log beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Digests that the caller has from elsewhere.
    pub expected: &'a [Expected],
    /// Whether its positions are 1, 2, 3 and so on, without a hole.
    pub contiguous: bool,
}

/// Reads the log to the end that it has now, and judges it. What is no event is told and passed over, if there is a way past it.
pub async fn audit_log(
    log: &dyn EventStore,
    digests: &dyn Digests,
    known: Known<'_>,
    report: &mut (dyn FnMut(Finding) + Send),
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<LogAudit, Trouble> {
    let mut audit = LogAudit::default();
    let mut kept = Kept { digests, block: None, parted: false };
    // What is kept is read first: the log may grow meanwhile, and its digests with it.
    let end = digests.last().await.map_err(|error| Trouble::Unavailable(error.into()))?;
    let mut pages = Pages::of(log, known.contiguous).await?;
    report_other_digest(&audit, known.expected, report);
    loop {
        let page = pages.next(report).await?;
        // Without what was passed over, every later digest is another one.
        kept.parted |= pages.passed > 0;
        if page.is_empty() {
            break;
        }
        for event in &page {
            let number = audit.audited().events;
            audit.event(event, report);
            match kept.compare(number, audit.audited().digest).await? {
                None => {}
                Some(true) => audit.compared(),
                Some(false) => report(Finding::Altered { position: event.position }),
            }
            report_other_digest(&audit, known.expected, report);
        }
        progress(audit.audited().events);
    }
    audit.end(report);
    report_missing(&audit, pages.passed, end.as_ref(), known.expected, report);
    Ok(audit)
}

/// Compares the events so far with what the caller knows of just as many.
fn report_other_digest(audit: &LogAudit, expected: &[Expected], report: &mut (dyn FnMut(Finding) + Send)) {
    let Audited { events, digest, .. } = audit.audited();
    if expected.iter().any(|expected| expected.events == events && expected.digest != digest) {
        report(Finding::OtherDigest { events });
    }
}

fn report_missing(
    audit: &LogAudit,
    passed: u64,
    end: Option<&Block>,
    expected: &[Expected],
    report: &mut (dyn FnMut(Finding) + Send),
) {
    let audited = audit.audited();
    let kept = end.map_or(0, |block| block.before + block.marks.len() as u64);
    if kept > audited.events + passed {
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
    /// Whether the log was like this after the event of that number, counted from 0. None where nothing is kept, and after it was not.
    async fn compare(&mut self, number: u64, digest: LogDigest) -> Result<Option<bool>, Trouble> {
        if self.parted {
            return Ok(None);
        }
        let index = usize::try_from(number % BLOCK_EVENTS as u64).unwrap_or_default();
        if index == 0 {
            let block = self.digests.load(number).await;
            self.block = block.map_err(|error| Trouble::Unavailable(error.into()))?;
        }
        let Some(block) = &self.block else { return Ok(None) };
        let Some(mark) = block.marks.get(index) else { return Ok(None) };
        let same = *mark == digest.mark() && (index + 1 < block.marks.len() || block.digest == digest);
        self.parted = !same;
        Ok(Some(same))
    }
}
