//! A whole is put together from pieces of other objects.
//!
//! Pieces that are large enough are copied within the store; what is smaller than a part may be is read and sent again, several at a
//! time. At most two parts are in memory.

use std::sync::Arc;

use cairn_commands::ports::staging::StagingError;
use cairn_domain::UploadId;

use super::super::bucket::Bucket;
use super::super::multipart::Sent;
use super::super::pieces::{Gathering, Pieces};
use super::super::pour::PART_BYTES;
use super::super::trouble::Trouble;
use super::super::unjoined::Unjoined;
use super::read_back::Reader;

/// Some bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) key: String,
    /// Where they begin, in bytes.
    pub(super) at: u64,
    /// In bytes.
    pub(super) length: u64,
}

/// Joins what lies side by side anyway.
pub(super) fn merged(sources: impl IntoIterator<Item = Source>) -> Vec<Source> {
    let mut merged: Vec<Source> = Vec::new();
    for source in sources {
        match merged.last_mut() {
            Some(last) if last.key == source.key && last.at + last.length == source.at => last.length += source.length,
            _ => merged.push(source),
        }
    }
    merged
}

/// Makes the object.
pub(super) async fn assemble(bucket: &Arc<Bucket>, upload: UploadId, key: &str, sources: &[Source]) -> Result<(), StagingError> {
    let size: u64 = sources.iter().map(|source| source.length).sum();
    let mut assembly = Assembly { bucket, upload, unjoined: None, buffer: Gathering::default(), sent: Vec::new() };
    if size > PART_BYTES as u64 {
        let unjoined = Unjoined::begin(bucket, key.to_owned()).await;
        assembly.unjoined = Some(unjoined.map_err(|trouble| trouble.of(upload))?);
    }
    let done = assembly.take_all(sources).await;
    match (done, assembly.unjoined.take()) {
        (Ok(()), None) => put(bucket, key, &assembly.buffer.take()).await.map_err(|trouble| trouble.of(upload)),
        (Ok(()), Some(unjoined)) => unjoined.join(&assembly.sent).await.map_err(|trouble| trouble.of(upload)),
        (Err(error), unjoined) => {
            if let Some(unjoined) = unjoined {
                unjoined.give_up().await;
            }
            Err(error)
        }
    }
}

async fn put(bucket: &Bucket, key: &str, bytes: &Pieces) -> Result<(), Trouble> {
    bucket.put(key, bytes, bytes.sha256().await?).await
}

struct Assembly<'a> {
    bucket: &'a Arc<Bucket>,
    upload: UploadId,
    /// None while everything fits into memory.
    unjoined: Option<Unjoined>,
    buffer: Gathering,
    sent: Vec<Sent>,
}

impl Assembly<'_> {
    async fn take_all(&mut self, sources: &[Source]) -> Result<(), StagingError> {
        for source in sources {
            self.take(source.clone()).await?;
        }
        if self.unjoined.is_some() && self.buffer.len() > 0 {
            self.send().await?;
        }
        Ok(())
    }

    async fn take(&mut self, mut source: Source) -> Result<(), StagingError> {
        let least = self.bucket.flavor.part_bytes_min();
        if self.unjoined.is_none() {
            return self.read(&source).await;
        }
        if self.buffer.len() > 0 && source.length >= 2 * least {
            // The buffer becomes a part, and what is left can be copied.
            let head = Source { length: least, ..source.clone() };
            self.read(&head).await?;
            self.send().await?;
            source = Source { at: source.at + least, length: source.length - least, ..source };
        }
        if self.buffer.len() == 0 && source.length >= least {
            return self.copy(source, least).await;
        }
        self.read(&source).await?;
        if self.buffer.len() >= PART_BYTES {
            self.send().await?;
        }
        Ok(())
    }

    async fn copy(&mut self, mut source: Source, least: u64) -> Result<(), StagingError> {
        let most = self.bucket.flavor.copy_bytes_max();
        while source.length > 0 {
            // No rest that would be too small for a part.
            let length = if source.length >= most + least { most } else { source.length.min(most) };
            let length = if (1..least).contains(&(source.length - length)) { source.length / 2 } else { length };
            let (number, unjoined) = (self.next_number()?, self.unjoined()?);
            let joining = unjoined.joining().map_err(|trouble| trouble.of(self.upload))?;
            let copied = self.bucket.copy_part(joining, number, &source.key, (source.at, source.at + length)).await;
            self.sent.push(copied.map_err(|trouble| trouble.of(self.upload))?);
            source = Source { at: source.at + length, length: source.length - length, ..source };
        }
        Ok(())
    }

    async fn read(&mut self, source: &Source) -> Result<(), StagingError> {
        let mut reader = Reader::open(self.bucket, self.upload, &source.key, (source.at, source.at + source.length)).await?;
        let mut left = source.length;
        while left > 0 {
            let bytes = reader.next(left).await?;
            left -= bytes.len() as u64;
            self.buffer.push(bytes);
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), StagingError> {
        let bytes = self.buffer.take();
        let (number, unjoined) = (self.next_number()?, self.unjoined()?);
        let joining = unjoined.joining().map_err(|trouble| trouble.of(self.upload))?;
        let sent = async { self.bucket.send_part(joining, number, &bytes, bytes.sha256().await?).await };
        let sent = sent.await.map_err(|trouble| trouble.of(self.upload))?;
        self.sent.push(sent);
        Ok(())
    }

    fn unjoined(&self) -> Result<&Unjoined, StagingError> {
        self.unjoined.as_ref().ok_or(StagingError::Absent(self.upload))
    }

    fn next_number(&self) -> Result<i32, StagingError> {
        i32::try_from(self.sent.len() + 1).map_err(|error| StagingError::Unavailable(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_side_by_side_is_taken_at_once() {
        let source = |key: &str, at, length| Source { key: key.to_owned(), at, length };
        let merged = merged([source("a", 0, 5), source("a", 5, 3), source("b", 0, 2), source("a", 8, 1), source("a", 10, 1)]);
        assert_eq!(merged, [source("a", 0, 8), source("b", 0, 2), source("a", 8, 1), source("a", 10, 1)]);
    }
}
