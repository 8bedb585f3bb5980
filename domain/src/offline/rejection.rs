/// Why a command to an offline download was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfflineRejection {
    /// There is no such download.
    Absent,
    /// It was asked for before, and differently.
    AlreadyRequested,
    /// Another worker has it.
    Taken,
    /// It has ended.
    Ended,
}
