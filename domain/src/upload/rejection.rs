use super::{PartRange, Phase};

/// Why a command to an upload was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadRejection {
    /// There is no such upload.
    Absent,
    /// The upload was started before, and differently.
    AlreadyStarted,
    /// It has ended, this way.
    Closed(Phase),
    /// No part starts there.
    NoSuchPart,
    /// The part has another length, in bytes.
    WrongPartSize {
        /// As planned.
        expected: u64,
    },
    /// Some parts have not come yet.
    PartsMissing {
        /// Which.
        missing: Vec<PartRange>,
    },
    /// A part came after the bytes were read: read them again.
    ChangedMeanwhile,
    /// It is too early to expire.
    StillAlive,
}
