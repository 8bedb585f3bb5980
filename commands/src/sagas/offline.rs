//! Fetches what was asked for.
//!
//! The log is the queue: a [`Fetcher`] finds what waits in the read tables, makes it its own by an event, and says from time to time that it is
//! still at it. What nothing was heard of for too long is another's to go on with. Where the source allows it, that is from the last part that is
//! durable; the parts are those of an upload. Every step may run again, and two processes at one download make one file.

mod attempt;
mod feed;
mod job;
mod places;
mod worker;

pub use worker::{Fetcher, FetcherSettings};
