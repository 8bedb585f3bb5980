//! Every event there is, and what stands around one in the log.

use serde::{Deserialize, Serialize};

use crate::account::AccountEvent;
use crate::blob::BlobEvent;
use crate::file::FileEvent;
use crate::folder::FolderEvent;
use crate::offline::OfflineEvent;
use crate::share::ShareEvent;
use crate::space::SpaceEvent;
use crate::transfer::TransferEvent;
use crate::upload::UploadEvent;
use crate::username::UsernameEvent;
use crate::{AccountId, EventId, Position, StreamName, Timestamp, Version};

/// What stands beside an event: who asked, through which request, and because of what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// The event that made this one follow; none when a person's request did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<EventId>,
    /// What binds everything that one request set off: its `X-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
    /// The account that asked; none for the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AccountId>,
    /// Where the request came from: the address, as far as it is trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// An event that is about to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Unique in the log; the same id again is the same event again.
    pub id: EventId,
    /// When it was decided.
    pub time: Timestamp,
    /// What stands beside it.
    pub metadata: Metadata,
    /// What happened.
    pub event: Event,
}

/// An event as the log holds it, its data still as it was written. [`decode`](crate::codec::decode) reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Unique in the log.
    pub id: EventId,
    /// Where it stands.
    pub stream: StreamName,
    /// Its number there, from 0.
    pub version: Version,
    /// Its number in the whole log, from 1.
    pub position: Position,
    /// When it was decided.
    pub time: Timestamp,
    /// What happened, by name.
    pub name: String,
    /// Which schema its data follows, from 1.
    pub schema: u16,
    /// What stands beside it.
    pub metadata: Metadata,
    /// The event itself, as JSON.
    pub data: String,
}

macro_rules! catalogue {
    ($($category:ident($events:ident) = $prefix:literal { $($name:ident: $schema:literal),+ $(,)? })+) => {
        /// Any event of any aggregate.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $(
                #[doc = concat!("On a `", $prefix, "-*` stream.")]
                $category($events),
            )+
        }

        /// Every event type there is: its category, its name and the schema that is written today.
        pub const CATALOGUE: &[(&str, &str, u16)] = &[$($(($prefix, stringify!($name), $schema)),+),+];

        impl Event {
            /// The name under which the event is stored.
            pub fn name(&self) -> &'static str {
                match self {
                    $($(Self::$category($events::$name(_)) => stringify!($name),)+)+
                }
            }

            /// The schema in which the event is stored.
            pub fn schema(&self) -> u16 {
                match self {
                    $($(Self::$category($events::$name(_)) => $schema,)+)+
                }
            }

            /// The event's data as JSON, without its name.
            pub(crate) fn write_data(&self) -> serde_json::Result<String> {
                match self {
                    $($(Self::$category($events::$name(data)) => serde_json::to_string(data),)+)+
                }
            }

            /// Reads data of today's schema; none when there is no event of that name.
            pub(crate) fn read_data(name: &str, data: &str) -> Option<serde_json::Result<Self>> {
                match name {
                    $($(stringify!($name) => Some(
                        serde_json::from_str(data).map(|data| Self::$category($events::$name(data))),
                    ),)+)+
                    _ => None,
                }
            }
        }

        $(
            impl From<$events> for Event {
                fn from(event: $events) -> Self {
                    Self::$category(event)
                }
            }

            impl TryFrom<Event> for $events {
                type Error = Event;
                fn try_from(event: Event) -> Result<Self, Event> {
                    match event {
                        Event::$category(event) => Ok(event),
                        #[allow(unreachable_patterns, reason = "one category alone would make it so")]
                        other => Err(other),
                    }
                }
            }
        )+
    };
}

catalogue! {
    Username(UsernameEvent) = "username" {
        UsernameClaimed: 1,
    }
    Account(AccountEvent) = "account" {
        AccountRegistered: 1,
        PasswordChanged: 1,
        SessionOpened: 1,
        SessionClosed: 1,
        RoleGranted: 1,
        RoleRevoked: 1,
        QuotaChanged: 1,
    }
    Upload(UploadEvent) = "upload" {
        UploadStarted: 1,
        ChunkReceived: 1,
        FileMerged: 1,
        UploadCancelled: 1,
        UploadExpired: 1,
        UploadRejected: 1,
    }
    Blob(BlobEvent) = "blob" {
        BlobStored: 1,
        BlobReferenced: 1,
        BlobRelocated: 1,
        BlobCopyRemoved: 1,
        BlobDamaged: 1,
        BlobRepaired: 1,
        BlobDeleted: 1,
    }
    File(FileEvent) = "file" {
        FileAdded: 1,
        FileRenamed: 1,
        FileMoved: 1,
        FileReplaced: 1,
        FileVersionRemoved: 1,
        FileTrashed: 1,
        FileRestored: 1,
        FilePurged: 1,
    }
    Folder(FolderEvent) = "tree" {
        FolderCreated: 1,
        FolderRenamed: 1,
        FolderMoved: 1,
        FolderTrashed: 1,
        FolderRestored: 1,
        FolderPurged: 1,
    }
    Share(ShareEvent) = "share" {
        ShareCreated: 1,
        ShareChanged: 1,
        ShareDownloaded: 2,
        ShareDownloadEnded: 1,
        ShareSaved: 1,
        ShareRevoked: 1,
    }
    Space(SpaceEvent) = "space" {
        SpaceReserved: 1,
        SpaceFreed: 1,
    }
    Transfer(TransferEvent) = "transfer" {
        TransferRequested: 1,
        TransferQueued: 1,
        TransferStarted: 1,
        TransferCompleted: 1,
        TransferStalled: 1,
        TransferRetried: 1,
        TransferAbandoned: 1,
    }
    Offline(OfflineEvent) = "offline" {
        OfflineRequested: 1,
        OfflineStarted: 1,
        OfflineFound: 1,
        OfflineProgressed: 1,
        OfflineCompleted: 1,
        OfflineFailed: 1,
        OfflineCancelled: 1,
    }
}
