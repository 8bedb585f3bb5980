use serde::{Deserialize, Serialize};

/// How contents are moved between stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transfers {
    /// Contents that this process moves at once.
    pub at_once: usize,
    /// After so many failures a transfer rests until an operator retries it.
    pub failures_max: u32,
    /// Bytes that this process moves in a second, all together; 0 for no limit.
    pub bytes_per_second_max: u64,
}

impl Default for Transfers {
    fn default() -> Self {
        Self { at_once: 4, failures_max: 12, bytes_per_second_max: 0 }
    }
}

/// How contents are looked after that nobody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upkeep {
    /// How long a content is kept after its last entry was removed for good, in seconds.
    pub unused_kept_seconds: u64,
    /// In so many seconds every copy of every content is read again; 0 for never.
    pub scrub_period_seconds: u64,
    /// Bytes that are read again in a second; 0 for no limit.
    pub scrub_bytes_per_second_max: u64,
}

impl Default for Upkeep {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self { unused_kept_seconds: DAY, scrub_period_seconds: 30 * DAY, scrub_bytes_per_second_max: 50 * 1024 * 1024 }
    }
}
