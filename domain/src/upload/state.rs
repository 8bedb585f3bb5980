use std::collections::BTreeMap;

use super::event::{
    ChunkReceived, FileMerged, RejectionReason, UploadCancelled, UploadEvent, UploadExpired, UploadRejected, UploadStarted,
};
use super::plan::runs;
use super::{MergeCommand, PartRange, Plan, UploadCommand, UploadRejection};
use crate::{Decider, Sha256, Timestamp};

/// An upload, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upload {
    started: Option<UploadStarted>,
    chunks: BTreeMap<u64, Chunk>,
    revision: u64,
    expires_at: Timestamp,
    phase: Phase,
}

/// What stands at one offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// In bytes.
    pub length: u64,
    /// Of these bytes.
    pub sha256: Sha256,
    /// How often this offset was written, from 1.
    pub times: u32,
}

/// Where an upload is in its life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phase {
    /// Parts may come.
    #[default]
    Open,
    /// It has become a file.
    Merged(Box<FileMerged>),
    /// Its owner gave it up.
    Cancelled,
    /// Nothing came for too long, or what had come is lost.
    Expired,
    /// Its bytes were not what was declared.
    Rejected(RejectionReason),
}

type Decision = Result<Vec<UploadEvent>, UploadRejection>;

impl Upload {
    /// What was declared at the start, if it was started.
    pub fn started(&self) -> Option<&UploadStarted> {
        self.started.as_ref()
    }

    /// How the file is cut.
    pub fn plan(&self) -> Option<Plan> {
        self.started.as_ref().map(|started| Plan { size: started.size, part_bytes: started.part_bytes })
    }

    /// Where it is in its life.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// When it ends by itself if nothing comes.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Grows with every chunk that changed what is there.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is there, by offset.
    pub fn chunks(&self) -> &BTreeMap<u64, Chunk> {
        &self.chunks
    }

    /// Which parts are there.
    pub fn received(&self) -> Vec<PartRange> {
        let index = |offset: &u64| self.plan().and_then(|plan| plan.index_at(*offset));
        runs(self.chunks.keys().filter_map(index))
    }

    /// Which parts are not there yet.
    pub fn missing(&self) -> Vec<PartRange> {
        let Some(plan) = self.plan() else { return Vec::new() };
        let mut next = 1;
        let mut missing = Vec::new();
        for (first, last) in self.received() {
            if next < first {
                missing.push((next, first - 1));
            }
            next = last + 1;
        }
        if next <= plan.count() {
            missing.push((next, plan.count()));
        }
        missing
    }

    fn start(&self, start: UploadStarted) -> Decision {
        match &self.started {
            None if self.phase == Phase::Open => Ok(vec![UploadEvent::UploadStarted(start)]),
            None => Err(UploadRejection::AlreadyStarted),
            Some(started) if same_upload(started, &start) => Ok(Vec::new()),
            Some(_) => Err(UploadRejection::AlreadyStarted),
        }
    }

    fn store_whole(&self, merged: FileMerged) -> Decision {
        match (&self.started, &self.phase) {
            (None, Phase::Open) => Ok(vec![UploadEvent::FileMerged(merged)]),
            (None, Phase::Merged(before)) if **before == merged => Ok(Vec::new()),
            _ => Err(UploadRejection::AlreadyStarted),
        }
    }

    fn open(&self) -> Result<&UploadStarted, UploadRejection> {
        let started = self.started.as_ref().ok_or(UploadRejection::Absent)?;
        match &self.phase {
            Phase::Open => Ok(started),
            ended => Err(UploadRejection::Closed(ended.clone())),
        }
    }

    fn receive(&self, chunk: ChunkReceived) -> Decision {
        self.open()?;
        let plan = self.plan().ok_or(UploadRejection::Absent)?;
        let index = plan.index_at(chunk.offset).ok_or(UploadRejection::NoSuchPart)?;
        let part = plan.part(index).ok_or(UploadRejection::NoSuchPart)?;
        if part.length != chunk.length {
            return Err(UploadRejection::WrongPartSize { expected: part.length });
        }
        let there = self.chunks.get(&chunk.offset);
        let known = there.is_some_and(|there| there.sha256 == chunk.sha256);
        Ok(if known { Vec::new() } else { vec![UploadEvent::ChunkReceived(chunk)] })
    }

    fn merge(&self, merge: MergeCommand) -> Decision {
        let started = self.open()?;
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(UploadRejection::PartsMissing { missing });
        }
        if merge.revision != self.revision {
            return Err(UploadRejection::ChangedMeanwhile);
        }
        let as_declared = started.expected_sha256.is_none_or(|expected| expected == merge.sha256)
            && started.expected_sha1.is_none_or(|expected| expected == merge.sha1);
        Ok(vec![if as_declared {
            UploadEvent::FileMerged(merged(started, merge))
        } else {
            let reason = RejectionReason::DigestMismatch;
            UploadEvent::UploadRejected(UploadRejected { reason, sha256: merge.sha256 })
        }])
    }

    fn cancel(&self) -> Decision {
        match self.open() {
            Ok(_) => Ok(vec![UploadEvent::UploadCancelled(UploadCancelled {})]),
            Err(UploadRejection::Closed(Phase::Cancelled | Phase::Expired | Phase::Rejected(_))) => Ok(Vec::new()),
            Err(rejection) => Err(rejection),
        }
    }

    fn withdraw(&self) -> Decision {
        match &self.phase {
            Phase::Open => Ok(vec![UploadEvent::UploadCancelled(UploadCancelled {})]),
            Phase::Cancelled | Phase::Expired | Phase::Rejected(_) => Ok(Vec::new()),
            merged @ Phase::Merged(_) => Err(UploadRejection::Closed(merged.clone())),
        }
    }

    fn expire(&self, now: Timestamp) -> Decision {
        self.open()?;
        if now < self.expires_at {
            return Err(UploadRejection::StillAlive);
        }
        Ok(vec![UploadEvent::UploadExpired(UploadExpired {})])
    }

    fn lose(&self, merged: bool) -> Vec<UploadEvent> {
        let ends = match &self.phase {
            Phase::Open => self.started.is_some(),
            Phase::Merged(_) => merged,
            Phase::Cancelled | Phase::Expired | Phase::Rejected(_) => false,
        };
        if ends { vec![UploadEvent::UploadExpired(UploadExpired {})] } else { Vec::new() }
    }

    fn put_chunk(&mut self, chunk: &ChunkReceived) {
        let times = self.chunks.get(&chunk.offset).map_or(0, |there| there.times) + 1;
        self.chunks.insert(chunk.offset, Chunk { length: chunk.length, sha256: chunk.sha256, times });
        self.revision += 1;
        self.expires_at = self.expires_at.max(chunk.expires_at);
    }
}

/// A repeated start differs at most in when it was asked.
fn same_upload(a: &UploadStarted, b: &UploadStarted) -> bool {
    *a == UploadStarted { expires_at: a.expires_at, ..b.clone() }
}

fn merged(started: &UploadStarted, merge: MergeCommand) -> FileMerged {
    FileMerged {
        file: merge.file,
        owner: started.owner,
        name: started.name.clone(),
        folder: merge.folder,
        content_type: started.content_type.clone(),
        size: started.size,
        sha256: merge.sha256,
        sha1: merge.sha1,
        replaces: started.replaces,
        offline: started.offline,
    }
}

impl Decider for Upload {
    type Command = UploadCommand;
    type Event = UploadEvent;
    type Rejection = UploadRejection;

    fn decide(&self, command: UploadCommand) -> Decision {
        match command {
            UploadCommand::Start(start) => self.start(start),
            UploadCommand::ReceiveChunk(chunk) => self.receive(chunk),
            UploadCommand::Merge(merge) => self.merge(merge),
            UploadCommand::StoreWhole(merged) => self.store_whole(merged),
            UploadCommand::Cancel => self.cancel(),
            UploadCommand::Withdraw => self.withdraw(),
            UploadCommand::Expire { now } => self.expire(now),
            UploadCommand::Lose { merged } => Ok(self.lose(merged)),
        }
    }

    /// Tolerant: what comes after the end, or before the start, changes nothing. Only a file that came in one piece has no start, and what was
    /// withdrawn before it. Only what was merged can still be lost.
    fn evolve(mut self, event: &UploadEvent) -> Self {
        match event {
            UploadEvent::UploadExpired(_) if matches!(self.phase, Phase::Merged(_)) => self.phase = Phase::Expired,
            _ if self.phase != Phase::Open => {}
            UploadEvent::FileMerged(merged) => self.phase = Phase::Merged(Box::new(merged.clone())),
            UploadEvent::UploadCancelled(_) => self.phase = Phase::Cancelled,
            UploadEvent::UploadStarted(started) if self.started.is_none() => {
                self.expires_at = self.expires_at.max(started.expires_at);
                self.started = Some(started.clone());
            }
            _ if self.started.is_none() => {}
            UploadEvent::UploadStarted(_) => {}
            UploadEvent::ChunkReceived(chunk) => self.put_chunk(chunk),
            UploadEvent::UploadExpired(_) => self.phase = Phase::Expired,
            UploadEvent::UploadRejected(rejected) => self.phase = Phase::Rejected(rejected.reason),
        }
        self
    }

    fn commutes(event: &UploadEvent) -> bool {
        matches!(event, UploadEvent::ChunkReceived(_))
    }
}
