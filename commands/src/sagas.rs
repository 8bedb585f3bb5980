//! What the drive does by itself because of what stands on the log.

mod finish_begun;
mod relay;

pub use finish_begun::{Finished, Finishing, finish_begun};
pub use relay::{Relay, RelayRefused, RelayStatus};
