//! A copy that comes from another store.

use std::future::ready;
use std::sync::Arc;

use cairn_commands::ports::ByteStream;
use cairn_commands::ports::blobs::BlobError;
use cairn_domain::Sha256;
use cairn_domain::blob::BlobKey;
use crc_fast::Digest;
use futures_util::FutureExt;
use sha2::Digest as _;
use tokio::task::spawn_blocking;

use super::super::Flavor;
use super::super::bucket::{Bucket, Head};
use super::super::crc::ALGORITHM;
use super::super::etag::Etag;
use super::super::keys;
use super::super::multipart::Sent;
use super::super::pieces::{HASHED_AT_ONCE, Pieces};
use super::super::pour::{Cut, Landed, PourError, Poured, Sums, Target, pour};
use super::super::trouble::Trouble;
use super::super::unjoined::Unjoined;
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
    land(bucket, key, landed, Head { size, crc: sums.crc.map(|crc| crc.finalize()) }).await.map_err(|trouble| failed(trouble, key))
}

/// Parts that are gone were given up by somebody else. Whatever lies under the key may be older, so nothing is known.
fn failed(trouble: Trouble, key: BlobKey) -> BlobError {
    match trouble {
        Trouble::Absent => BlobError::Unavailable("the parts of the copy are gone".into()),
        other => explain(other, key),
    }
}

async fn land(bucket: &Bucket, key: BlobKey, landed: Landed, expected: Head) -> Result<(), Trouble> {
    let is_right = match landed {
        Landed::InMemory(bytes) => put(bucket, key, bytes).await?,
        Landed::InParts(unjoined, parts) => join(bucket, key, unjoined, &parts, expected).await?,
    };
    match is_right {
        Some(true) => Ok(()),
        Some(false) => Err(Trouble::odd("the store has joined other bytes than it was sent")),
        None => read_back(bucket, key, expected.size).await,
    }
}

/// Whether the store says that it has the right bytes; none when it says nothing of them.
async fn put(bucket: &Bucket, key: BlobKey, bytes: Pieces) -> Result<Option<bool>, Trouble> {
    let name = keys::blob(key);
    if bucket.flavor == Flavor::Oss {
        // The CRC was compared.
        return bucket.put(&name, &bytes, key.sha256).await.map(|()| Some(true));
    }
    let hashing = if bytes.len() <= HASHED_AT_ONCE {
        ready(Ok(Etag::of(&bytes))).left_future()
    } else {
        let bytes = bytes.clone();
        spawn_blocking(move || Etag::of(&bytes)).right_future()
    };
    let told = bucket.put_and_etag(&name, &bytes, key.sha256).await?;
    let expected = hashing.await.map_err(|error| Trouble::Unavailable(error.into()))?;
    Ok((told == Some(expected)).then_some(true))
}

/// The same of parts. An ETag that is another one may be none of the bytes at all; a CRC that is another one is damage.
async fn join(bucket: &Bucket, key: BlobKey, unjoined: Unjoined, parts: &[Sent], expected: Head) -> Result<Option<bool>, Trouble> {
    unjoined.join_anew(parts).await?;
    let (head, etag) = bucket.head_and_etag(&keys::blob(key)).await?.ok_or(Trouble::Absent)?;
    if head.size != expected.size {
        return Ok(Some(false));
    }
    if let Some(crc) = head.crc.filter(|_| expected.crc.is_some()) {
        return Ok(Some(Some(crc) == expected.crc));
    }
    let joined = Etag::of_joined(parts);
    Ok((joined.is_some() && etag == joined).then_some(true))
}

/// Where the store says nothing of the bytes that it has, they tell it themselves.
async fn read_back(bucket: &Bucket, key: BlobKey, size: u64) -> Result<(), Trouble> {
    tracing::debug!(%key, "the store does not say what it holds, so it is read back");
    let mut hasher = sha2::Sha256::new();
    if size > 0 {
        let mut download = bucket.read(&keys::blob(key), 0, size).await?;
        while let Some(piece) = download.next().await.map_err(|error| Trouble::Unavailable(error.into()))? {
            hasher.update(&piece);
        }
    }
    if hasher.finalize()[..] == key.sha256.0 { Ok(()) } else { Err(Trouble::odd("the store holds other bytes than it was sent")) }
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
