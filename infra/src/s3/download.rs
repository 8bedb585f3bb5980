//! Bytes on their way from the store. They fail rather than end early.

use std::io;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream as SdkStream;
use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use crc_fast::Digest;
use futures_util::{StreamExt, stream};

use super::crc::ALGORITHM;

/// How long the store may send nothing while somebody waits for it.
const STALL_MAX: Duration = Duration::from_secs(5);

/// An answer with so many bytes to come.
pub(super) struct Download {
    body: SdkStream,
    /// Of the whole object.
    etag: Option<String>,
    left: u64,
    /// Of the bytes so far, and what it has to be in the end, where the store tells it and all bytes are read.
    crc: Option<(Digest, u64)>,
}

impl Download {
    pub(super) fn new(body: SdkStream, etag: Option<String>, length: u64, crc: Option<u64>) -> Self {
        Self { body, etag, left: length, crc: crc.map(|crc| (Digest::new(ALGORITHM), crc)) }
    }

    /// As what the store knows the object.
    pub(super) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The next bytes; none after all of them.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while self.left > 0 {
            let piece = tokio::time::timeout(STALL_MAX, self.body.try_next()).await.map_err(|_| stalled())?;
            let Some(piece) = piece.map_err(io::Error::other)? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
            self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(|| damaged("more bytes came than were asked for"))?;
            self.check(&piece)?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Before the last bytes are given away, all of them must be the right ones.
    fn check(&mut self, piece: &[u8]) -> io::Result<()> {
        let Some((crc, expected)) = &mut self.crc else { return Ok(()) };
        crc.update(piece);
        if self.left == 0 && crc.finalize() != *expected {
            return Err(damaged("the object is damaged: it does not have its CRC-64"));
        }
        Ok(())
    }

    pub(super) fn into_stream(self) -> ByteStream {
        stream::try_unfold(self, async |mut download| Ok(download.next().await?.map(|piece| (piece, download)))).boxed()
    }
}

fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the object store sends no more")
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
