//! The double as the client `kurrentdb` sees it, over real TCP. Each file is one subject; every test has a double of its own.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![expect(clippy::default_trait_access, reason = "options that a test leaves as they are need no name")]

mod support;

mod append;
mod batch_append;
mod delete;
mod read_all;
mod read_stream;
mod repeated;

mod subscribe_to_all;
mod subscribe_to_stream;

mod access;
mod connections;
mod faults;
