//! What the drive does by itself because of what stands on the log.

mod backoff;
mod collect;
mod copies;
mod empty_folders;
mod empty_trash;
mod finish_begun;
mod follower;
mod keep_digests;
pub mod offline;
mod old_versions;
mod pace;
mod relay;
mod remove_dead;
mod scrub;
pub mod transfers;

pub use collect::Collector;
pub(crate) use copies::{change_copy, is_sound, tells_damage};
pub use empty_folders::empty_folders;
pub use empty_trash::empty_trash;
pub use finish_begun::{Finished, Finishing, finish_begun};
pub use keep_digests::DigestKeeper;
pub use old_versions::remove_old_versions;
pub use relay::{Relay, RelayRefused, RelayStatus};
pub use remove_dead::remove_dead;
pub use scrub::{Scrubbed, Scrubber};
