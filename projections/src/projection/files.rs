//! What lies in the drive: the contents, each once, and everybody's entries.

use cairn_domain::blob::{BlobEvent, BlobStored};
use cairn_domain::file::{FileAdded, FileEvent, FileRenamed};
use cairn_domain::{Event, FileName, Sha256};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, Value, value::integer};
use crate::table::{Columns, Table};

/// An entry in use, as `tbl_user_file.status` says it.
pub const ACTIVE: &str = "active";
/// An entry in the trash.
pub const TRASHED: &str = "trashed";
/// A content whose bytes are there, as `tbl_file.status` says it.
pub const STORED: &str = "stored";
/// A content of which no sound copy is left.
pub const DAMAGED: &str = "damaged";

table! {
    /// One row per unique content.
    File = "tbl_file" {
        /// The content's address.
        FileSha256 = "file_sha256": Sha256,
        /// For clients of the older protocol.
        FileSha1 = "file_sha1": Sha1,
        /// In bytes.
        FileSize = "file_size": Integer,
        /// The name of a store where it lies, a sound copy if there is one.
        FileAddr = "file_addr": Text(64),
        /// When it came.
        CreateAt = "create_at": Integer,
        /// When something about it last changed.
        UpdateAt = "update_at": Integer,
        /// Stored or damaged.
        Status = "status": Text(16),
    }
    indexes { "ix_file_file_sha1": [FileSha1], }
}

table! {
    /// One row per entry of somebody's drive.
    UserFile = "tbl_user_file" {
        /// The entry.
        Id = "id": Id,
        /// Whose it is.
        Owner = "owner": Id,
        /// What it is called.
        Name = "name": Text(255),
        /// The same in small letters, to be found by: the databases know the letters A to Z only, or their own rules. One letter can become three.
        NameLower = "name_lower": Text(765),
        /// Where it stands; null is the top.
        FolderId = "folder_id": MaybeId,
        /// In bytes.
        Size = "size": Integer,
        /// The content.
        Sha256 = "sha256": Sha256,
        /// The content, for clients of the older protocol.
        Sha1 = "sha1": Sha1,
        /// A media type. Longer than any registered one (RFC 6838 section 4.2: 127 characters for each half).
        ContentType = "content_type": Text(255),
        /// The number of events that made it what it is, from 1.
        Version = "version": Integer,
        /// Active or trashed by itself: the folder that it stands in may be in the trash, too.
        Status = "status": Text(16),
        /// When it was made.
        CreatedAt = "created_at": Integer,
        /// When it last changed.
        UpdatedAt = "updated_at": Integer,
        /// Where in the log it was made: what "newest first" goes by, because it is unique.
        AddedPosition = "added_position": Integer,
    }
    indexes {
        "ix_user_file_owner": [Owner, Status, AddedPosition],
        "ix_user_file_folder": [Owner, FolderId, AddedPosition],
        "ix_user_file_added": [Owner, AddedPosition],
        "ix_user_file_sha256": [Owner, Sha256, AddedPosition],
        "ix_user_file_sha1": [Owner, Sha1, AddedPosition],
    }
}

/// `tbl_file` and `tbl_user_file`.
#[derive(Debug, Clone, Copy)]
pub struct Files;

impl Projection for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn version(&self) -> u32 {
        5
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[File::TABLE, UserFile::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &[
            "BlobStored",
            "BlobRelocated",
            "BlobCopyRemoved",
            "BlobDamaged",
            "BlobRepaired",
            "BlobDeleted",
            "FileAdded",
            "FileRenamed",
            "FileMoved",
            "FileReplaced",
            "FileVersionRemoved",
            "FileTrashed",
            "FileRestored",
            "FilePurged",
        ]
    }

    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        Ok(match event {
            Event::Blob(event) => content(event, envelope)?.into_iter().collect(),
            Event::File(event) => entry(event, envelope)?.into_iter().collect(),
            Event::Username(_)
            | Event::Account(_)
            | Event::Upload(_)
            | Event::Folder(_)
            | Event::Share(_)
            | Event::Space(_)
            | Event::Transfer(_) => Vec::new(),
        })
    }
}

fn content(event: &BlobEvent, envelope: Envelope<'_>) -> Result<Option<Statement>, Unprojectable> {
    let sha256: Sha256 = envelope.stream.id().parse().map_err(|_| Unprojectable::Stream(envelope.id()))?;
    Ok(match event {
        BlobEvent::BlobStored(stored) => Some(storage(sha256, stored, envelope)?),
        BlobEvent::BlobReferenced(_) => None,
        BlobEvent::BlobRelocated(relocated) => Some(sound_in(sha256, &relocated.to, envelope)),
        BlobEvent::BlobCopyRemoved(removed) => Some(sound_in(sha256, &removed.remains_in, envelope)),
        BlobEvent::BlobDamaged(damaged) => Some(match &damaged.sound_in {
            Some(store) => sound_in(sha256, store, envelope),
            None => Statement::set(sha256.to_string(), [(File::Status, DAMAGED.into()), (File::UpdateAt, envelope.time.into())]),
        }),
        BlobEvent::BlobRepaired(repaired) => Some(sound_in(sha256, &repaired.store, envelope)),
        BlobEvent::BlobDeleted(_) => Some(Statement::remove::<File>(sha256.to_string())),
    })
}

/// There is a sound copy, and this is where.
fn sound_in(sha256: Sha256, store: &str, envelope: Envelope<'_>) -> Statement {
    let values = [(File::FileAddr, store.to_owned().into()), (File::Status, STORED.into()), (File::UpdateAt, envelope.time.into())];
    Statement::set(sha256.to_string(), values)
}

fn storage(sha256: Sha256, stored: &BlobStored, envelope: Envelope<'_>) -> Result<Statement, Unprojectable> {
    Ok(Statement::put(
        sha256.to_string(),
        [
            (File::FileSha1, stored.sha1.into()),
            (File::FileSize, integer(stored.size)?.into()),
            (File::FileAddr, stored.store.clone().into()),
            (File::CreateAt, envelope.time.into()),
            (File::UpdateAt, envelope.time.into()),
            (File::Status, STORED.into()),
        ],
    ))
}

/// Entries that hold a version of another have no row: nobody asks for them.
fn entry(event: &FileEvent, envelope: Envelope<'_>) -> Result<Option<Statement>, Unprojectable> {
    Ok(Some(match event {
        FileEvent::FileAdded(added) if added.version_of.is_some() => return Ok(None),
        FileEvent::FileAdded(added) => addition(added, envelope)?,
        FileEvent::FileRenamed(FileRenamed { name }) => {
            change(envelope, [(UserFile::Name, text(name)), (UserFile::NameLower, lower(name))])?
        }
        FileEvent::FileMoved(moved) => change(envelope, [(UserFile::FolderId, moved.folder.into())])?,
        FileEvent::FileReplaced(replaced) => change(
            envelope,
            [
                (UserFile::Size, integer(replaced.size)?.into()),
                (UserFile::Sha256, replaced.sha256.into()),
                (UserFile::Sha1, replaced.sha1.into()),
                (UserFile::ContentType, replaced.content_type.clone().into()),
            ],
        )?,
        FileEvent::FileVersionRemoved(_) => change(envelope, [])?,
        FileEvent::FileTrashed(_) => change(envelope, [(UserFile::Status, TRASHED.into())])?,
        FileEvent::FileRestored(_) => change(envelope, [(UserFile::Status, ACTIVE.into())])?,
        FileEvent::FilePurged(_) => Statement::remove::<UserFile>(envelope.id()),
    }))
}

fn addition(added: &FileAdded, envelope: Envelope<'_>) -> Result<Statement, Unprojectable> {
    Ok(Statement::put(
        envelope.id(),
        [
            (UserFile::Owner, added.owner.into()),
            (UserFile::Name, text(&added.name)),
            (UserFile::NameLower, lower(&added.name)),
            (UserFile::FolderId, added.folder.into()),
            (UserFile::Size, integer(added.size)?.into()),
            (UserFile::Sha256, added.sha256.into()),
            (UserFile::Sha1, added.sha1.into()),
            (UserFile::ContentType, added.content_type.clone().into()),
            (UserFile::Version, version(envelope)?),
            (UserFile::Status, ACTIVE.into()),
            (UserFile::CreatedAt, envelope.time.into()),
            (UserFile::UpdatedAt, envelope.time.into()),
            (UserFile::AddedPosition, envelope.position.try_into()?),
        ],
    ))
}

fn change<const N: usize>(envelope: Envelope<'_>, values: [(UserFile, Value); N]) -> Result<Statement, Unprojectable> {
    let of_every = [(UserFile::Version, version(envelope)?), (UserFile::UpdatedAt, envelope.time.into())];
    Ok(Statement::set(envelope.id(), values.into_iter().chain(of_every)))
}

fn text(name: &FileName) -> Value {
    name.to_string().into()
}

fn lower(name: &FileName) -> Value {
    name.as_str().to_lowercase().into()
}

/// As the API counts: an entry that was just made has version 1.
fn version(envelope: Envelope<'_>) -> Result<Value, Unprojectable> {
    Ok(integer(envelope.version.0.saturating_add(1))?.into())
}
