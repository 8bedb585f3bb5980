//! The stand-in against the client it is made for, over TCP.

#![expect(clippy::unwrap_used, reason = "tests")]

mod client;
mod support;

mod life;
mod objects;
mod reading;

mod listing;
mod multipart;

mod addresses;
mod refusals;

mod faults;
mod streaming;
