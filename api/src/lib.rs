//! The REST interface of Cairn.
//!
//! One resource, one file. Handlers parse, call one use case or query, and answer; they decide nothing. [`http`] is the part that
//! knows HTTP and nothing of drives: the accept loop, problem documents, ranges, digests, bodies. This crate never touches a
//! database, a disk or a socket of its own making; it is given a listener, ports and a source of bytes.

pub mod app;
pub mod ask;
pub mod auth;
mod cookie;
pub mod http;
mod pages;
pub mod resources;
pub mod service;

pub use app::{App, AppSettings};
