//! HTTP without the drive: everything here would serve any other API as well.

pub(crate) mod afterwards;
mod deadline;
pub mod listen;
mod socket;

pub mod observe;
pub mod problem;

pub mod body;
pub mod json;

pub mod conditional;
pub mod digest_fields;
pub mod disposition;
pub mod download;
pub mod range;
