//! Contents: bytes in a file of their own, which goes with the last that refers to it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crc_fast::{CrcAlgorithm, Digest as Crc};
use futures_util::{Stream, StreamExt as _};
use md5::{Digest as _, Md5};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt as _;

/// Read and written at once, in bytes.
const BUFFER: usize = 256 * 1024;

pub(crate) struct Content {
    pub(crate) path: TempPath,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    /// CRC-64/XZ, which OSS calls ECMA.
    pub(crate) crc64: u64,
}

/// A part of a file, in bytes.
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    pub(crate) range: Range<u64>,
}

impl Content {
    /// The MD5 as OSS writes it in ETags.
    pub(crate) fn etag(&self) -> String {
        hex::encode_upper(self.md5)
    }

    pub(crate) fn whole(&self) -> Piece {
        Piece { path: self.path.to_path_buf(), range: 0..self.size }
    }

    /// Writes down what streams in. What was written before an error is removed.
    pub(crate) async fn pour<E>(directory: &Path, mut body: impl Stream<Item = Result<bytes::Bytes, E>> + Unpin) -> io::Result<Self>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (file, path) = NamedTempFile::new_in(directory)?.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let mut sums = Sums::new();
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(io::Error::other)?;
            sums.update(&bytes);
            file.write_all(&bytes).await?;
        }
        file.flush().await?;
        Ok(sums.of(path))
    }

    /// Joins pieces of files to a new one. It blocks.
    pub(crate) fn join(directory: &Path, pieces: Vec<Piece>) -> io::Result<Self> {
        let (mut file, path) = NamedTempFile::new_in(directory)?.into_parts();
        let mut sums = Sums::new();
        let mut buffer = vec![0; BUFFER];
        for piece in pieces {
            let mut from = File::open(&piece.path)?;
            from.seek(SeekFrom::Start(piece.range.start))?;
            let mut from = from.take(piece.range.end - piece.range.start);
            loop {
                let count = from.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                sums.update(&buffer[..count]);
                file.write_all(&buffer[..count])?;
            }
        }
        Ok(sums.of(path))
    }
}

/// What OSS computes of every content.
struct Sums {
    md5: Md5,
    crc64: Crc,
    size: u64,
}

impl Sums {
    fn new() -> Self {
        Self { md5: Md5::new(), crc64: Crc::new(CrcAlgorithm::Crc64Xz), size: 0 }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.crc64.update(bytes);
        self.size += bytes.len() as u64;
    }

    fn of(self, path: TempPath) -> Content {
        Content { path, size: self.size, md5: self.md5.finalize().into(), crc64: self.crc64.finalize() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_the_catalogues() {
        let mut sums = Sums::new();
        sums.update(b"1234");
        sums.update(b"56789");
        let content = sums.of(NamedTempFile::new().unwrap().into_temp_path());
        assert_eq!((content.size, content.crc64), (9, 0x995D_C9BB_DF19_39FA), "CRC-64/XZ");
        assert_eq!(content.etag(), "25F9E794323B453885F5181F1B624D0B");
    }
}
