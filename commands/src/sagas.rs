//! What the drive does by itself because of what stands on the log.

mod finish_begun;

pub use finish_begun::{Finished, Finishing, finish_begun};
