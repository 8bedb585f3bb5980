//! Which operations a process answers, when a drive is spread over several.

use std::sync::Arc;

use poem::{Endpoint, IntoResponse, Request, Response, Result};

use crate::app::App;
use crate::http::problem::{Problem, common};

/// A part of the interface that a process may leave to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Accounts and sessions, the pages, and what operators see.
    Account,
    /// What takes files: whole, in parts, by their hash, or from a URL.
    Upload,
    /// What gives files out, lists and changes them and their folders.
    Download,
    /// Shares.
    Share,
}

impl Section {
    /// To which one a path belongs; none for what every process answers.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let sections = [
            ("/user/", Self::Account),
            ("/admin/", Self::Account),
            ("/home", Self::Account),
            ("/file/upload", Self::Upload),
            ("/file/fastupload", Self::Upload),
            ("/file/mpupload/", Self::Upload),
            ("/offline/", Self::Upload),
            ("/file/", Self::Download),
            ("/folder/", Self::Download),
            ("/share/", Self::Share),
            ("/s/", Self::Share),
        ];
        sections.into_iter().find(|(begin, _)| path.starts_with(begin)).map(|(_, section)| section)
    }
}

/// Answers what this process is there for, and sends the client elsewhere with the rest.
pub(super) async fn answer<E: Endpoint<Output = Response>>(inner: Arc<E>, request: Request) -> Result<Response> {
    let elsewhere = |section| request.data::<Arc<App>>().is_some_and(|app| !app.settings.served.contains(&section));
    match Section::of(request.uri().path()) {
        Some(section) if elsewhere(section) => Ok(Problem::of(common::misdirected).into_response()),
        _ => inner.call(request).await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_operation_belongs_to_a_section_or_to_every_process() {
        let document: Value = serde_json::from_str(&crate::service::openapi_json()).expect("JSON");
        let operations = document["paths"].as_object().expect("paths").iter().flat_map(|(path, methods)| {
            methods.as_object().expect("methods").values().map(move |operation| (path, operation["tags"][0].as_str()))
        });
        let mut seen = 0;
        for (path, tag) in operations {
            let sections: &[Option<Section>] = match tag.expect("a tag") {
                "User" | "Admin" => &[Some(Section::Account)],
                "File" => &[Some(Section::Upload), Some(Section::Download)],
                "Instant upload" | "Chunked upload" | "Offline download" => &[Some(Section::Upload)],
                "Share" => &[Some(Section::Share)],
                "Folder" => &[Some(Section::Download)],
                "System" => &[None],
                other => panic!("say to which section {other} belongs"),
            };
            assert!(sections.contains(&Section::of(path)), "{path}");
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
        assert_eq!(Section::of("/file/upload"), Some(Section::Upload));
        assert_eq!(Section::of("/file/download"), Some(Section::Download));
    }
}
