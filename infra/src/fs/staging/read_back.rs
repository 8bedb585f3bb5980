//! Hashing of what is on the disk already.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use cairn_domain::Sha256;
use sha2::Digest;

use crate::prefix::Prefix;

/// How much is read at once, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// Below this, in bytes, a second thread costs more than it brings.
const TWO_THREADS_BYTES: u64 = 1024 * 1024;

/// Reads a range of a file, takes the whole-file hashes over it, if any, and tells the SHA-256 of the range alone. `also` gets
/// every piece and where in the range it stands.
///
/// A large range is read by two threads, one for each kind of hash: the second finds it in the page cache.
pub(super) fn hash(
    file: &File,
    (offset, length): (u64, u64),
    mut prefix: Option<&mut Prefix>,
    bytes_read_back: &AtomicU64,
    mut also: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<Sha256> {
    let mut digest = sha2::Sha256::new();
    let mut others = |piece: &[u8], at| {
        bytes_read_back.fetch_add(piece.len() as u64, Ordering::Relaxed);
        if let Some(prefix) = &mut prefix {
            prefix.update(piece);
        }
        also(piece, at)
    };
    if length < TWO_THREADS_BYTES {
        read(file, offset, length, |piece, at| {
            digest.update(piece);
            others(piece, at)
        })?;
    } else {
        std::thread::scope(|scope| {
            let digesting = scope.spawn(|| {
                read(file, offset, length, |piece, _| {
                    digest.update(piece);
                    Ok(())
                })
            });
            read(file, offset, length, others)?;
            digesting.join().map_err(|_| io::Error::other("the hashing thread has panicked"))?
        })?;
    }
    Ok(Sha256(digest.finalize().into()))
}

fn read(file: &File, offset: u64, length: u64, mut take: impl FnMut(&[u8], u64) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES.min(length as usize)];
    let mut at = 0;
    while at < length {
        let bytes = (length - at).min(PIECE_BYTES as u64) as usize;
        let piece = &mut buffer[..bytes];
        file.read_exact_at(piece, offset + at)?;
        take(piece, at)?;
        at += bytes as u64;
    }
    Ok(())
}
