//! A file that the drive itself fetches from a URL: asked for once, tried until it is there, or can't be had, or is not wanted any more.

mod command;
mod event;
mod rejection;
mod state;
mod url;

pub use command::OfflineCommand;
pub use event::{
    FailureReason, OfflineCancelled, OfflineCompleted, OfflineEvent, OfflineFailed, OfflineFound, OfflineProgressed,
    OfflineRequested, OfflineStarted,
};
pub use rejection::OfflineRejection;
pub use state::{Offline, Phase};
pub use url::{SOURCE_URL_BYTES_MAX, SourceUrl};

#[cfg(test)]
mod tests;
