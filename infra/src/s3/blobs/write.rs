//! A copy that comes from another store.

use std::sync::Arc;

use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::BlobError;
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use crc_fast::Digest;
use sha2::Digest as _;

use super::super::Flavor;
use super::super::bucket::{Bucket, Head};
use super::super::crc::ALGORITHM;
use super::super::keys;
use super::super::pour::{Cut, Landed, PourError, Poured, Sums, Target, pour};
use super::super::trouble::Trouble;
use super::explain;

/// The hash that a content has to have, and the CRC where the store tells its own.
struct Seen {
    sha256: sha2::Sha256,
    crc: Option<Digest>,
}

impl Sums for Seen {
    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(crc) = &mut self.crc {
            crc.update(bytes);
        }
    }
}

/// Nothing stands under the key before all bytes have come and are the right ones.
pub(super) async fn write(bucket: &Arc<Bucket>, key: BlobKey, size: u64, body: ByteStream) -> Result<(), BlobError> {
    let crc = (bucket.flavor == Flavor::Oss).then(|| Digest::new(ALGORITHM));
    let target = Target { bucket: bucket.clone(), key: keys::blob(key), cut: Cut::of(size) };
    let Poured { size: actual, sums, landed } = match pour(target, body, size, Seen { sha256: sha2::Sha256::new(), crc }).await {
        Ok(poured) => poured,
        Err(PourError::TooLong) => return Err(BlobError::NotTheContent(key)),
        Err(PourError::Body(source)) => return Err(BlobError::Body(source)),
        Err(PourError::Store(trouble)) => return Err(failed(trouble, key)),
    };
    if actual != size || Sha256(sums.sha256.finalize().into()) != key.sha256 {
        landed.give_up().await;
        return Err(BlobError::NotTheContent(key));
    }
    let expected = Head { size, crc: sums.crc.map(|crc| crc.finalize()) };
    land(bucket, key, landed, expected).await.map_err(|trouble| failed(trouble, key))
}

/// Parts that are gone were given up by somebody else. Whatever lies under the key may be older, so nothing is known.
fn failed(trouble: Trouble, key: BlobKey) -> BlobError {
    match trouble {
        Trouble::Absent => BlobError::Unavailable("the parts of the copy are gone".into()),
        other => explain(other, key),
    }
}

async fn land(bucket: &Bucket, key: BlobKey, landed: Landed, expected: Head) -> Result<(), Trouble> {
    let name = keys::blob(key);
    let (unjoined, parts) = match landed {
        Landed::InMemory(bytes) => return bucket.put(&name, &bytes, key.sha256).await,
        Landed::InParts(unjoined, parts) => (unjoined, parts),
    };
    unjoined.join_anew(&parts).await?;
    let head = bucket.head(&name).await?.ok_or(Trouble::Absent)?;
    if head.size != expected.size || head.crc.is_some_and(|crc| Some(crc) != expected.crc) {
        return Err(Trouble::odd("the store has joined other bytes than it was sent"));
    }
    Ok(())
}

/// Whoever died while it wrote the same copy in parts has left some that cost room; whoever is at it just now finds the copy there.
pub(super) async fn tidy(bucket: &Bucket, key: BlobKey, size: u64) -> Result<(), BlobError> {
    if Cut::of(size).in_one_piece(size) {
        return Ok(());
    }
    let name = keys::blob(key);
    let give_up = async {
        for (joining, _) in bucket.begun(&name).await?.iter().filter(|(joining, _)| joining.key == name) {
            bucket.abort(joining).await?;
        }
        Ok(())
    };
    give_up.await.map_err(|trouble| explain(trouble, key))
}
