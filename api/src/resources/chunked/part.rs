use std::sync::Arc;

use cairn_commands::Caller;
use cairn_commands::upload::{PartSent, receive_part};
use cairn_domain::{Sha256, UploadId};
use futures_util::TryStreamExt;
use sha2::Digest;
use tracing::Instrument;
use uuid::Uuid;

use super::part_body::PartBody;
use super::problems::PartProblem;
use super::types::PartDocument;
use crate::app::App;
use crate::ask::{Ask, Done};
use crate::http::body::ByteStream;
use crate::http::problem::{Problem, common};
use crate::resources::common::incoming;

/// Which part comes, and what it shall be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coming {
    /// Of which upload.
    pub upload: Uuid,
    /// Which part, from 1.
    pub index: u64,
    /// What the bytes shall have.
    pub sha256: Option<Sha256>,
}

/// Takes a part, to the end even if its sender does not wait for the answer.
pub(super) async fn part(
    app: &Arc<App>,
    ask: Ask,
    caller: Caller,
    coming: Coming,
    body: PartBody,
) -> Result<Done<PartDocument>, PartProblem> {
    let inner = Arc::clone(app);
    app.detached(async move { take(&inner, &ask, &caller, coming, body).await }.in_current_span()).await
}

async fn take(app: &App, ask: &Ask, caller: &Caller, coming: Coming, body: PartBody) -> Result<Done<PartDocument>, PartProblem> {
    let (body, announced_bytes) = body.open();
    // The bytes belong to what makes two requests the same, too; but they are known only when the part is stored.
    if let Some(answer) = app.answered::<PartDocument>(ask).await? {
        return if sha256_of(body).await?.to_string() == answer.body.sha256 {
            Ok(answer)
        } else {
            Err(Problem::of(common::idempotency_key_reused).into())
        };
    }
    let Coming { upload, index, sha256 } = coming;
    let sent = PartSent { upload: UploadId(upload), index, body: incoming(body), announced_bytes, sha256 };
    let received = receive_part(&app.drive, &ask.request, caller, sent).await?;
    let done = Done { status: 200, position: Some(received.position), body: PartDocument::from(received) };
    app.record(ask, &done).await?;
    Ok(done)
}

async fn sha256_of(mut body: ByteStream) -> Result<Sha256, Problem> {
    let mut hasher = sha2::Sha256::new();
    while let Some(bytes) = body.try_next().await? {
        hasher.update(&bytes);
    }
    Ok(Sha256(hasher.finalize().into()))
}
