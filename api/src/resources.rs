//! The operations of the REST interface, one resource, one file.

pub mod user;

pub mod chunked;
pub mod file;
pub mod folder;
pub mod instant;
pub mod share;

pub mod admin;
pub mod system;

pub mod time;

mod common;

/// How the OpenAPI document groups the operations.
#[derive(poem_openapi::Tags)]
pub enum Tag {
    /// Accounts and sessions.
    User,
    /// Whole files: upload, list, download, rename, move, trash.
    File,
    /// Folders, and what stands in them: make, list, rename, move, trash.
    Folder,
    /// Upload without sending the bytes, when the drive has them already.
    #[oai(rename = "Instant upload")]
    Instant,
    /// Upload in parts: in any order, in parallel, and resumable.
    #[oai(rename = "Chunked upload")]
    Chunked,
    /// Ways for others to files, and what others gave.
    Share,
    /// Health and metrics.
    System,
    /// What operators (role `admin`) may see and do. To everybody else it is as if absent: 404.
    Admin,
}
