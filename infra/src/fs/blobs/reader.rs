use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use futures_util::{StreamExt, stream};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use tokio::task::JoinHandle;

use super::buffers::Buffers;

/// How much is read at once, in bytes. Over a connection a file came at 177 MB/s with 4 KiB, and at 2.5 GB/s with 256 KiB, as
/// fast as sendfile (measured).
pub(super) const PIECE_BYTES: usize = 256 * 1024;

/// A range of a file on its way out. One piece is read ahead, on a thread that may block; between two pieces no thread
/// is held, however slow the receiver is.
pub(super) struct Reader {
    /// The piece that is ready; none once it was given out.
    ready: Option<Bytes>,
    rest: Rest,
}

struct Rest {
    file: File,
    buffers: Arc<Buffers>,
    offset: u64,
    end: u64,
}

impl Reader {
    /// Reads the first piece; blocks.
    pub(super) fn begin(file: File, buffers: Arc<Buffers>, offset: u64, end: u64) -> io::Result<Self> {
        let mut rest = Rest { file, buffers, offset, end };
        let ready = rest.read_piece()?;
        Ok(Self { ready, rest })
    }

    /// The pieces, each read while the one before is on its way.
    pub(super) fn into_stream(self) -> ByteStream {
        let Self { ready, rest } = self;
        let ahead = (rest.offset < rest.end).then(|| read_ahead(rest));
        let first = stream::iter(ready.map(Ok));
        let others = stream::unfold(ahead, |ahead| async move {
            match ahead?.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
                Ok((piece, rest)) => Some((Ok(piece), (rest.offset < rest.end).then(|| read_ahead(rest)))),
                Err(error) => Some((Err(error), None)),
            }
        });
        first.chain(others).boxed()
    }
}

fn read_ahead(mut rest: Rest) -> JoinHandle<io::Result<(Bytes, Rest)>> {
    tokio::task::spawn_blocking(move || {
        let piece = rest.read_piece()?.unwrap_or_default();
        Ok((piece, rest))
    })
}

impl Rest {
    /// The next piece, as long as it can be; none at the end.
    fn read_piece(&mut self) -> io::Result<Option<Bytes>> {
        let wanted = (self.end - self.offset).min(PIECE_BYTES as u64) as usize;
        if wanted == 0 {
            return Ok(None);
        }
        let mut buffer = self.buffers.take(wanted);
        while buffer.len() < wanted {
            let offset = self.offset + buffer.len() as u64;
            match rustix::io::pread(&self.file, spare_capacity(&mut buffer), offset) {
                // Shorter than when it was opened: never pass that off as the end.
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The allocator may have given more room than was wanted.
        buffer.truncate(wanted);
        self.offset += wanted as u64;
        Ok(Some(self.buffers.lend(buffer)))
    }
}
