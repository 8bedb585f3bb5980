use cairn_domain::blob::Blob;
use cairn_domain::{Sha1, Sha256, StreamName, TransferId};

use super::request::{request_transfer, wanted_by_hand};
use crate::ports::tasks::Task;
use crate::upload::home_of;
use crate::{Drive, Trouble};

/// The transfer that a task is about. One that an old uploader has published names a content by its hash, and a kind of store: a transfer is
/// made of it. None when it is about nothing that the drive knows.
pub(super) async fn transfer_of(drive: &Drive, task: &Task) -> Result<Option<TransferId>, Trouble> {
    if let Some(transfer) = &task.transfer {
        return Ok(Some(TransferId(transfer.id)));
    }
    let Some(sha256) = content_of(drive, &task.file_hash).await? else { return Ok(None) };
    let blob = drive.journal().load::<Blob>(&StreamName::blob(sha256)).await?.state;
    let Some(to) = destination(drive, task) else { return Ok(None) };
    let Some(wanted) = wanted_by_hand(&*drive.ports().log, sha256, &home_of(drive, &blob), &to).await? else { return Ok(None) };
    let id = wanted.id;
    request_transfer(drive.journal(), wanted).await?;
    Ok(Some(id))
}

async fn content_of(drive: &Drive, hash: &str) -> Result<Option<Sha256>, Trouble> {
    match (hash.parse::<Sha256>(), hash.parse::<Sha1>()) {
        (Ok(sha256), _) => Ok(Some(sha256)),
        (_, Ok(sha1)) => Ok(drive.ports().views.content_by_sha1(sha1).await?),
        _ => Ok(None),
    }
}

/// The store of that kind: the one to which contents go anyway, if there is one.
fn destination(drive: &Drive, task: &Task) -> Option<String> {
    let stores = &drive.ports().stores;
    let named = stores.policy().to.iter().filter_map(|name| stores.get(name));
    let fits = named.chain(stores.each()).find(|store| store.kind() == task.destination_kind);
    fits.map(|store| store.name().to_owned())
}
