use std::collections::BTreeSet;

use cairn_domain::blob::{Blob, BlobCommand, BlobEvent, BlobKey, BlobStored, Health};
use cairn_domain::file::{File, FileAdded, FileCommand, FileEvent, FileRejection, Origin};
use cairn_domain::upload::{FileMerged, Part, Upload};
use cairn_domain::{CommandId, Decider, EventId, FileId, Sha256, StreamName, UploadId};

use super::status::stream_of;
use crate::file::{ReplaceError, replace_by};
use crate::journal::{Fresh, Start};
use crate::ports::blobs::BlobStore;
use crate::ports::staging::StagingError;
use crate::sagas::change_copy;
use crate::{Drive, Loaded, Request, Trouble};

/// A merged upload, and where its bytes wait.
pub(crate) struct Merged<'a> {
    /// Which upload.
    pub upload: UploadId,
    /// The name under which staging holds its bytes.
    pub staged: UploadId,
    /// The id of the `FileMerged` event: the cause of all that follows.
    pub cause: EventId,
    /// What it said.
    pub event: &'a FileMerged,
    /// Whether somebody may have settled it before.
    pub start: Start,
    /// The content as it was seen a moment ago, if anybody has looked.
    pub blob: Option<Loaded<Blob>>,
}

/// An entry as it was made, and what its document tells of its content.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Which entry it is.
    pub id: FileId,
    /// The entry.
    pub file: Loaded<File>,
    /// The name of the store that holds its content.
    pub stored_in: String,
}

/// What follows from `FileMerged`: the staged bytes become a blob, then the blob is on the log, then the entry.
///
/// Each step may run again, by the command or by the saga after a crash, and gives the same events.
pub(crate) async fn settle(drive: &Drive, request: &Request, merged: Merged<'_>) -> Result<Stored, ReplaceError> {
    let event = merged.event;
    let stored = make_entry(drive, request, merged).await?;
    let Some(entry) = event.replaces else { return Ok(stored) };
    let file = replace_by(drive, request, event.owner, entry, event.file).await?;
    Ok(Stored { id: entry, file, ..stored })
}

async fn make_entry(drive: &Drive, request: &Request, merged: Merged<'_>) -> Result<Stored, Trouble> {
    let mut settling = Settling::of(drive, request, merged);
    if settling.merged.start == Start::Load
        && let Some(stored) = settling.was_settled().await?
    {
        return Ok(stored);
    }
    for attempt in 0..ATTEMPTS_MAX {
        if let Some(stored) = settling.attempt(attempt).await? {
            return Ok(stored);
        }
    }
    Err(Trouble::Busy)
}

/// How often a content may be deleted while an entry of it is being made.
const ATTEMPTS_MAX: u32 = 3;

struct Settling<'a> {
    drive: &'a Drive,
    request: &'a Request,
    merged: Merged<'a>,
    blob_stream: StreamName,
    file_stream: StreamName,
    store: BlobCommand,
    add: FileCommand,
    landing: &'a dyn BlobStore,
    /// The name under which the bytes lie, once they have left staging.
    promoted: Option<BlobKey>,
}

impl<'a> Settling<'a> {
    fn of(drive: &'a Drive, request: &'a Request, merged: Merged<'a>) -> Self {
        Self {
            drive,
            request,
            blob_stream: StreamName::blob(merged.event.sha256),
            file_stream: StreamName::file(merged.event.file),
            store: BlobCommand::StoreFor(stored_of(drive, merged.event), merged.event.file),
            add: FileCommand::Add(added_of(merged.upload, merged.event)),
            landing: &**drive.ports.stores.landing(),
            promoted: None,
            merged,
        }
    }

    /// What another run of the same request has made. Bytes that this one staged are not needed then.
    async fn was_settled(&self) -> Result<Option<Stored>, Trouble> {
        let file = self.drive.journal.load::<File>(&self.file_stream).await?;
        if file.version.is_none() {
            return Ok(None);
        }
        self.drive.ports.staging.discard(self.merged.staged).await?;
        let blob = self.drive.journal.load::<Blob>(&self.blob_stream).await?;
        Ok(Some(self.stored(file, &blob)))
    }

    /// None when the content was deleted just before the entry could refer to it.
    async fn attempt(&mut self, number: u32) -> Result<Option<Stored>, Trouble> {
        let known = match self.merged.blob.take() {
            Some(known) => known,
            None => self.drive.journal.load::<Blob>(&self.blob_stream).await?,
        };
        let (was_sound, key) = (is_sound(&known), self.key_in(&known));
        let is_there = was_sound && self.is_there(&known.state).await?;
        if !is_there {
            self.bring_to(key).await?;
        }
        let (of_blob, of_entry) = self.requests(number);
        if known.version.is_none()
            && let Some(stored) = self.append_fresh(&of_blob, &of_entry).await?
        {
            return Ok(Some(stored));
        }
        let blob = self.refer(&of_blob, key).await?;
        if !is_sound(&blob) {
            return Ok(None);
        }
        let add = |file: &Loaded<File>| decide_add(&file.state, &self.add);
        let file = self.drive.journal.execute(&self.file_stream, Start::Load, &of_entry, add).await?;
        if is_there {
            self.drive.ports.staging.discard(self.merged.staged).await?;
        } else if was_sound {
            self.note_return(&blob, key).await?;
        }
        if let Some(dead) = self.promoted.filter(|promoted| *promoted != self.key_in(&blob)) {
            // Others stored it and had it moved on meanwhile.
            self.landing.remove(dead).await?;
        }
        Ok(Some(self.stored(file, &blob)))
    }

    /// Whether a copy that the log calls sound has not been lost behind its back: a look costs little, and what is staged may be all that there is.
    /// A store that does not answer is believed to have it.
    async fn is_there(&self, blob: &Blob) -> Result<bool, Trouble> {
        let (sha256, size) = (self.merged.event.sha256, self.merged.event.size);
        let suspected = self.drive.trust.suspected_in(sha256);
        for name in blob.sound().filter(|name| !suspected.contains(*name)) {
            let Some(store) = self.drive.ports.stores.get(name) else { return Ok(true) };
            match store.size(blob.key_in(name, sha256)).await {
                Ok(Some(there)) if there == size => return Ok(true),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%sha256, store = name, error = &error as &dyn std::error::Error, "it is not known whether a copy is there");
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The bytes have come back, where they should be or else where uploads land: then the log learns of one more copy.
    async fn note_return(&self, blob: &Loaded<Blob>, key: BlobKey) -> Result<(), Trouble> {
        let (sha256, landing) = (self.merged.event.sha256, self.landing.name());
        tracing::error!(%sha256, "a content was lost, and has come again with an upload");
        let mut others: BTreeSet<String> = blob.state.sound().filter(|name| *name != landing).map(str::to_owned).collect();
        match blob.state.health_in(landing) {
            Some(Health::Sound) => {}
            Some(Health::Damaged) => drop(others.insert(landing.to_owned())),
            None => {
                if let Some(from) = others.first() {
                    let relocate = BlobCommand::Relocate { from: from.clone(), to: landing.to_owned() };
                    let command = CommandId(self.merged.upload.0).then("return");
                    let request = Request { keyed: false, ..self.request.because_of(self.merged.cause, command) };
                    change_copy(self.drive, landing, key, &request, relocate).await?;
                }
            }
        }
        // The log does not say yet how they are.
        self.drive.trust.suspect(sha256, others);
        Ok(())
    }

    /// What was appended in vain must not be taken for what is appended now, so each attempt has ids of its own; an entry is made once.
    fn requests(&self, attempt: u32) -> (Request, Request) {
        let settle = CommandId(self.merged.upload.0).then("settle");
        let command = if attempt == 0 { settle } else { settle.then(&attempt.to_string()) };
        let of_blob = Request { keyed: false, ..self.request.because_of(self.merged.cause, command) };
        let of_entry = of_blob.because_of(command.event(self.blob_stream.as_str(), 0), settle);
        (of_blob, of_entry)
    }

    /// Has the bytes lie under this name. One to which they were promoted before may have died before the log knew of them: then nobody else
    /// uses it, but anybody may remove it.
    async fn bring_to(&mut self, key: BlobKey) -> Result<(), Trouble> {
        match self.promoted {
            None => promote(self.drive, self.merged.staged, key).await?,
            Some(dead) if dead != key => {
                let size = self.merged.event.size;
                self.landing.write(key, size, self.landing.read(dead, 0, size).await?.bytes).await?;
                self.landing.remove(dead).await?;
            }
            Some(_) => {}
        }
        self.promoted = Some(key);
        Ok(())
    }

    /// Blob and entry at once, where neither is there yet.
    async fn append_fresh(&self, of_blob: &Request, of_entry: &Request) -> Result<Option<Stored>, Trouble> {
        let both = self.drive.journal.append_fresh::<Blob, File>(
            Fresh { stream: &self.blob_stream, request: of_blob, events: decide_store(&Blob::default(), &self.store)? },
            Fresh { stream: &self.file_stream, request: of_entry, events: decide_add(&File::default(), &self.add)? },
        );
        Ok(both.await?.map(|(blob, file)| self.stored(file, &blob)))
    }

    /// Under another name than that to which the bytes were promoted they are not there.
    async fn refer(&self, request: &Request, key: BlobKey) -> Result<Loaded<Blob>, Trouble> {
        let decide = |blob: &Loaded<Blob>| {
            let there = is_sound(blob) || self.key_in(blob) == key;
            if there { decide_store(&blob.state, &self.store) } else { Ok(Vec::new()) }
        };
        self.drive.journal.execute(&self.blob_stream, Start::Load, request, decide).await
    }

    fn key_in(&self, blob: &Loaded<Blob>) -> BlobKey {
        blob.state.key_in(self.landing.name(), self.merged.event.sha256)
    }

    fn stored(&self, file: Loaded<File>, blob: &Loaded<Blob>) -> Stored {
        Stored { id: self.merged.event.file, file, stored_in: home_of(self.drive, &blob.state) }
    }
}

fn is_sound(blob: &Loaded<Blob>) -> bool {
    blob.state.sound().next().is_some()
}

/// The staged bytes become a blob. Another process may have sealed other versions of the parts meanwhile; then those on the log are sealed
/// again.
async fn promote(drive: &Drive, staged: UploadId, key: BlobKey) -> Result<(), Trouble> {
    match drive.ports.staging.promote(staged, key).await {
        Err(StagingError::Absent(_)) => {}
        promoted => return Ok(promoted?),
    }
    let upload = drive.journal.load::<Upload>(&stream_of(staged)).await?.state;
    let parts = parts_of(&upload);
    if parts.is_empty() || drive.ports.staging.seal(staged, &parts).await?.sha256 != key.sha256 {
        return Err(StagingError::Absent(staged).into());
    }
    Ok(drive.ports.staging.promote(staged, key).await?)
}

/// Every part as the log has it, in order.
pub(crate) fn parts_of(upload: &Upload) -> Vec<(Part, Sha256)> {
    let part = |offset: &u64, length| Part { offset: *offset, length };
    upload.chunks().iter().map(|(offset, chunk)| (part(offset, chunk.length), chunk.sha256)).collect()
}

fn decide_store(blob: &Blob, command: &BlobCommand) -> Result<Vec<BlobEvent>, Trouble> {
    blob.decide(command.clone()).map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
}

fn decide_add(file: &File, command: &FileCommand) -> Result<Vec<FileEvent>, Trouble> {
    match file.decide(command.clone()) {
        // It was made before, and may have changed since, or be gone again.
        Err(FileRejection::AlreadyAdded) => Ok(Vec::new()),
        decision => decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into())),
    }
}

fn stored_of(drive: &Drive, merged: &FileMerged) -> BlobStored {
    BlobStored { size: merged.size, sha1: merged.sha1, store: drive.ports.stores.landing().name().to_owned() }
}

fn added_of(upload: UploadId, merged: &FileMerged) -> FileAdded {
    FileAdded {
        owner: merged.owner,
        name: merged.name.clone(),
        folder: merged.folder,
        size: merged.size,
        sha256: merged.sha256,
        sha1: merged.sha1,
        content_type: merged.content_type.clone(),
        origin: merged.offline.map_or(Origin::Upload(upload), |offline| Origin::Offline { offline, upload }),
        version_of: merged.replaces,
    }
}

/// The command that merges an upload: one for each upload, so that whoever merges it makes the same event.
pub(crate) fn merge_command(upload: UploadId) -> CommandId {
    CommandId(upload.0).then("merge")
}

/// The name of the store from which a content is best read; the drive's own when the log knows none.
pub(crate) fn home_of(drive: &Drive, blob: &Blob) -> String {
    let stores = &drive.ports.stores;
    let home = stores.each().map(|store| store.name()).find(|name| blob.sound().any(|sound| sound == *name));
    home.or(blob.sound().next()).unwrap_or_else(|| stores.landing().name()).to_owned()
}
