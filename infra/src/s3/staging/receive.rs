//! A file that comes in one piece.

use std::sync::Arc;

use bytes::Bytes;
use cairn_commands::ports::ByteStream;
use cairn_commands::ports::staging::{StagingError, Whole};
use cairn_domain::{Sha256, UploadId};

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
    /// Everything of the upload, in the order in which it has to go, side by side what may go at once; none when there may be more.
    pub(super) all: Option<Vec<Vec<String>>>,
}

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
        let key = self.put_named(upload, (&name, whole.sha256), &nonce, landed).await?;
        let all = if key == name { vec![vec![name]] } else { vec![vec![key.clone()], vec![keys::pointer(&name, &nonce)]] };
        let received = Received { key, size: whole.size, all: Some(all) };
        self.received.entry((upload, whole.sha256)).and_upsert_with(|before| match before {
            Some(before) if before.value().all != received.all => Received { all: None, ..received },
            _ => received,
        });
        Ok(whole)
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
