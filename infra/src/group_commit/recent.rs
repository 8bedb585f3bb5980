//! What the writer remembers of the log, so that it seldom has to look.
//!
//! As long as this process alone appends, it knows the head and the streams that it appended to lately, and can guess that every
//! append of a group goes through. The table itself checks the guess, whatever other processes did: nobody else has written if
//! the next position is free, a stream is new if its version 0 is, and the events are new because their ids are unique. If the guess
//! fails or can't be made, the group is judged on what the log really holds.
//! (Measured: one writer 1.5 times as fast as with a look at the log before each commit.)

use std::collections::{HashMap, HashSet};

use cairn_domain::{Expected, Position, StreamName, Version};

use super::append::AppendJob;
use super::judge::{Judge, Plan, Verdict};

/// Streams in each half of the memory: about 4 MB for both.
const STREAMS_MAX: usize = 10_000;

/// It may be out of date, but never tells what was not so.
#[derive(Debug)]
pub(crate) struct Recent {
    head: Position,
    younger: HashMap<StreamName, Version>,
    /// What was younger until that was full; the next time it is forgotten.
    older: HashMap<StreamName, Version>,
}

impl Recent {
    /// Knows no stream yet.
    pub(crate) fn new(head: Position) -> Self {
        Self { head, younger: HashMap::new(), older: HashMap::new() }
    }

    /// Where the log ended when it was last looked at.
    pub(crate) fn head(&self) -> Position {
        self.head
    }

    /// Plans the group by what is remembered. None if that is not enough, or if an append would be refused or is a repeat:
    /// nothing in the table checks such a verdict.
    pub(crate) fn guess<'a>(&self, jobs: &'a [AppendJob]) -> Option<Plan<'a>> {
        let mut judge = Judge { head: self.head, last: HashMap::with_capacity(jobs.len()), known: HashMap::new() };
        let mut supposed_new = HashSet::new();
        for append in jobs.iter().flat_map(|job| &job.appends) {
            if let Some(version) = self.version(&append.stream) {
                judge.last.insert(&append.stream, version);
            } else if !matches!(append.expected, Expected::Exact(_)) {
                supposed_new.insert(&append.stream);
            } else if !supposed_new.contains(&append.stream) {
                // If the stream ended before that version, the table would not notice.
                return None;
            }
        }
        let plan = judge.plan(jobs);
        plan.verdicts.iter().flatten().all(|verdict| matches!(verdict, Verdict::Appended(_))).then_some(plan)
    }

    fn version(&self, stream: &StreamName) -> Option<Version> {
        self.younger.get(stream).or_else(|| self.older.get(stream)).copied()
    }

    /// Remembers what was committed on top of `before`. If that is not the head that was remembered, somebody else has
    /// written, and the versions mean nothing any more.
    pub(crate) fn learn(&mut self, before: Position, plan: &Plan<'_>) {
        if before != self.head {
            *self = Self::new(before);
        }
        self.head = plan.head;
        for (&stream, &version) in &plan.last {
            self.younger.insert(stream.clone(), version);
        }
        if self.younger.len() >= STREAMS_MAX {
            self.older = std::mem::take(&mut self.younger);
        }
    }
}
