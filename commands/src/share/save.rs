use cairn_domain::file::{File, Origin};
use cairn_domain::share::{Share, ShareCommand, ShareRejection, ShareSaved};
use cairn_domain::space::Holder;
use cairn_domain::{CommandId, Decider, EventId, FileId, FolderId, ShareId, StreamName};

use super::find::pass;
use super::{FindError, ShareToken, find};
use crate::file::{NewEntry, add_stored};
use crate::folder;
use crate::journal::Start;
use crate::{Caller, Drive, Loaded, Request, Trouble, space};

/// Somebody wants the file of a share in their own drive.
#[derive(Debug, Clone)]
pub struct SaveShare {
    /// The share.
    pub token: ShareToken,
    /// What it may ask for.
    pub password: Option<String>,
    /// Where the file will stand; none is the top.
    pub folder: Option<FolderId>,
}

/// Why the file is not there.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The share can't be used.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The caller has no such folder.
    #[error("there is no such folder")]
    NoSuchFolder,
    /// The drive could not.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

/// Makes an entry of the caller's with the content of the share, without copying a byte. It stays when the share ends or the owner's entry goes.
pub async fn save(drive: &Drive, request: &Request, caller: &Caller, wish: SaveShare) -> Result<(FileId, Loaded<File>), SaveError> {
    let file = request.new_file();
    if request.keyed {
        // The same request came before, and was not answered; the share may be over since.
        let made = drive.journal.load::<File>(&StreamName::file(file)).await?;
        if made.version.is_some() {
            drive.visible(made.position).await;
            return Ok((file, made));
        }
    }
    let found = find(drive, &wish.token).await?;
    pass(drive, &found, wish.password.as_deref(), request).await?;
    if !folder::is_in_use(drive, caller.account, wish.folder).await? {
        return Err(SaveError::NoSuchFolder);
    }
    let content = found.entry.content();
    let saved = ShareSaved {
        file,
        account: caller.account,
        name: found.entry.name.clone(),
        folder: wish.folder,
        size: content.size,
        sha256: content.sha256,
        sha1: content.sha1,
        content_type: content.content_type,
    };
    space::reserve(drive, caller.account, file, content.size, Holder::Command).await?;
    let stream = StreamName::share(found.id);
    let at = drive.ports.clock.now();
    let decide = |share: &Loaded<Share>| match share.state.decide(ShareCommand::Save { saved: saved.clone(), at }) {
        Ok(events) => Ok(events),
        Err(ShareRejection::Absent | ShareRejection::Over | ShareRejection::UsedUp) => Err(SaveError::Find(FindError::Absent)),
        Err(other) => Err(SaveError::Trouble(Trouble::Broken(format!("{other:?}").into()))),
    };
    let turn = drive.sharing.turn(found.id.0).await;
    let decided = drive.journal.execute(&stream, Start::Load, request, decide).await;
    drop(turn);
    if let Err(SaveError::Find(_)) = &decided {
        space::release(drive, caller.account, file).await;
    }
    decided?;
    let cause = request.command.event(stream.as_str(), 0);
    let made = settle(drive, &request.because_of(cause, request.command), found.id, &saved).await?;
    Ok((file, made.ok_or(FindError::Absent)?))
}

/// Finishes what a crash cut off behind the event of that id.
pub(crate) async fn finish_saved(drive: &Drive, share: ShareId, cause: EventId, saved: &ShareSaved) -> Result<(), Trouble> {
    let command = CommandId(saved.file.0).then("save");
    let request = Request { actor: Some(saved.account), ..Request::of_system(command) };
    settle(drive, &request.because_of(cause, command), share, saved).await.map(drop)
}

/// The entry that follows; none when the content has gone meanwhile.
async fn settle(drive: &Drive, request: &Request, share: ShareId, saved: &ShareSaved) -> Result<Option<Loaded<File>>, Trouble> {
    let new = NewEntry {
        id: saved.file,
        owner: saved.account,
        name: saved.name.clone(),
        folder: saved.folder,
        sha256: saved.sha256,
        content_type: Some(saved.content_type.clone()),
        origin: Origin::Share(share),
        version_of: None,
    };
    add_stored(drive, request, new).await
}
