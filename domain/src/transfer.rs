//! The way of one content from one store to another: asked for once, tried until it is done or somebody has to look at it.

mod command;
mod event;
mod rejection;
mod state;

pub use command::TransferCommand;
pub use event::{
    TransferAbandoned, TransferCompleted, TransferEvent, TransferQueued, TransferRequested, TransferRetried, TransferStalled,
    TransferStarted,
};
pub use rejection::TransferRejection;
pub use state::{Phase, Transfer};

#[cfg(test)]
mod tests;
