use cairn_commands::Caller;
use cairn_domain::FileName;
use cairn_projections::ports::ReadTables;
use cairn_projections::queries::files::{FileFilter, files};

use super::types::FileList;
use crate::app::App;
use crate::http::problem::Problem;
use crate::resources::common::{Fields, FileDocument, FileStatus, content_hash, optional_folder, page_of};

/// Which files are asked for.
#[derive(Debug, Default)]
pub(super) struct Wish {
    /// In this folder; empty is the top, none is anywhere.
    pub folder_id: Option<String>,
    /// With this in their name.
    pub name: Option<String>,
    /// With this content.
    pub filehash: Option<String>,
    /// In use or in the trash.
    pub status: Option<FileStatus>,
}

/// One page of the caller's files.
pub(super) async fn list(
    app: &App,
    tables: &dyn ReadTables,
    caller: &Caller,
    wish: &Wish,
    limit: Option<u64>,
    cursor: Option<&str>,
) -> Result<FileList, Problem> {
    let (filter, page) = (wish.filter()?, page_of(limit, cursor)?);
    let page = files(tables, caller.account, &filter, page).await?;
    let items = page.items.into_iter().map(|record| FileDocument::of_record(&app.drive, record)).collect();
    Ok(FileList { items, next_cursor: page.next.map(|cursor| cursor.to_string()) })
}

impl Wish {
    fn filter(&self) -> Result<FileFilter, Problem> {
        let mut fields = Fields::default();
        let folder = self.folder_id.as_deref().map(optional_folder).transpose();
        let folder = folder.map_or_else(|wrong| fields.refuse("folder_id", wrong), Some);
        let content = self.filehash.as_deref().map(content_hash).transpose();
        let content = content.map_or_else(|wrong| fields.refuse("filehash", wrong), Some);
        let (folder, content) = fields.finish(folder.zip(content))?;
        let name = self.name.as_deref().filter(|name| !name.is_empty()).map(as_kept);
        Ok(FileFilter { folder, name, content, status: self.status.map(Into::into).unwrap_or_default() })
    }
}

/// Names are kept composed, so what is looked for in them must be, too.
fn as_kept(part: &str) -> String {
    part.parse::<FileName>().map_or_else(|_| part.to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_the_top_and_none_is_anywhere() {
        let folder = |folder_id: Option<&str>| {
            let wish = Wish { folder_id: folder_id.map(str::to_owned), ..Wish::default() };
            wish.filter().map(|filter| filter.folder).map_err(|problem| problem.errors()[0].field.clone())
        };
        assert_eq!(folder(None), Ok(None));
        assert_eq!(folder(Some("")), Ok(Some(None)));
        assert_eq!(folder(Some("x")), Err("folder_id".to_owned()));
    }

    #[test]
    fn a_decomposed_part_of_a_name_is_looked_for_composed() {
        let wish = Wish { name: Some("e\u{301}".to_owned()), ..Wish::default() };
        assert_eq!(wish.filter().expect("a filter").name.as_deref(), Some("\u{e9}"));
    }

    #[test]
    fn every_wrong_condition_is_named() {
        let wish = Wish { folder_id: Some("x".to_owned()), filehash: Some("y".to_owned()), ..Wish::default() };
        assert_eq!(wish.filter().expect_err("a problem").errors().len(), 2);
    }
}
