//! The operations of the REST interface, one resource, one file.

pub mod user;

pub mod chunked;
pub mod file;
pub mod instant;

pub mod admin;
pub mod system;
