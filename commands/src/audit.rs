//! Looks whether a log, and the contents of which it speaks, are what they should be. It changes nothing.
//!
//! [`LogAudit`] judges one event after the other; [`audit_log`] reads a log for it, and compares what it reads with the digests that were kept of
//! it. [`audit_blobs`] then looks for the contents, in whichever stores they should be.

mod blobs;
mod contents;
mod digests;
mod events;
mod finding;
mod pages;

#[cfg(test)]
mod tests;

pub use blobs::{Looked, audit_blobs};
pub use contents::Contents;
pub use digests::{Expected, Known, audit_log};
pub use events::{Audited, LogAudit};
pub use finding::Finding;
