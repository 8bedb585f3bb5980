use cairn_domain::file::File;
use cairn_domain::share::{ChangeTerms, Share, ShareCommand};
use cairn_domain::{Decider, ShareId, StreamName, Timestamp};

use super::{Changed, ShareError, SharePassword, own_share};
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request};

/// Somebody wants a share to ask or allow something else; what is none stays, and `Some(None)` clears it.
#[derive(Debug, Clone)]
pub struct ChangeShare {
    /// Which share.
    pub id: ShareId,
    /// What others must know.
    pub password: Option<Option<SharePassword>>,
    /// When it ends by itself. An end that is over ends it now.
    pub expires_at: Option<Option<Timestamp>>,
    /// How many downloads there may be, those that there were included.
    pub max_downloads: Option<Option<u64>>,
}

/// Changes the terms of the caller's share.
pub async fn update(drive: &Drive, request: &Request, caller: &Caller, wish: ChangeShare) -> Result<Changed, ShareError> {
    let stream = StreamName::share(wish.id);
    let before = drive.journal.load::<Share>(&stream).await?;
    own_share(&before, caller).ok_or(ShareError::Absent)?;
    let password_hash = match wish.password {
        Some(Some(password)) => Some(Some(drive.hash_share_password(password).await?)),
        Some(None) => Some(None),
        None => None,
    };
    let change = ChangeTerms { password_hash, expires_at: wish.expires_at, max_downloads: wish.max_downloads };
    let decide = |share: &Loaded<Share>| -> Result<_, ShareError> { Ok(share.state.decide(ShareCommand::Change(change.clone()))?) };
    let turn = drive.sharing.turn(wish.id.0).await;
    let share = drive.journal.execute(&stream, Start::Load, request, decide).await?;
    drop(turn);
    drive.visible(share.position).await;
    let offered = own_share(&share, caller).cloned().ok_or(ShareError::Absent)?;
    let file = drive.journal.load::<File>(&StreamName::file(offered.file)).await?;
    let name = file.state.entry().map(|entry| entry.name.clone());
    Ok(Changed { id: wish.id, share: offered, name, created_at: share.first_at, position: share.position })
}
