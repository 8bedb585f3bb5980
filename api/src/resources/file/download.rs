use std::ops::Range;
use std::sync::Arc;

use cairn_commands::links::{Link, link_is_good};
use cairn_commands::{Caller, Drive, file};
use cairn_domain::file::FileStatus;
use cairn_domain::{FileId, Sha256, Timestamp};
use cairn_projections::queries::files::{ByHash, EntryStatus, FileRecord, file_by_id, newest_with_content};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use poem::{IntoResponse, Request, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use uuid::Uuid;

use super::problems::DownloadProblem;
use crate::app::App;
use crate::http::download::{Download, DownloadRequest, Source, SourceStream};
use crate::http::problem::{Explain, Problem, common};
use crate::resources::common::content_hash;

/// Which entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// This one.
    Id(FileId),
    /// The caller's newest with this content; one in use before one in the trash.
    Content(ByHash),
}

/// The parameters of a signed link.
#[derive(Debug, Default)]
pub(super) struct Signature {
    /// When the link ends, in seconds since 1970.
    pub expires: Option<i64>,
    /// In hex.
    pub signature: Option<String>,
}

impl Wanted {
    /// Exactly one of the two must be there.
    pub(super) fn read(id: Option<Uuid>, filehash: Option<&str>) -> Result<Self, Problem> {
        match (id, filehash) {
            (Some(id), None) => Ok(Self::Id(FileId(id))),
            (None, Some(hash)) => content_hash(hash).map(Self::Content).map_err(|wrong| Problem::invalid("filehash", wrong)),
            (None, None) => Err(Problem::invalid("id", "is required, or filehash instead")),
            (Some(_), Some(_)) => Err(Problem::invalid("filehash", "can't stand beside id; give one of them")),
        }
    }
}

/// The caller's entry as the read tables have it.
pub(super) async fn own_record(app: &App, caller: &Caller, wanted: Wanted) -> Result<Option<FileRecord>, Problem> {
    let (tables, owner) = (&*app.tables, caller.account);
    Ok(match wanted {
        Wanted::Id(id) => file_by_id(tables, owner, id).await?,
        Wanted::Content(content) => match newest_with_content(tables, owner, content, Some(EntryStatus::Active)).await? {
            Some(record) => Some(record),
            None => newest_with_content(tables, owner, content, None).await?,
        },
    })
}

/// Answers a GET or HEAD of a content.
pub(super) async fn download(
    app: &App,
    request: &Request,
    caller: Option<Caller>,
    wanted: Wanted,
    signature: Signature,
) -> Result<Downloaded, DownloadProblem> {
    let found = match caller {
        _ if signature.is_there() => linked(&app.drive, wanted, &signature).await?,
        Some(caller) => own_record(app, &caller, wanted).await?.map(|record| of_record(&app.drive, record)),
        None => return Err(Problem::of(common::unauthorized).into()),
    };
    let found = found.ok_or(DownloadProblem::not_found())?;
    let source = source(&app.drive, Sha256(found.sha256));
    Ok(Downloaded(found.answer(&DownloadRequest::from(request), source).await?))
}

impl Signature {
    fn is_there(&self) -> bool {
        self.expires.is_some() || self.signature.is_some()
    }

    fn link(&self, file: FileId) -> Option<Link> {
        let expires_at = Timestamp(self.expires?.checked_mul(1_000_000)?);
        let mut signature = [0; 32];
        hex::decode_to_slice(self.signature.as_deref()?, &mut signature).ok()?;
        Some(Link { file, expires_at, signature })
    }
}

/// What a link leads to. A file in the trash is not there for whoever holds a link.
async fn linked(drive: &Drive, wanted: Wanted, signature: &Signature) -> Result<Option<Download>, Problem> {
    let link = match wanted {
        Wanted::Id(id) => signature.link(id),
        Wanted::Content(_) => None,
    };
    let link = link.filter(|link| link_is_good(drive, link));
    let refused = || Problem::of(common::unauthorized).detail("This link has ended or was never given out; ask for a new one.");
    let link = link.ok_or_else(refused)?;
    let file = file::load(drive, link.file).await?;
    let entry = file.state.entry().filter(|entry| entry.status == FileStatus::Active);
    Ok(entry.map(|entry| Download {
        name: entry.name.to_string(),
        content_type: entry.added.content_type.clone(),
        length: entry.added.size,
        sha256: entry.added.sha256.0,
        boundary: boundary(drive),
    }))
}

fn of_record(drive: &Drive, record: FileRecord) -> Download {
    Download {
        name: record.name,
        content_type: record.content_type,
        length: record.size,
        sha256: record.sha256.0,
        boundary: boundary(drive),
    }
}

fn boundary(drive: &Drive) -> Uuid {
    drive.ports().ids.command().0
}

/// The bytes of a content, piece by piece as the store gives them.
fn source(drive: &Drive, sha256: Sha256) -> impl Source {
    let blobs = Arc::clone(&drive.ports().blobs);
    move |range: Range<u64>| -> BoxFuture<'static, std::io::Result<SourceStream>> {
        let blobs = Arc::clone(&blobs);
        let read = async move { blobs.read(sha256, range.start, range.end - range.start).await.map_err(std::io::Error::other) };
        read.boxed()
    }
}

/// A content on its way out.
pub(super) struct Downloaded(Response);

impl IntoResponse for Downloaded {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Downloaded {
    fn meta() -> MetaResponses {
        let content = |content_type| MetaMediaType { content_type, schema: bytes() };
        let mut partial = whole_headers();
        partial.push(header("Content-Range", "`bytes <first>-<last>/<length>`, when one range was asked for.", false));
        MetaResponses {
            responses: vec![
                answer(200, "The whole content.", vec![content("application/octet-stream")], whole_headers()),
                answer(
                    206,
                    "The ranges that were asked for: one alone, or several as parts.",
                    vec![content("application/octet-stream"), content("multipart/byteranges")],
                    partial,
                ),
                answer(304, "The client's copy is this content.", Vec::new(), headers()),
            ],
        }
    }

    fn register(_: &mut Registry) {}
}

fn answer(status: u16, description: &'static str, content: Vec<MetaMediaType>, headers: Vec<MetaHeader>) -> MetaResponse {
    MetaResponse { description, status: Some(status), status_range: None, content, headers }
}

fn headers() -> Vec<MetaHeader> {
    vec![
        header("ETag", "The content's SHA-256 in hex, in quotes.", true),
        header("Accept-Ranges", "Always `bytes`.", true),
        header("Repr-Digest", "The content's SHA-256 (RFC 9530).", true),
        header("Cache-Control", "Always `private, no-cache`.", true),
    ]
}

fn whole_headers() -> Vec<MetaHeader> {
    let mut headers = headers();
    headers.extend([
        header("Content-Length", "In bytes.", true),
        header("Content-Disposition", "`attachment`, with the file's name (RFC 6266).", true),
        header("X-Content-Type-Options", "Always `nosniff`.", true),
    ]);
    headers
}

fn header(name: &str, description: &str, required: bool) -> MetaHeader {
    let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
    MetaHeader { name: name.to_owned(), description: Some(description.to_owned()), required, deprecated: false, schema }
}

fn bytes() -> MetaSchemaRef {
    let example = Some(serde_json::Value::from("hello world"));
    MetaSchemaRef::Inline(Box::new(MetaSchema { example, ..MetaSchema::new_with_format("string", "binary") }))
}
