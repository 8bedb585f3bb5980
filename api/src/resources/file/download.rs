use std::ops::Range;
use std::sync::Arc;

use cairn_commands::content;
use cairn_commands::links::{Link, link_is_good};
use cairn_commands::{Caller, Drive, file};
use cairn_domain::file::{Content, Entry};
use cairn_domain::policy::{Act, Asker, Subject, allows};
use cairn_domain::{FileId, Position, Sha256, Timestamp};
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::contents::content_by_sha256;
use cairn_projections::queries::files::{ByHash, EntryStatus, FileRecord, file_by_id, newest_with_content};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use poem::{Request, Response};
use uuid::Uuid;

use super::problems::DownloadProblem;
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
    /// Which of its contents; the one in use when none.
    pub version: Option<u64>,
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
    let found = match wanted {
        Wanted::Id(id) => file_by_id(tables, owner, id).await?,
        Wanted::Content(content) => match newest_with_content(tables, owner, content, Some(EntryStatus::Active)).await? {
            Some(record) => Some(record),
            None => newest_with_content(tables, owner, content, None).await?,
        },
    };
    Ok(found.filter(|record| allows(caller.asker(), Act::Read, subject_of(record))))
}

/// What the tables have of an entry, as the policy sees it. Entries that hold versions are not in them.
fn subject_of(record: &FileRecord) -> Subject {
    Subject { id: record.id, owner: record.owner, in_use: record.status == EntryStatus::Active, holds_version: false }
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
        _ if asked.signature.is_there() => linked(app, asked.wanted()?, &asked.signature).await?,
        Some(caller) if asked.version.is_some() => {
            version(app, &caller, asked.wanted()?, asked.version.unwrap_or_default()).await?
        }
        Some(caller) => {
            let wanted = asked.wanted()?;
            let tables = app.reach(&caller, position.0).await?;
            own_record(&*tables, &caller, wanted).await?.map(|record| of_record(&app.drive, record))
        }
        None => return Err(Problem::of(common::unauthorized)),
    };
    let (found, probably_in) = found.ok_or(Problem::of(common::not_found))?;
    let source = source(&app.drive, Sha256(found.sha256), found.length, probably_in);
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

/// A content to be sent, and the store that probably has it.
type Found = (Download, Option<String>);

/// What a link leads to. A file in the trash is not there for whoever holds a link.
async fn linked(app: &App, wanted: Wanted, signature: &Signature) -> Result<Option<Found>, Problem> {
    let drive = &app.drive;
    let link = match wanted {
        Wanted::Id(id) => signature.link(id),
        Wanted::Content(_) => None,
    };
    let link = link.filter(|link| link_is_good(drive, link));
    let refused = || Problem::of(common::unauthorized).detail("This link has ended or was never given out; ask for a new one.");
    let link = link.ok_or_else(refused)?;
    let Some(file) = file::readable(drive, Asker::Link(link.file), link.file).await? else { return Ok(None) };
    let Some(entry) = file.state.entry() else { return Ok(None) };
    Ok(Some(of_content(app, entry, entry.content()).await))
}

/// A content of the caller's entry, the one in use or an earlier one.
async fn version(app: &App, caller: &Caller, wanted: Wanted, number: u64) -> Result<Option<Found>, Problem> {
    let Wanted::Id(id) = wanted else {
        return Err(Problem::invalid("version", "can't stand beside filehash; give the id"));
    };
    let Some(file) = file::own(&app.drive, caller, id).await? else { return Ok(None) };
    let Some(entry) = file.state.entry() else { return Ok(None) };
    let content = entry.versions().iter().find(|version| version.number == number).map(|version| version.content.clone());
    match content {
        Some(content) => Ok(Some(of_content(app, entry, content).await)),
        None => Ok(None),
    }
}

async fn of_content(app: &App, entry: &Entry, content: Content) -> Found {
    let download = Download {
        name: entry.name.to_string(),
        content_type: content.content_type,
        length: content.size,
        sha256: content.sha256.0,
        boundary: boundary(&app.drive),
    };
    (download, probable_store(app, content.sha256).await)
}

/// Where the read tables have a content. They may be behind, or away: the log says it then.
pub(in crate::resources) async fn probable_store(app: &App, sha256: Sha256) -> Option<String> {
    let tables = app.copies.reached(Position::START);
    let content = content_by_sha256(&*tables, sha256).await.ok()??;
    content.is_sound.then_some(content.store)
}

fn of_record(drive: &Drive, record: FileRecord) -> Found {
    let download = Download {
        name: record.name,
        content_type: record.content_type,
        length: record.size,
        sha256: record.sha256.0,
        boundary: boundary(drive),
    };
    (download, record.stored_in)
}

pub(in crate::resources) fn boundary(drive: &Drive) -> Uuid {
    drive.ports().ids.command().0
}

/// The bytes of a content, piece by piece as a store gives them. A problem travels inside of the error.
pub(in crate::resources) fn source(drive: &Arc<Drive>, sha256: Sha256, size: u64, probably_in: Option<String>) -> impl Source {
    let (drive, probably_in) = (Arc::clone(drive), probably_in.map(Arc::<str>::from));
    move |range: Range<u64>| -> BoxFuture<'static, std::io::Result<SourceStream>> {
        let (drive, probably_in) = (Arc::clone(&drive), probably_in.clone());
        let read = async move {
            let read = content::read(&drive, sha256, size, probably_in.as_deref(), range).await;
            read.map_err(|error| std::io::Error::other(Problem::from(DownloadProblem::from(error))))
        };
        read.boxed()
    }
}

#[cfg(test)]
mod tests;
