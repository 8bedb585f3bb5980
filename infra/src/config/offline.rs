use std::time::Duration;

use cairn_commands::offline::OfflineLimits;
use serde::{Deserialize, Serialize};

use crate::fetch::{FetchSettings, Network};

/// How files are fetched from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfflineSection {
    /// Networks that are asked although they are not public, as `10.0.0.0/8`. Whoever has an account can then have the drive ask there.
    pub allow: Vec<Network>,
    /// Networks that are not asked although they are public, or in `allow`.
    pub refuse: Vec<Network>,
    /// The largest file that is fetched, in bytes; never more than `limits.file_bytes_max`.
    pub bytes_max: u64,
    /// How long a download may take after it was first started, in seconds.
    pub seconds_max: u64,
    /// How long it may take to connect to a source, in seconds.
    pub connect_seconds_max: u64,
    /// How long a source may say nothing, in seconds.
    pub idle_seconds_max: u64,
    /// How often one source may lead to another.
    pub redirects_max: u32,
    /// After so many failures without a part more a download is given up.
    pub attempts_max: u32,
    /// Downloads that one account may have waiting and running at once.
    pub jobs_per_account_max: u64,
    /// Downloads that this process runs at once.
    pub at_once: usize,
    /// A download of which nothing was heard for so long is taken over by another process, in seconds.
    pub silent_seconds_max: u64,
}

impl Default for OfflineSection {
    fn default() -> Self {
        let OfflineLimits { bytes_max, seconds_max, attempts_max, jobs_per_account_max } = OfflineLimits::default();
        Self {
            allow: Vec::new(),
            refuse: Vec::new(),
            bytes_max,
            seconds_max,
            connect_seconds_max: 10,
            idle_seconds_max: 30,
            redirects_max: 5,
            attempts_max,
            jobs_per_account_max,
            at_once: 4,
            silent_seconds_max: 60,
        }
    }
}

impl From<&OfflineSection> for OfflineLimits {
    fn from(section: &OfflineSection) -> Self {
        let OfflineSection { bytes_max, seconds_max, attempts_max, jobs_per_account_max, .. } = *section;
        Self { bytes_max, seconds_max, attempts_max, jobs_per_account_max }
    }
}

impl From<&OfflineSection> for FetchSettings {
    fn from(section: &OfflineSection) -> Self {
        Self {
            allow: section.allow.clone(),
            refuse: section.refuse.clone(),
            redirects_max: section.redirects_max,
            connect_max: Duration::from_secs(section.connect_seconds_max),
            idle_max: Duration::from_secs(section.idle_seconds_max),
        }
    }
}
