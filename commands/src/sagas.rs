//! What the drive does by itself because of what stands on the log.

mod collect;
mod copies;
mod empty_folders;
mod finish_begun;
mod follower;
mod pace;
mod relay;
mod scrub;
pub mod transfers;

pub use collect::{collect, remove_dead};
pub use empty_folders::empty_folders;
pub use finish_begun::{Finished, Finishing, finish_begun};
pub use relay::{Relay, RelayRefused, RelayStatus};
pub use scrub::{Scrubbed, Scrubber};
