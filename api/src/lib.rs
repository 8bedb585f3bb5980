//! The REST interface of Cairn.
//!
//! [`http`] is the part that knows HTTP and nothing of drives: the accept loop, problem documents, ranges, digests,
//! bodies. This crate never touches a database, a disk or a socket of its own making; it is given a listener and a source of bytes.

pub mod http;
