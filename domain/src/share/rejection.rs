/// Why a command to a share was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShareRejection {
    /// There is no such share.
    Absent,
    /// The share was made before, and differently.
    AlreadyCreated,
    /// It was revoked, or its time is over.
    Over,
    /// There were as many downloads as there may be.
    UsedUp,
}
