//! A file that comes in one piece.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::{StagingError, Whole};
use cairn_domain::{Sha256, UploadId};
use moka::Entry;

use super::super::keys;
use super::super::pour::Landed;
use super::pour::{Target, pour};
use super::{Area, nonce};

/// A file that this process has received.
#[derive(Debug, Clone)]
pub(super) struct Received {
    /// Where its bytes are.
    pub(super) key: String,
    /// In bytes.
    pub(super) size: u64,
}

/// The keys of whatever this process may have written of an upload that comes in one piece, also where it does not know whether it has.
pub(super) type Written = BTreeSet<String>;

impl Area {
    /// The name tells the content, so that nothing else can ever be promoted in its stead.
    pub(super) async fn receive(
        self: &Arc<Self>,
        upload: UploadId,
        body: ByteStream,
        bytes_max: u64,
    ) -> Result<Whole, StagingError> {
        let nonce = nonce();
        let target = Target { bucket: self.bucket.clone(), upload, nonce: nonce.clone() };
        let (whole, landed) = Box::pin(pour(target, body, bytes_max)).await?;
        let name = keys::whole(upload, whole.sha256);
        self.will_write(upload, &name, &nonce, &landed);
        let key = self.put_named(upload, (&name, whole.sha256), &nonce, landed).await?;
        self.received.insert((upload, whole.sha256), Received { key, size: whole.size });
        Ok(whole)
    }

    /// Remembered before any of it can be there: whoever ends the upload removes what was tried in vain, too.
    fn will_write(&self, upload: UploadId, name: &str, nonce: &str, landed: &Landed) {
        self.written.entry(upload).and_upsert_with(|before| {
            let mut written = before.map(Entry::into_value).unwrap_or_default();
            match landed {
                Landed::InMemory(_) => written.insert(name.to_owned()),
                Landed::InParts(..) => {
                    written.insert(keys::nameless(upload, nonce));
                    written.insert(keys::pointer(name, nonce))
                }
            };
            written
        });
    }

    /// Makes bytes durable under a name that tells what they are. Returns the key of the bytes themselves.
    pub(super) async fn put_named(
        &self,
        upload: UploadId,
        (name, sha256): (&str, Sha256),
        nonce: &str,
        landed: Landed,
    ) -> Result<String, StagingError> {
        let put = async {
            match landed {
                Landed::InMemory(bytes) => self.bucket.put(name, &bytes, sha256).await.map(|()| name.to_owned()),
                Landed::InParts(unjoined, parts) => {
                    unjoined.join(&parts).await?;
                    self.bucket.put_note(&keys::pointer(name, nonce), Bytes::new()).await?;
                    Ok(keys::nameless(upload, nonce))
                }
            }
        };
        put.await.map_err(|trouble| trouble.of(upload))
    }
}
