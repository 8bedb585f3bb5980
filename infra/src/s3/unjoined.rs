use std::sync::Arc;

use super::bucket::Bucket;
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
            let joining = bucket.begin(key).await?;
            Ok(Self { bucket, joining: Some(joining) })
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
            abort(&self.bucket, &joining).await;
        }
    }
}

impl Drop for Unjoined {
    fn drop(&mut self) {
        if let Some(joining) = self.joining.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let bucket = self.bucket.clone();
            runtime.spawn(async move { abort(&bucket, &joining).await });
        }
    }
}

async fn abort(bucket: &Bucket, joining: &Joining) {
    if let Err(error) = bucket.abort(joining).await {
        tracing::warn!(%error, key = joining.key, "parts that were given up could not be removed yet; the sweep finds them");
    }
}
