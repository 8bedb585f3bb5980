use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::bucket::Bucket;
use super::keys;
use super::multipart::{Joining, Sent};
use super::trouble::Trouble;

/// An object in parts that goes unless it is joined: whoever sends it may go away at any moment.
pub(super) struct Unjoined {
    bucket: Arc<Bucket>,
    joining: Option<Joining>,
}

impl Unjoined {
    /// Whoever goes away before the answer has come leaves nothing either: then it is given up as soon as its name is known.
    pub(super) async fn begin(bucket: &Arc<Bucket>, key: String) -> Result<Self, Trouble> {
        let bucket = bucket.clone();
        let begun = tokio::spawn(async move {
            match bucket.begin(key.clone()).await {
                Ok(joining) => Ok(Self { bucket, joining: Some(joining) }),
                Err(trouble) => {
                    // It may have begun all the same, or begin much later.
                    if keys::is_nameless(&key) {
                        clean_up(&bucket, Left::Under(key));
                    }
                    Err(trouble)
                }
            }
        });
        begun.await.map_err(|error| Trouble::Unavailable(error.into()))?
    }

    pub(super) fn joining(&self) -> Result<&Joining, Trouble> {
        self.joining.as_ref().ok_or(Trouble::Absent)
    }

    /// Joins the parts.
    pub(super) async fn join(mut self, parts: &[Sent]) -> Result<(), Trouble> {
        self.bucket.join(self.joining()?, parts).await?;
        self.joining = None;
        Ok(())
    }

    /// Joins the parts in the place of whatever is there.
    pub(super) async fn join_anew(mut self, parts: &[Sent]) -> Result<(), Trouble> {
        self.bucket.join_surely(self.joining()?, parts).await?;
        self.joining = None;
        Ok(())
    }

    /// Somebody else joins it, or gives it up.
    pub(super) fn keep(mut self) {
        self.joining = None;
    }

    pub(super) async fn give_up(mut self) {
        if let Some(joining) = self.joining.take() {
            abort(&self.bucket, joining).await;
        }
    }
}

impl Drop for Unjoined {
    fn drop(&mut self) {
        if let Some(joining) = self.joining.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let bucket = self.bucket.clone();
            runtime.spawn(async move { abort(&bucket, joining).await });
        }
    }
}

async fn abort(bucket: &Arc<Bucket>, joining: Joining) {
    if let Err(error) = bucket.abort(&joining).await {
        tracing::debug!(%error, key = joining.key, "parts that were given up could not be removed yet");
        clean_up(bucket, Left::Begun(joining));
    }
}

/// What a store that did not answer may have kept.
enum Left {
    /// This.
    Begun(Joining),
    /// Whatever has begun under a key that one writer alone had. A request that was lost in a store that stands still is carried out when that
    /// goes on, so one look is not enough.
    Under(String),
}

/// The waits between tries to clean up.
const AGAIN: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

/// So much is cleaned up at once. What is more is left to the sweep, as is what could not be cleaned up in the end.
static CLEANING: Semaphore = Semaphore::const_new(256);

fn clean_up(bucket: &Arc<Bucket>, left: Left) {
    let Ok(room) = CLEANING.try_acquire() else { return };
    let bucket = bucket.clone();
    tokio::spawn(async move {
        let _room = room;
        for wait in AGAIN {
            sleep(wait).await;
            match is_clean(&bucket, &left).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "parts that were given up could not be removed yet"),
            }
        }
        if let Left::Begun(joining) = left {
            tracing::warn!(key = joining.key, "parts that were given up could not be removed; the sweep finds them");
        }
    });
}

/// True when nothing can be left.
async fn is_clean(bucket: &Bucket, left: &Left) -> Result<bool, Trouble> {
    match left {
        Left::Begun(joining) => bucket.abort(joining).await.map(|()| true),
        Left::Under(key) => {
            for (joining, _) in bucket.begun(key).await?.iter().filter(|(joining, _)| joining.key == *key) {
                bucket.abort(joining).await?;
            }
            Ok(false)
        }
    }
}
