//! The ways that people gave others to their entries.

use cairn_domain::Event;
use cairn_domain::share::{ShareCreated, ShareEvent, Terms};

use super::{Envelope, Projection, Unprojectable};
use crate::statement::{Statement, Value, value::integer};
use crate::table::{Columns, Table};

table! {
    /// One row per share.
    ShareRow = "tbl_share" {
        /// The share.
        Id = "id": Id,
        /// Whose it is.
        Owner = "owner": Id,
        /// The entry that it leads to.
        FileId = "file_id": Id,
        /// 1 when it asks for a password.
        HasPassword = "has_password": Integer,
        /// When it ends by itself; null for never.
        ExpiresAt = "expires_at": MaybeInteger,
        /// How many downloads there may be; null for any number.
        MaxDownloads = "max_downloads": MaybeInteger,
        /// 1 when its owner has ended it.
        Revoked = "revoked": Integer,
        /// When it was made.
        CreatedAt = "created_at": Integer,
        /// When its terms last changed, or when it was revoked.
        UpdatedAt = "updated_at": Integer,
        /// Where in the log it was made: what "newest first" goes by, because it is unique.
        CreatedPosition = "created_position": Integer,
        /// When its last download began; null when there was none. Since version 2.
        LastDownloadAt = "last_download_at": MaybeInteger,
    }
    indexes {
        "ix_share_owner": [Owner, CreatedPosition],
        "ix_share_standing": [Owner, Revoked],
    }
}

table! {
    /// How often each share was used. A row begins with the first use.
    ShareUse = "tbl_share_use" {
        /// The share.
        Id = "id": Id,
        /// Downloads that began.
        Downloads = "downloads": Integer,
        /// People who have put the file into their own drive.
        Saves = "saves": Integer,
    }
    indexes {}
}

/// `tbl_share` and `tbl_share_use`.
#[derive(Debug, Clone, Copy)]
pub struct Shares;

impl Projection for Shares {
    fn name(&self) -> &'static str {
        "shares"
    }

    fn version(&self) -> u32 {
        2
    }

    /// It lacks a time that may be nothing.
    fn serves(&self, version: u32) -> bool {
        version == 1
    }

    fn tables(&self) -> &'static [&'static Table] {
        &[ShareRow::TABLE, ShareUse::TABLE]
    }

    fn events(&self) -> &'static [&'static str] {
        &["ShareCreated", "ShareChanged", "ShareDownloaded", "ShareSaved", "ShareRevoked"]
    }

    fn project(&self, event: &Event, envelope: Envelope<'_>) -> Result<Vec<Statement>, Unprojectable> {
        let Event::Share(event) = event else { return Ok(Vec::new()) };
        Ok(match event {
            ShareEvent::ShareCreated(created) => vec![creation(created, envelope)?],
            ShareEvent::ShareChanged(changed) => {
                let at = (ShareRow::UpdatedAt, envelope.time.into());
                vec![Statement::set(envelope.id(), terms(&changed.terms)?.into_iter().chain([at]))]
            }
            ShareEvent::ShareDownloaded(began) => {
                let last = Statement::set(envelope.id(), [(ShareRow::LastDownloadAt, began.at.into())]);
                vec![used(envelope, 1, 0), last]
            }
            ShareEvent::ShareSaved(_) => vec![used(envelope, 0, 1)],
            ShareEvent::ShareRevoked(_) => {
                let revoked = [(ShareRow::Revoked, Value::Integer(1)), (ShareRow::UpdatedAt, envelope.time.into())];
                vec![Statement::set(envelope.id(), revoked)]
            }
            ShareEvent::ShareDownloadEnded(_) => Vec::new(),
        })
    }
}

fn creation(created: &ShareCreated, envelope: Envelope<'_>) -> Result<Statement, Unprojectable> {
    let [has_password, expires_at, max_downloads] = terms(&created.terms)?;
    Ok(Statement::put(
        envelope.id(),
        [
            (ShareRow::Owner, created.owner.into()),
            (ShareRow::FileId, created.file.into()),
            has_password,
            expires_at,
            max_downloads,
            (ShareRow::Revoked, Value::Integer(0)),
            (ShareRow::CreatedAt, envelope.time.into()),
            (ShareRow::UpdatedAt, envelope.time.into()),
            (ShareRow::CreatedPosition, envelope.position.try_into()?),
            (ShareRow::LastDownloadAt, Value::Null),
        ],
    ))
}

fn terms(terms: &Terms) -> Result<[(ShareRow, Value); 3], Unprojectable> {
    let max_downloads = terms.max_downloads.map(integer).transpose()?;
    Ok([
        (ShareRow::HasPassword, Value::Integer(terms.password_hash.is_some().into())),
        (ShareRow::ExpiresAt, terms.expires_at.map(|at| at.0).into()),
        (ShareRow::MaxDownloads, max_downloads.into()),
    ])
}

fn used(envelope: Envelope<'_>, downloads: i64, saves: i64) -> Statement {
    Statement::add(envelope.id(), [(ShareUse::Downloads, downloads), (ShareUse::Saves, saves)])
}
