use std::sync::Arc;

use cairn_commands::file::{UpdateFile, load, update};
use cairn_commands::{Caller, Drive, Request, Trouble};
use cairn_domain::{FileId, FileName, FolderId};
use poem::http::{HeaderMap, header};
use serde::Serialize;

use super::problems::UpdateProblem;
use super::types::UpdateBody;
use crate::app::App;
use crate::ask::Done;
use crate::http::conditional::IfMatch;
use crate::http::problem::Problem;
use crate::resources::common::{Fields, FileDocument, document_of};

/// A wish to rename or move a file.
#[derive(Debug, Clone)]
pub(super) struct Change {
    id: FileId,
    name: Option<FileName>,
    folder: Option<Option<FolderId>>,
    condition: IfMatch,
    condition_text: Vec<String>,
}

impl Change {
    /// Reads the body and `If-Match`.
    pub(super) fn read(headers: &HeaderMap, body: &UpdateBody) -> Result<Self, Problem> {
        let condition = IfMatch::read(headers)?;
        let lines = headers.get_all(header::IF_MATCH).iter();
        let condition_text = lines.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        let mut fields = Fields::default();
        let name = fields.read_optional("name", body.name.as_deref());
        let name = fields.finish(name)?;
        let folder = Option::<Option<_>>::from(body.folder_id).map(|folder| folder.map(FolderId));
        Ok(Self { id: FileId(body.id), name, folder, condition, condition_text })
    }

    /// Everything that decides about the effect.
    pub(super) fn fingerprint(&self) -> impl Serialize + use<> {
        (self.id, self.name.clone(), self.folder.is_some(), self.folder, self.condition_text.clone())
    }

    /// Does it.
    pub(super) async fn make(self, app: Arc<App>, request: Request, caller: Caller) -> Result<Done<FileDocument>, UpdateProblem> {
        let if_version = self.version(&app.drive).await.map_err(Problem::from)?;
        let wish = UpdateFile { id: self.id, name: self.name, folder: self.folder, if_version };
        let file = update(&app.drive, &request, &caller, wish).await?;
        let body = document_of(&app.drive, self.id, &file).await?;
        Ok(Done { status: 200, position: Some(file.position), body })
    }

    /// The one version that the change may meet: today's, if the condition allows it, and otherwise none that there is.
    async fn version(&self, drive: &Drive) -> Result<Option<u64>, Trouble> {
        Ok(match &self.condition {
            IfMatch::Absent | IfMatch::Any => None,
            IfMatch::OneOf(_) => {
                let now = load(drive, self.id).await?.revision();
                Some(if self.condition.allows(now) { now } else { 0 })
            }
        })
    }
}
