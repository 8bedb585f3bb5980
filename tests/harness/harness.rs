//! What the tests need around them: the drive as a real process, clients, content, and waiting on conditions.

mod answer;
mod client;
mod cluster;
mod content;
mod drive;
mod endurance;
mod mounts;
pub(crate) mod over;
mod process;
mod raw;
mod skipped;
mod source;
mod tables;
mod user;
mod wait;

pub(crate) use answer::Answer;
pub(crate) use client::{Call, Client};
pub(crate) use cluster::Cluster;
pub(crate) use content::{Chance, content, sha1_hex, sha256_hex};
pub(crate) use drive::{Drive, shared};
pub(crate) use endurance::{BACK_WITHIN, Endurance, REFUSED_WITHIN};
pub(crate) use mounts::{Ext4Image, Tmpfs};
pub(crate) use process::{Output, cairn, command};
pub(crate) use raw::RawConnection;
pub(crate) use skipped::{not_mounted, skipped};
pub(crate) use source::{End, Page, Source};
pub(crate) use user::{File, PASSWORD, Upload, User, digest_field};
pub(crate) use wait::{until, until_async};
