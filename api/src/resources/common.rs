//! What the operations on files share: their documents, and how they read a request and do a command.

mod command;
mod downloaded;
mod fields;
mod incoming;
mod print;
mod visitor;

mod file_document;

pub(super) use command::perform;
pub(super) use downloaded::{Downloaded, Peeked};
pub(super) use fields::{Fields, PAGE_DEFAULT, after_cursor, content_hash, number_cursor, optional_folder, page_of};
pub(super) use incoming::{body_problem, incoming};
pub(super) use print::print_of;
pub(super) use visitor::Visitor;

pub(super) use file_document::{FileDocument, FileStatus};

pub(super) use file_document::{document_of, document_of_new};
