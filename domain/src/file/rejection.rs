/// Why a command to an entry was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRejection {
    /// There is no such entry, or no longer.
    Absent,
    /// The entry was made before, and differently.
    AlreadyAdded,
    /// It is in the trash: restore it first.
    Trashed,
    /// The entry does not keep that content, or never had it.
    NoSuchVersion,
}
