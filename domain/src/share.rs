//! A share: whoever holds its token may download one entry, within its terms.
//!
//! A download counts when it begins, so that no two can take the last one. What breaks off, or comes in ranges, goes on under the count that it
//! has begun with.

mod command;
mod event;
mod rejection;
mod state;
mod visitor;

pub use command::{ChangeTerms, ShareCommand, StartDownload};
pub use event::{ShareChanged, ShareCreated, ShareDownloadEnded, ShareDownloaded, ShareEvent, ShareRevoked, ShareSaved, Terms};
pub use rejection::ShareRejection;
pub use state::{GOES_ON_SECONDS, Offered, Share, Standing};
pub use visitor::Visitor;

#[cfg(test)]
mod tests;
