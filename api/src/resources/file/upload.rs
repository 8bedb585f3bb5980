use std::sync::Arc;

use cairn_commands::file::may_replace;
use cairn_commands::folder::is_in_use;
use cairn_commands::upload::{Received, WholeUpload, discard_received, receive_whole, store_whole};
use cairn_commands::{Caller, Drive};
use cairn_domain::Sha256;
use poem::http::HeaderMap;
use tracing::Instrument;

use super::problems::{UploadProblem, no_such_folder, too_large};
use crate::app::App;
use crate::ask::{Ask, Asking, Done};
use crate::http::body::{UploadBody, UploadPart};
use crate::http::digest_fields::{self, CONTENT_DIGEST, REPR_DIGEST};
use crate::http::problem::{Problem, common};
use crate::resources::common::{Fields, FileDocument, document_of_new, incoming, optional_folder};

/// What stands before the bytes of a file.
pub(super) struct Head {
    /// `?name=`, for bodies that are no form.
    pub name: Option<String>,
    /// `?folder_id=`, for bodies that are no form.
    pub folder_id: Option<String>,
    /// `?replace_id=`, for bodies that are no form.
    pub replace_id: Option<String>,
    /// What the bytes shall have.
    pub sha256: Option<Sha256>,
}

/// Takes a file. Nothing of the body is read before everything that stands before it is in order.
pub(super) async fn upload(
    app: &Arc<App>,
    asking: Asking,
    caller: Caller,
    head: Head,
    body: UploadBody,
) -> Result<Done<FileDocument>, UploadProblem> {
    let limit = app.drive.limits().file_bytes_max;
    let part = body.open(limit).await.map_err(Problem::from)?;
    let wish = head.wish(&part)?;
    if part.length.is_some_and(|length| length > limit) {
        return Err(too_large(limit).into());
    }
    if !is_in_use(&app.drive, caller.account, wish.folder).await.map_err(Problem::from)? {
        return Err(no_such_folder().into());
    }
    may_replace(&app.drive, &caller, wish.replaces).await?;
    let inner = Arc::clone(app);
    let work = async move {
        let keyed = asking.key().is_some();
        let received = receive_whole(&inner.drive, &caller, keyed, incoming(part.content), head.sha256).await?;
        store(&inner, asking, &caller, received, wish).await
    };
    app.detached(work.in_current_span()).await
}

/// Makes the entry, unless this very request was answered before: then the bytes go, and the answer is that one.
async fn store(
    app: &App,
    asking: Asking,
    caller: &Caller,
    received: Received,
    wish: WholeUpload,
) -> Result<Done<FileDocument>, UploadProblem> {
    let same = (&wish.name, wish.folder, &wish.content_type, received.whole.sha256, wish.replaces);
    let ask = &asking.about("POST /file/upload", &same);
    if let Some(answer) = app.answered(ask).await.transpose() {
        discard_received(&app.drive, received).await.map_err(Problem::from)?;
        return Ok(answer?);
    }
    let done = make_entry(&app.drive, ask, caller, received, wish).await?;
    app.record(ask, &done).await?;
    Ok(done)
}

async fn make_entry(
    drive: &Drive,
    ask: &Ask,
    caller: &Caller,
    received: Received,
    wish: WholeUpload,
) -> Result<Done<FileDocument>, UploadProblem> {
    let stored = store_whole(drive, &ask.request, caller, received, wish).await?;
    let position = stored.file.position;
    let body = document_of_new(stored)?;
    Ok(Done { status: 201, position: Some(position), body })
}

impl Head {
    /// What a form says of its file counts; the query is for bodies that are no form.
    fn wish(&self, part: &UploadPart) -> Result<WholeUpload, Problem> {
        let mut fields = Fields::default();
        let name = match part.file_name.as_deref().or(self.name.as_deref()) {
            Some(name) => fields.read("name", name),
            None => fields.refuse("name", "is required: as the file name of the part, or as ?name= when there is no form"),
        };
        let folder = part.folder_id.as_deref().or(self.folder_id.as_deref()).unwrap_or_default();
        let folder = optional_folder(folder).map_or_else(|wrong| fields.refuse("folder_id", wrong), Some);
        let replaces = part.replace_id.as_deref().or(self.replace_id.as_deref());
        let replaces = fields.read_optional("replace_id", replaces);
        let ((name, folder), replaces) = fields.finish(name.zip(folder).zip(replaces))?;
        let content_type = part.content_type.clone().filter(|told| says_something(told));
        Ok(WholeUpload { name, folder, content_type, replaces })
    }
}

/// A media type that a client sends for want of a better one says nothing of the file.
fn says_something(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The SHA-256 that the header fields announce. Of a body that is the file, both fields say the same.
pub(in crate::resources) fn announced_sha256(headers: &HeaderMap) -> Result<Option<Sha256>, Problem> {
    let content = digest_fields::sha256(headers, &CONTENT_DIGEST)?;
    let representation = digest_fields::sha256(headers, &REPR_DIGEST)?;
    match (content, representation) {
        (Some(one), Some(other)) if one != other => Err(Problem::of(common::digest_mismatch)),
        (one, other) => Ok(one.or(other).map(Sha256)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(folder_id: Option<&str>, file_name: Option<&str>, content_type: Option<&str>) -> UploadPart {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let content = Box::pin(futures_util::stream::empty());
        let (folder_id, file_name, content_type) = (text(folder_id), text(file_name), text(content_type));
        UploadPart { folder_id, replace_id: None, file_name, content_type, length: None, content }
    }

    fn head(name: Option<&str>, folder_id: Option<&str>) -> Head {
        Head { name: name.map(str::to_owned), folder_id: folder_id.map(str::to_owned), replace_id: None, sha256: None }
    }

    fn wrong_fields(head: &Head, part: &UploadPart) -> Vec<String> {
        let problem = head.wish(part).expect_err("a problem");
        problem.errors().iter().map(|error| error.field.clone()).collect()
    }

    #[test]
    fn a_form_names_its_file_and_a_query_any_other_body() {
        let name = |head: Head, part: UploadPart| head.wish(&part).expect("a wish").name.to_string();
        assert_eq!(name(head(Some("query"), None), part(None, Some("form"), None)), "form");
        assert_eq!(name(head(Some("query"), None), part(None, None, None)), "query");
    }

    #[test]
    fn every_wrong_field_before_the_bytes_is_named() {
        assert_eq!(wrong_fields(&head(None, Some("x")), &part(None, None, None)), ["name", "folder_id"]);
        assert_eq!(wrong_fields(&head(None, None), &part(Some("x"), Some("C:\\a.txt"), None)), ["name", "folder_id"]);
    }

    #[test]
    fn an_empty_folder_is_the_top() {
        let wish = head(Some("a"), Some("")).wish(&part(None, None, None)).expect("a wish");
        assert_eq!(wish.folder, None);
    }

    #[test]
    fn what_curl_says_of_any_body_is_not_the_type_of_the_file() {
        let told = |content_type| {
            let wish = head(Some("a"), None).wish(&part(None, None, Some(content_type)));
            wish.expect("a wish").content_type
        };
        assert_eq!(told("application/x-www-form-urlencoded"), None);
        assert_eq!(told("text/csv").as_deref(), Some("text/csv"));
    }

    #[test]
    fn two_announcements_must_agree() {
        let announced = |content: u8, representation: u8| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_DIGEST, digest_fields::field_value(&[content; 32]));
            headers.insert(REPR_DIGEST, digest_fields::field_value(&[representation; 32]));
            announced_sha256(&headers).map_err(|problem| problem.kind().code)
        };
        assert_eq!(announced(1, 1), Ok(Some(Sha256([1; 32]))));
        assert_eq!(announced(1, 2), Err("digest_mismatch"));
        assert_eq!(announced_sha256(&HeaderMap::new()).map_err(|problem| problem.kind().code), Ok(None));
    }
}
