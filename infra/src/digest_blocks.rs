//! How databases hold the digests of a log: one row for each block.

use cairn_commands::log_digest::{LogDigest, MARK_BYTES};
use cairn_commands::ports::BoxError;
use cairn_commands::ports::digests::Block;
use cairn_domain::{Position, Sha256};

/// The columns of a block, but for the number of events before it.
pub(crate) type Columns = (i64, Vec<u8>, Vec<u8>);

pub(crate) fn columns(block: &Block) -> Columns {
    let last = i64::try_from(block.last.0).unwrap_or(i64::MAX);
    (last, block.digest.0.0.to_vec(), block.marks.concat())
}

pub(crate) fn block(before: i64, (last, digest, marks): Columns) -> Result<Block, BoxError> {
    let (marks, rest) = marks.as_chunks::<MARK_BYTES>();
    if !rest.is_empty() {
        return Err("a block of digests is not whole".into());
    }
    let digest: [u8; 32] = digest.try_into().map_err(|_| "a digest does not have 32 bytes")?;
    Ok(Block {
        before: before.unsigned_abs(),
        last: Position(last.unsigned_abs()),
        digest: LogDigest(Sha256(digest)),
        marks: marks.to_vec(),
    })
}
