/// Why a command to somebody's folders was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderRejection {
    /// There is no such folder, or no longer.
    Absent,
    /// There is no folder in use to put it into.
    NoSuchParent,
    /// It is in the trash: restore it first.
    Trashed,
    /// It would stand in itself, or in a folder below it.
    Cycle,
    /// The account has as many folders as it may.
    TooMany,
}
