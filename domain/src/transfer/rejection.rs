/// Why a command to a transfer was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferRejection {
    /// There is no such transfer.
    Absent,
    /// It was asked for before, and differently.
    AlreadyRequested,
    /// It is done.
    Completed,
    /// It was given up.
    Abandoned,
    /// It rests until somebody has looked at it.
    Stalled,
}
