use cairn_domain::blob::BlobKey;
use cairn_domain::{EventId, FileId, Position, Sha256, StreamName};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The events of a stream do not follow each other.
    #[error("position {position}: {stream} has version {found} here, and should have {expected}")]
    Version {
        /// Where.
        position: Position,
        /// Which stream.
        stream: StreamName,
        /// As stored.
        found: u64,
        /// The next one of the stream.
        expected: u64,
    },
    /// Two events have one id.
    #[error("position {position}: event {id} has stood in the log before")]
    RepeatedId {
        /// Where the second one stands.
        position: Position,
        /// Whose.
        id: EventId,
    },
    /// An event that this program can't read.
    #[error("position {position}: the {name} can't be read: {reason}")]
    Unreadable {
        /// Where.
        position: Position,
        /// What happened, by name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// What stands there is no event at all.
    #[error("position {position}: what stands there is no event: {reason}")]
    NoEvent {
        /// Where.
        position: Position,
        /// Why not.
        reason: String,
    },
    /// The log can't be read to its end.
    #[error("behind position {after} the log can't be read, and was not looked at: {reason}")]
    NoWayOn {
        /// The last position that can be read.
        after: Position,
        /// Why.
        reason: String,
    },
    /// Positions are missing, in a log that numbers its events.
    #[error("position {position}: the event before it stands at {before}, so that positions are missing")]
    Hole {
        /// Where the next event stands.
        position: Position,
        /// Where the one before it stands.
        before: Position,
    },
    /// An event that is said to follow from one that is not there.
    #[error("position {position}: the event says that it follows from {cause}, which does not stand before it")]
    Cause {
        /// Where.
        position: Position,
        /// What is missing.
        cause: EventId,
    },
    /// An event is not the one that was there when its digest was kept, or one before it is missing or was put there.
    #[error("position {position}: the log was altered here: this is not what stood here before")]
    Altered {
        /// The first such event.
        position: Position,
    },
    /// The log counts more events than it has.
    #[error("the log says that its last event stands at {head}, and has none behind {after}")]
    EndMissing {
        /// Where its last event should stand.
        head: Position,
        /// Where the last one stands that is there.
        after: Position,
    },
    /// Events are missing at the end of the log.
    #[error("the log ends after {events} events, at position {head}; it had {kept}, up to position {last}")]
    CutOff {
        /// Where it ends.
        head: Position,
        /// How many there are.
        events: u64,
        /// Where the last one stood.
        last: Position,
        /// How many there were.
        kept: u64,
    },
    /// The log has another digest than the caller has for it.
    #[error("after {events} events the log has another digest than was expected")]
    OtherDigest {
        /// How many events were digested.
        events: u64,
    },
    /// An entry without a content.
    #[error("the entry {file} needs the content {sha256}, which is not stored")]
    Dangling {
        /// Which entry.
        file: FileId,
        /// Which content.
        sha256: Sha256,
    },
    /// A copy that is not there.
    #[error("{key} should be in {store:?}, and is not there")]
    Lost {
        /// Which copy.
        key: BlobKey,
        /// The name of the store.
        store: String,
    },
    /// A copy of another size.
    #[error("{key} has {found} bytes in {store:?}, and should have {expected}")]
    Size {
        /// Which copy.
        key: BlobKey,
        /// The name of the store.
        store: String,
        /// In bytes.
        found: u64,
        /// In bytes.
        expected: u64,
    },
    /// A copy of other bytes.
    #[error("{key} is not the content in {store:?}: its bytes have another SHA-256")]
    Damaged {
        /// Which copy.
        key: BlobKey,
        /// The name of the store.
        store: String,
    },
    /// A copy of which the log says that it is damaged.
    #[error("{key} is known to be damaged in {store:?}")]
    KnownDamage {
        /// Which copy.
        key: BlobKey,
        /// The name of the store.
        store: String,
    },
    /// A copy in a store of which the configuration says nothing.
    #[error("{key} should be in {store:?}, which is not configured")]
    NoSuchStore {
        /// Which copy.
        key: BlobKey,
        /// The name of the store.
        store: String,
    },
    /// A copy that nobody knows of.
    #[error("{key} is in {store:?}, and no event speaks of it")]
    Orphan {
        /// Which copy.
        key: BlobKey,
        /// The name of the store.
        store: String,
    },
}

impl Finding {
    /// What kind of finding it is, for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version { .. } => "version",
            Self::RepeatedId { .. } => "repeated_id",
            Self::Unreadable { .. } => "unreadable",
            Self::NoEvent { .. } => "no_event",
            Self::NoWayOn { .. } => "no_way_on",
            Self::Hole { .. } => "hole",
            Self::Cause { .. } => "cause",
            Self::Altered { .. } => "altered",
            Self::EndMissing { .. } => "end_missing",
            Self::CutOff { .. } => "cut_off",
            Self::OtherDigest { .. } => "other_digest",
            Self::Dangling { .. } => "dangling",
            Self::Lost { .. } => "lost",
            Self::Size { .. } => "size",
            Self::Damaged { .. } => "damaged",
            Self::KnownDamage { .. } => "known_damage",
            Self::NoSuchStore { .. } => "no_such_store",
            Self::Orphan { .. } => "orphan",
        }
    }

    /// Where in the log it is, if it is in the log.
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Version { position, .. }
            | Self::RepeatedId { position, .. }
            | Self::Unreadable { position, .. }
            | Self::NoEvent { position, .. }
            | Self::NoWayOn { after: position, .. }
            | Self::EndMissing { after: position, .. }
            | Self::Hole { position, .. }
            | Self::Cause { position, .. }
            | Self::Altered { position } => Some(*position),
            Self::CutOff { .. }
            | Self::OtherDigest { .. }
            | Self::Dangling { .. }
            | Self::Lost { .. }
            | Self::Size { .. }
            | Self::Damaged { .. }
            | Self::KnownDamage { .. }
            | Self::NoSuchStore { .. }
            | Self::Orphan { .. } => None,
        }
    }
}
