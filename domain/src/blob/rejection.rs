/// Why a command to a content was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobRejection {
    /// Nothing is stored under this hash.
    NotStored,
    /// There is no copy in that store.
    NoSuchCopy,
    /// It is the last sound copy.
    LastCopy,
}
