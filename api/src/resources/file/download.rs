use std::ops::Range;
use std::sync::Arc;

use cairn_commands::links::{Link, link_is_good};
use cairn_commands::{Caller, Drive, file};
use cairn_domain::file::FileStatus;
use cairn_domain::{FileId, Sha256, Timestamp};
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::files::{ByHash, EntryStatus, FileRecord, file_by_id, newest_with_content};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use poem::{Request, Response};
use uuid::Uuid;

use crate::app::App;
use crate::ask::MinPosition;
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

/// The parameters of a download.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The entry, or none.
    pub id: Option<Uuid>,
    /// The content, or none.
    pub filehash: Option<String>,
    /// The rest of a link, if it is one.
    pub signature: Signature,
}

/// What makes a link valid.
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
pub(super) async fn own_record(tables: &dyn ReadTables, caller: &Caller, wanted: Wanted) -> Result<Option<FileRecord>, Problem> {
    let owner = caller.account;
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
    position: MinPosition,
    asked: Asked,
) -> Result<Response, Problem> {
    let found = match caller {
        _ if asked.signature.is_there() => linked(&app.drive, asked.wanted()?, &asked.signature).await?,
        Some(caller) => {
            let wanted = asked.wanted()?;
            let tables = app.reach(&caller, position.0).await?;
            own_record(&*tables, &caller, wanted).await?.map(|record| of_record(&app.drive, record))
        }
        None => return Err(Problem::of(common::unauthorized)),
    };
    let found = found.ok_or(Problem::of(common::not_found))?;
    let source = source(&app.drive, Sha256(found.sha256));
    found.answer(&DownloadRequest::from(request), source).await
}

impl Asked {
    fn wanted(&self) -> Result<Wanted, Problem> {
        Wanted::read(self.id, self.filehash.as_deref())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_an_id_or_a_hash_is_needed() {
        let (id, hash) = (Uuid::from_u128(1), "a".repeat(40));
        let field = |read: Result<Wanted, Problem>| read.map_err(|problem| problem.errors()[0].field.clone());
        assert_eq!(field(Wanted::read(Some(id), None)), Ok(Wanted::Id(FileId(id))));
        assert!(matches!(Wanted::read(None, Some(&hash)), Ok(Wanted::Content(ByHash::Sha1(_)))));
        assert_eq!(field(Wanted::read(None, None)), Err("id".to_owned()));
        assert_eq!(field(Wanted::read(Some(id), Some(&hash))), Err("filehash".to_owned()));
        assert_eq!(field(Wanted::read(None, Some("x"))), Err("filehash".to_owned()));
    }

    #[test]
    fn a_link_needs_all_its_parameters() {
        let link = |expires, signature: Option<&str>| {
            let signature = Signature { expires, signature: signature.map(str::to_owned) };
            signature.link(FileId(Uuid::from_u128(1))).map(|link| (link.expires_at, link.signature))
        };
        let good = "ff".repeat(32);
        assert_eq!(link(Some(7), Some(&good)), Some((Timestamp(7_000_000), [255; 32])));
        assert_eq!(link(None, Some(&good)), None);
        assert_eq!(link(Some(7), None), None);
        assert_eq!(link(Some(7), Some("ff")), None);
        assert_eq!(link(Some(i64::MAX), Some(&good)), None);
    }
}
