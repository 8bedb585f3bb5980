//! A body becomes bytes in memory while it is small, and an object in parts when it is not.
//!
//! In memory are, for each body, the part that fills, those that are on their way, and the one that is hashed.

use std::io;
use std::sync::Arc;

use cairn_commands::ports::ByteStream;
use futures_util::StreamExt;
use tokio::task::{JoinError, JoinHandle, JoinSet, spawn_blocking};

use super::bucket::Bucket;
use super::multipart::{PARTS_MAX, Sent};
use super::pieces::{Gathering, HASHED_AT_ONCE, Pieces};
use super::trouble::Trouble;
use super::unjoined::Unjoined;

/// The usual size of a part, in bytes.
pub(super) const PART_BYTES: usize = 8 * 1024 * 1024;

/// Of a known size, what is not larger is sent at once, in bytes.
const AT_ONCE_MAX: u64 = 16 * 1024 * 1024;

/// Parts of a body of known size that are on their way at once, and how many bytes they may have together, unless a single one has more.
const SENDING_MAX: usize = 4;
const SENDING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where a part grows with the body: as many have the same size, and none is larger than the first shifted by this.
const PARTS_OF_A_SIZE: i32 = 1000;
const GROWTHS_MAX: i32 = 5;

/// What is computed from the bytes while they are sent.
pub(super) trait Sums: Send + 'static {
    fn update(&mut self, bytes: &[u8]);
}

/// How a body is cut into parts. One that is not larger than the first stays in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    part_bytes: usize,
    grows: bool,
    sending_max: usize,
}

impl Cut {
    /// Parts grow with the body, by factors of two every thousand parts, so that ten thousand are enough for a terabyte and small files
    /// cost no more than they have.
    pub(super) const OF_UNKNOWN_SIZE: Self = Self { part_bytes: PART_BYTES, grows: true, sending_max: 2 };

    /// Parts as large as they have to be, so that there are not too many of them.
    pub(super) fn of(size: u64) -> Self {
        if size <= AT_ONCE_MAX {
            return Self { part_bytes: size as usize, grows: false, sending_max: 1 };
        }
        let mebibytes = size.div_ceil(PARTS_MAX).div_ceil(1 << 20);
        let part_bytes = usize::try_from(mebibytes << 20).unwrap_or(usize::MAX).max(PART_BYTES);
        Self { part_bytes, grows: false, sending_max: (SENDING_BYTES_MAX / part_bytes).clamp(1, SENDING_MAX) }
    }

    /// Whether a body of that size is sent at once.
    pub(super) fn in_one_piece(self, size: u64) -> bool {
        size <= self.part_bytes as u64
    }

    /// Of the part that comes after so many.
    fn part_bytes(self, begun: i32) -> usize {
        if self.grows { self.part_bytes << (begun / PARTS_OF_A_SIZE).min(GROWTHS_MAX) } else { self.part_bytes }
    }
}

/// A body that has come to its end.
pub(super) struct Poured<S> {
    /// In bytes.
    pub(super) size: u64,
    pub(super) sums: S,
    pub(super) landed: Landed,
}

/// Where its bytes are.
pub(super) enum Landed {
    /// It was small.
    InMemory(Pieces),
    /// All parts have come; they are to be joined.
    InParts(Unjoined, Vec<Sent>),
}

impl Landed {
    pub(super) async fn give_up(self) {
        if let Self::InParts(unjoined, _) = self {
            unjoined.give_up().await;
        }
    }
}

/// Why it did not. Nothing is left of it then.
#[derive(Debug)]
pub(super) enum PourError {
    /// More came than is allowed.
    TooLong,
    /// It could not be read to its end.
    Body(io::Error),
    /// It could not be sent.
    Store(Trouble),
}

impl From<Trouble> for PourError {
    fn from(trouble: Trouble) -> Self {
        Self::Store(trouble)
    }
}

impl From<JoinError> for PourError {
    fn from(error: JoinError) -> Self {
        Self::Store(Trouble::Unavailable(error.into()))
    }
}

/// Where a body goes that is larger than memory allows.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) bucket: Arc<Bucket>,
    pub(super) key: String,
    pub(super) cut: Cut,
}

/// Pours the body out. More than `bytes_max` bytes are refused.
pub(super) async fn pour<S: Sums>(target: Target, body: ByteStream, bytes_max: u64, sums: S) -> Result<Poured<S>, PourError> {
    let mut pouring = Pouring::new(target, sums);
    match pouring.run(body, bytes_max).await {
        Ok(poured) => Ok(poured),
        Err(error) => {
            pouring.give_up().await;
            Err(error)
        }
    }
}

struct Pouring<S> {
    target: Target,
    unjoined: Option<Unjoined>,
    /// None while they are at work.
    sums: Option<S>,
    hashing: Option<JoinHandle<S>>,
    sending: JoinSet<Result<Sent, Trouble>>,
    sent: Vec<Sent>,
    begun: i32,
}

impl<S: Sums> Pouring<S> {
    fn new(target: Target, sums: S) -> Self {
        Self { target, unjoined: None, sums: Some(sums), hashing: None, sending: JoinSet::new(), sent: Vec::new(), begun: 0 }
    }

    async fn run(&mut self, mut body: ByteStream, bytes_max: u64) -> Result<Poured<S>, PourError> {
        let (mut part, mut size) = (Gathering::default(), 0);
        while let Some(frame) = body.next().await {
            let mut frame = frame.map_err(PourError::Body)?;
            size += frame.len() as u64;
            if size > bytes_max {
                return Err(PourError::TooLong);
            }
            while !frame.is_empty() {
                if part.len() == self.part_bytes() {
                    self.send(part.take()).await?;
                }
                let room = self.part_bytes() - part.len();
                part.push(frame.split_to(frame.len().min(room)));
            }
        }
        self.finish(size, part.take()).await
    }

    /// Of the part that fills.
    fn part_bytes(&self) -> usize {
        self.target.cut.part_bytes(self.begun)
    }

    async fn send(&mut self, part: Pieces) -> Result<(), PourError> {
        let Target { bucket, key, cut } = self.target.clone();
        if self.unjoined.is_none() {
            self.unjoined = Some(Unjoined::begin(&bucket, key).await?);
        }
        while self.sending.len() >= cut.sending_max {
            self.sent_one().await?;
        }
        self.begun += 1;
        let joining = self.unjoined.as_ref().ok_or(Trouble::Absent)?.joining()?.clone();
        let (number, bytes) = (self.begun, part.clone());
        self.sending.spawn(async move {
            let sha256 = bytes.sha256().await?;
            bucket.send_part(&joining, number, &bytes, sha256).await
        });
        self.hash(part).await
    }

    async fn sent_one(&mut self) -> Result<(), PourError> {
        if let Some(sent) = self.sending.join_next().await {
            self.sent.push(sent??);
        }
        Ok(())
    }

    /// Begins to, once those before are hashed.
    async fn hash(&mut self, bytes: Pieces) -> Result<(), PourError> {
        let mut sums = self.hashed().await?;
        if bytes.len() <= HASHED_AT_ONCE {
            bytes.iter().for_each(|piece| sums.update(piece));
            self.sums = Some(sums);
            return Ok(());
        }
        self.hashing = Some(spawn_blocking(move || {
            bytes.iter().for_each(|piece| sums.update(piece));
            sums
        }));
        Ok(())
    }

    async fn hashed(&mut self) -> Result<S, PourError> {
        match self.hashing.take() {
            Some(hashing) => Ok(hashing.await?),
            None => self.sums.take().ok_or_else(|| Trouble::odd("the hashes are lost").into()),
        }
    }

    async fn finish(&mut self, size: u64, last: Pieces) -> Result<Poured<S>, PourError> {
        if self.unjoined.is_some() {
            self.send(last.clone()).await?;
        } else {
            self.hash(last.clone()).await?;
        }
        while !self.sending.is_empty() {
            self.sent_one().await?;
        }
        let sums = self.hashed().await?;
        let landed = match self.unjoined.take() {
            None => Landed::InMemory(last),
            Some(unjoined) => {
                self.sent.sort_by_key(|sent| sent.number);
                Landed::InParts(unjoined, std::mem::take(&mut self.sent))
            }
        };
        Ok(Poured { size, sums, landed })
    }

    async fn give_up(mut self) {
        // Nothing must arrive after the end of the upload.
        self.sending.shutdown().await;
        if let Some(unjoined) = self.unjoined.take() {
            unjoined.give_up().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_parts_of_a_known_size_are_few_enough_and_fit_into_memory() {
        for size in [0, 16 * MIB, 17 * MIB, 1024 * MIB, 80_000 * MIB, 80_001 * MIB, 5 * MIB * MIB] {
            let cut = Cut::of(size);
            assert!(size <= PARTS_MAX * cut.part_bytes as u64, "{size}: {cut:?}");
            assert!(cut.sending_max == 1 || cut.sending_max * cut.part_bytes <= SENDING_BYTES_MAX, "{size}: {cut:?}");
        }
        assert_eq!(Cut::of(1024 * MIB), Cut { part_bytes: PART_BYTES, grows: false, sending_max: SENDING_MAX });
    }

    #[test]
    fn the_parts_of_an_unknown_size_grow() {
        let sizes = [0, 999, 1000, 2000, 9999].map(|begun| Cut::OF_UNKNOWN_SIZE.part_bytes(begun) / PART_BYTES);
        assert_eq!(sizes, [1, 1, 2, 4, 32]);
    }
}
