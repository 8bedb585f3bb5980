/// Why no space was promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpaceRejection {
    /// There is not as much left.
    Over {
        /// What is left, in bytes.
        free: u64,
    },
    /// The read tables were counted before a state that somebody else has counted since: what has left the promises is not in this count.
    Behind,
}
