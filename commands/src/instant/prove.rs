use bytes::Bytes;
use cairn_domain::blob::Blob;
use cairn_domain::file::File;
use cairn_domain::{Sha256, StreamName};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::Digest;
use subtle::ConstantTimeEq;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::challenge::{Asked, Range, take};
use super::{Added, Wanted, add_entry};
use crate::content::{ContentError, Copies};
use crate::file::{ReplaceError, replace_by};
use crate::folder;
use crate::ports::views::ContentHash;
use crate::{Caller, Drive, Request, Trouble};

/// Why there is no entry now.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// Send the bytes. Unknown content, wrong proof, used or expired challenge: all alike, so that nothing is told.
    #[error("the content must be sent")]
    UploadRequired,
    /// The entry can't get another content.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Judges a proof. Right or wrong, the challenge is used up.
pub async fn prove(drive: &Drive, request: &Request, caller: &Caller, challenge: Uuid, proof: Sha256) -> Result<Added, ProveError> {
    if request.keyed {
        // The same proof came before, and made this entry, but its answer was not recorded: the challenge is used up since.
        let id = request.new_file();
        let made = drive.journal.load::<File>(&StreamName::file(id)).await?;
        if made.version.is_some() {
            let replaces = made.state.entry().and_then(|entry| entry.added.version_of);
            let made = match replaces {
                Some(entry) => Added { id: entry, file: replace_by(drive, request, caller.account, entry, id).await? },
                None => Added { id, file: made },
            };
            drive.visible(made.file.position).await;
            return Ok(made);
        }
    }
    let started = Instant::now();
    let judged = judge(drive, request, caller, challenge, proof).await;
    if let Err(ProveError::UploadRequired) = judged {
        tokio::time::sleep_until(started + REFUSAL_AFTER).await;
    }
    judged
}

/// Ranges that are read at once.
const RANGES_AT_ONCE: usize = 8;

/// Every refusal comes this long after its question, so that its time does not tell whether the content was there to be read.
const REFUSAL_AFTER: Duration = Duration::from_millis(250);

async fn judge(drive: &Drive, request: &Request, caller: &Caller, challenge: Uuid, proof: Sha256) -> Result<Added, ProveError> {
    let now = drive.ports.clock.now();
    let asked = take(drive, challenge).await?;
    let asked = asked.filter(|asked| asked.owner == caller.account && now < asked.challenge.expires_at);
    let asked = asked.ok_or(ProveError::UploadRequired)?;
    let content = known_content(drive, &asked).await?;
    let expected = match &content {
        Some(copies) => digest_of_ranges(copies, &asked).await?,
        None => decoy(&asked),
    };
    let right = bool::from(expected.ct_eq(&proof.0));
    match content.filter(|_| right) {
        Some(copies) => {
            let folder = folder::still_in_use(drive, caller.account, asked.folder).await?;
            let wanted = Wanted { name: asked.name, folder, replaces: asked.replaces };
            let added = add_entry(drive, request, caller, copies.sha256(), wanted).await?;
            added.ok_or(ProveError::UploadRequired)
        }
        None => Err(ProveError::UploadRequired),
    }
}

/// The stored content that was meant, if there is one of that hash and size.
async fn known_content(drive: &Drive, asked: &Asked) -> Result<Option<Copies>, Trouble> {
    let sha256 = match asked.content {
        ContentHash::Sha256(sha256) => Some(sha256),
        ContentHash::Sha1(sha1) => drive.ports.views.content_by_sha1(sha1).await?,
    };
    let Some(sha256) = sha256 else { return Ok(None) };
    let blob = drive.journal.load::<Blob>(&StreamName::blob(sha256)).await?;
    let known = blob.state.content().filter(|content| content.size == asked.size);
    Ok(known.map(|_| Copies::of(&drive.ports.stores, &blob.state, sha256)))
}

/// SHA-256 over the nonce and the bytes of each range in order.
async fn digest_of_ranges(copies: &Copies, asked: &Asked) -> Result<[u8; 32], Trouble> {
    let read = |range: Range| read_range(copies.clone(), range);
    let reads: Vec<_> = asked.challenge.ranges.iter().copied().map(read).collect();
    // A store that is far away is asked for several at once, so that known content takes no longer than unknown.
    let mut reads = stream::iter(reads).buffered(RANGES_AT_ONCE);
    let mut hasher = sha2::Sha256::new_with_prefix(asked.challenge.nonce);
    while let Some(read) = reads.next().await {
        match read {
            Ok(pieces) => pieces.iter().for_each(|piece| hasher.update(piece)),
            // Gone, or never whole: as good as unknown.
            Err(ContentError::Lost(_) | ContentError::OutOfRange) => return Ok(decoy(asked)),
            Err(ContentError::Trouble(trouble)) => return Err(trouble),
        }
    }
    Ok(hasher.finalize().into())
}

async fn read_range(copies: Copies, range: Range) -> Result<Vec<Bytes>, ContentError> {
    let pieces = copies.read(range.offset, range.length).await?;
    pieces.try_collect().await.map_err(|error| Trouble::Unavailable(error.into()).into())
}

/// As much hashing as for a known content, so that time tells little, and a result that nobody can guess.
fn decoy(asked: &Asked) -> [u8; 32] {
    let mut hasher = sha2::Sha256::new_with_prefix(asked.challenge.nonce);
    let zeros = [0; 16 * 1024];
    for range in &asked.challenge.ranges {
        let mut left = usize::try_from(range.length).unwrap_or(usize::MAX);
        while left > 0 {
            let piece = left.min(zeros.len());
            hasher.update(&zeros[..piece]);
            left -= piece;
        }
    }
    hasher.finalize().into()
}
