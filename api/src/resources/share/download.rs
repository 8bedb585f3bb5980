use std::ops::Range;
use std::sync::Arc;

use cairn_commands::account::username_of;
use cairn_commands::share::{Delivery, FindError, Found, ShareToken, begin, find, peek};
use cairn_commands::{Caller, Drive};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use poem::{Request, Response};

use super::problems::{DownloadProblem, InfoProblem, no_such_share};
use super::types::InfoDocument;
use crate::app::App;
use crate::http::afterwards::Afterwards;
use crate::http::download::{Download, DownloadRequest, Sends, Source, SourceStream};
use crate::http::problem::Problem;
use crate::resources::file::{boundary, probable_store, source};

/// The header in which a share's password comes.
const PASSWORD: &str = "share-password";

/// What anybody may know who holds the token.
pub(super) async fn info(drive: &Drive, token: &str) -> Result<InfoDocument, InfoProblem> {
    let token: ShareToken = token.parse().map_err(|_| no_such_share())?;
    let Found { share, entry, .. } = find(drive, &token).await?;
    let owner = username_of(drive, share.owner).await.map_err(Problem::from)?.ok_or_else(no_such_share)?;
    Ok(InfoDocument {
        name: entry.name.to_string(),
        size: entry.content().size,
        owner: owner.to_string(),
        needs_password: share.terms.password_hash.is_some(),
        expires_at: share.terms.expires_at.map(Into::into),
    })
}

/// Whether nothing is behind a token, or no longer. When nobody can say, it is not said.
pub(crate) async fn leads_nowhere(drive: &Drive, token: &str) -> bool {
    match token.parse::<ShareToken>() {
        Ok(token) => matches!(find(drive, &token).await, Err(FindError::Absent)),
        Err(_) => true,
    }
}

/// Answers a GET or HEAD. It counts when it is decided that bytes will flow, and before any do.
pub(super) async fn download(
    app: &Arc<App>,
    request: &Request,
    caller: Option<&Caller>,
    token: &str,
) -> Result<Response, DownloadProblem> {
    let drive = &app.drive;
    let token: ShareToken = token.parse().map_err(|_| no_such_share())?;
    let password = password_in(request)?;
    let asked = app.request_of(request, caller);
    let grant = peek(drive, &asked, &token, password.as_deref()).await?;
    let entry = &grant.found().entry;
    let held = entry.content();
    let sha256 = held.sha256;
    let content = Download {
        name: entry.name.to_string(),
        content_type: held.content_type,
        length: held.size,
        sha256: sha256.0,
        boundary: boundary(drive),
    };
    let answer = content.plan(&DownloadRequest::from(request))?;
    let inner = source(drive, sha256, held.size, probable_store(app, sha256).await);
    match answer.sends() {
        Sends::Nothing => Ok(answer.send(inner).await?),
        sends => {
            // A client that hangs up must not stop it half-way.
            let (of, in_part) = (Arc::clone(drive), sends == Sends::Part);
            let receipt = request.extensions().get().map_or_else(|| std::future::ready(true).boxed(), Afterwards::receipt);
            let begun =
                app.detached(async move { begin(&of, grant, in_part, receipt).await.map_err(DownloadProblem::from) }).await?;
            Ok(answer.send(counted(inner, begun)).await?)
        }
    }
}

/// The same bytes, of which the delivery is told which were taken.
fn counted(inner: impl Source, delivery: Delivery) -> impl Source {
    let (inner, delivery) = (Arc::new(inner), Arc::new(delivery));
    move |range: Range<u64>| -> BoxFuture<'static, std::io::Result<SourceStream>> {
        let (inner, delivery) = (Arc::clone(&inner), Arc::clone(&delivery));
        let open = async move {
            let mut at = range.start;
            let stream = inner.open(range).await?;
            let counted = stream.inspect(move |piece| {
                if let Ok(bytes) = piece {
                    let from = at;
                    at += bytes.len() as u64;
                    delivery.sent(from..at);
                }
            });
            Ok(counted.boxed() as SourceStream)
        };
        open.boxed()
    }
}

/// Header fields are bytes; these are UTF-8.
fn password_in(request: &Request) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(PASSWORD) else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| Problem::invalid("Share-Password", "is not UTF-8"))?;
    Ok(Some(text.to_owned()))
}
