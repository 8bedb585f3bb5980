use cairn_domain::{Position, StoredEvent};

use super::Finding;
use crate::Trouble;
use crate::ports::event_store::{EventStore, StoreError};

/// Events that one read asks for.
const PAGE: usize = 4_096;

/// A log, page by page, up to where it ended at the beginning.
pub(super) struct Pages<'a> {
    log: &'a dyn EventStore,
    contiguous: bool,
    after: Position,
    head: Position,
    /// Events that the next read asks for: few, where some can't be read.
    limit: usize,
    /// How many there were that can't be read.
    pub(super) passed: u64,
}

impl<'a> Pages<'a> {
    pub(super) async fn of(log: &'a dyn EventStore, contiguous: bool) -> Result<Self, Trouble> {
        let head = log.head().await?;
        Ok(Self { log, contiguous, after: Position::START, head, limit: PAGE, passed: 0 })
    }

    /// The next events that can be read; none at the end.
    pub(super) async fn next(&mut self, report: &mut (dyn FnMut(Finding) + Send)) -> Result<Vec<StoredEvent>, Trouble> {
        while self.after < self.head {
            match self.log.read_all(self.after, self.limit).await {
                Ok(mut page) => {
                    page.retain(|event| event.position <= self.head);
                    for event in &page {
                        self.come_to(event.position, report);
                    }
                    self.limit = (self.limit * 2).min(PAGE);
                    if page.is_empty() {
                        self.end_too_early(report);
                    }
                    return Ok(page);
                }
                // What stands before it comes first.
                Err(StoreError::Corrupt { .. }) if self.limit > 1 => self.limit /= 2,
                Err(StoreError::Corrupt { position, source }) => self.pass(position, source.to_string(), report),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Vec::new())
    }

    /// Leaves out what can't be read, and all that follows if it is not said where that ends.
    fn pass(&mut self, position: Position, reason: String, report: &mut (dyn FnMut(Finding) + Send)) {
        if position <= self.after {
            report(Finding::NoWayOn { after: self.after, reason });
            self.head = self.after;
        } else {
            report(Finding::NoEvent { position, reason });
            self.come_to(position, report);
        }
        self.passed += 1;
    }

    /// A log that numbers its events and keeps the last number beside them has lost some at its end.
    fn end_too_early(&mut self, report: &mut (dyn FnMut(Finding) + Send)) {
        if self.contiguous {
            report(Finding::EndMissing { head: self.head, after: self.after });
        }
        self.head = self.after;
    }

    fn come_to(&mut self, position: Position, report: &mut (dyn FnMut(Finding) + Send)) {
        if self.contiguous && position.0 != self.after.0 + 1 {
            report(Finding::Hole { position, before: self.after });
        }
        self.after = position;
    }
}
