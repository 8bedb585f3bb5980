use std::sync::Arc;

use cairn_domain::blob::{Blob, BlobCommand, BlobKey, Health};
use cairn_domain::transfer::{Phase, Transfer, TransferCommand, TransferRejection, TransferRequested};
use cairn_domain::{Decider, StreamName, TransferId};

use super::request::{request_for, requested_event};
use crate::content::sound_copies;
use crate::journal::Start;
use crate::ports::blobs::{BlobError, BlobStore};
use crate::sagas::copies::{change_copy, is_named, is_sound, note_damage};
use crate::sagas::pace::Pace;
use crate::{Drive, Loaded, Request, Trouble};

/// Why a content is not where it should be yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A store that is named on the log is not configured here.
    #[error("the store {0:?} is not configured")]
    UnknownStore(String),
    /// What was sound a moment ago is not any more.
    #[error("the copy has changed meanwhile")]
    Changed,
    /// There is no sound copy to be carried.
    #[error("no sound copy can be read")]
    NoSource,
    /// A store did not do it.
    #[error("the store {store:?}: {}", chain(source))]
    Store {
        store: String,
        #[source]
        source: BlobError,
    },
    /// The drive could not.
    #[error("{}", chain(.0))]
    Trouble(#[from] Trouble),
}

/// An error and everything that caused it, in a line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line = format!("{line}: {cause}");
        source = cause.source();
    }
    line
}

impl Failure {
    fn of(store: &Arc<dyn BlobStore>) -> impl Fn(BlobError) -> Self + use<> {
        let store = store.name().to_owned();
        move |source| Self::Store { store: store.clone(), source }
    }

    /// Whether the whole store is away. Nobody has to look at each transfer that meets that.
    pub(super) async fn is_outage(&self, drive: &Drive) -> bool {
        let Self::Store { store, source: BlobError::Unavailable(_) } = self else { return false };
        match drive.ports().stores.get(store) {
            Some(store) => store.reachable().await.is_err(),
            None => false,
        }
    }
}

/// Brings the content to where it shall be, and has the log know. Everything in it may have been done before.
pub(super) async fn carry(drive: &Drive, id: TransferId, pace: Option<&Pace>) -> Result<(), Failure> {
    let Some(requested) = requested(drive, id).await? else { return Ok(()) };
    let blob = load(drive, &requested).await?;
    if blob.state.content().is_none() {
        return abandon(drive, id, &requested).await;
    }
    let to = store(drive, &requested.to)?;
    let key = blob.state.key_in(to.name(), requested.sha256);
    if blob.state.health_in(to.name()) == Some(Health::Sound) {
        return settle(drive, id, &requested, key, Seen::OnTheLog).await;
    }
    if !holds(&to, key, requested.size).await? {
        copy(drive, &blob.state, &requested, &to, key, pace).await?;
    }
    settle(drive, id, &requested, key, Seen::ThereNow).await
}

/// Why the copy at the destination is taken for sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The log says so.
    OnTheLog,
    /// It was written or read just now.
    ThereNow,
}

/// What somebody else has carried, and said nothing of. False when the bytes that are there are not the content.
pub(super) async fn finish_carried(drive: &Drive, id: TransferId) -> Result<bool, Failure> {
    let Some(requested) = requested(drive, id).await? else { return Ok(false) };
    let (blob, to) = (load(drive, &requested).await?, store(drive, &requested.to)?);
    let key = blob.state.key_in(to.name(), requested.sha256);
    let seen = if blob.state.health_in(to.name()) == Some(Health::Sound) { Seen::OnTheLog } else { Seen::ThereNow };
    if seen == Seen::ThereNow && !holds(&to, key, requested.size).await? {
        return Ok(false);
    }
    settle(drive, id, &requested, key, seen).await.map(|()| true)
}

/// What a worker that died has left of a transfer that has ended.
pub(super) async fn tidy(drive: &Drive, id: TransferId) -> Result<(), Failure> {
    let Some(requested) = requested(drive, id).await? else { return Ok(()) };
    let (blob, to) = (load(drive, &requested).await?, store(drive, &requested.to)?);
    if blob.state.health_in(to.name()) != Some(Health::Sound) {
        // Somebody may be writing it anew.
        return Ok(());
    }
    to.tidy(blob.state.key_in(to.name(), requested.sha256), requested.size).await.map_err(Failure::of(&to))
}

async fn requested(drive: &Drive, id: TransferId) -> Result<Option<TransferRequested>, Trouble> {
    Ok(transfer_of(drive, id).await?.requested().cloned())
}

async fn transfer_of(drive: &Drive, id: TransferId) -> Result<Transfer, Trouble> {
    Ok(drive.journal().load::<Transfer>(&StreamName::transfer(id)).await?.state)
}

async fn load(drive: &Drive, requested: &TransferRequested) -> Result<Loaded<Blob>, Trouble> {
    drive.journal().load(&StreamName::blob(requested.sha256)).await
}

fn store(drive: &Drive, name: &str) -> Result<Arc<dyn BlobStore>, Failure> {
    drive.ports().stores.get(name).cloned().ok_or_else(|| Failure::UnknownStore(name.to_owned()))
}

/// Whether the store has exactly these bytes already, whoever put them there. They are read and hashed: nobody vouches for them.
async fn holds(store: &Arc<dyn BlobStore>, key: BlobKey, size: u64) -> Result<bool, Failure> {
    if store.size(key).await.map_err(Failure::of(store))? != Some(size) {
        return Ok(false);
    }
    is_sound(store, key, size, None).await.map_err(Failure::of(store))
}

/// From the first sound copy that can be read, the one that was asked for before all others. One that is damaged when it is read again is noted.
async fn copy(
    drive: &Drive,
    blob: &Blob,
    requested: &TransferRequested,
    to: &Arc<dyn BlobStore>,
    key: BlobKey,
    pace: Option<&Pace>,
) -> Result<(), Failure> {
    let mut copies = sound_copies(&drive.ports().stores, blob, requested.sha256);
    copies.sort_by_key(|copy| copy.store.name() != requested.from);
    let mut failure = Failure::NoSource;
    for source in copies.into_iter().filter(|copy| copy.store.name() != to.name()) {
        let stream = match source.store.read(source.key, 0, requested.size).await {
            Ok(opened) => Pace::slow(pace, opened.bytes),
            Err(error) => {
                failure = Failure::of(&source.store)(error);
                continue;
            }
        };
        match to.write(key, requested.size, stream).await {
            Ok(()) => return Ok(()),
            Err(BlobError::Body(error)) => {
                failure = Failure::of(&source.store)(BlobError::Unavailable(error.into()));
            }
            Err(error @ BlobError::NotTheContent(_)) => {
                // They may have been spoilt on their way only.
                if !is_sound(&source.store, source.key, requested.size, pace).await.map_err(Failure::of(&source.store))? {
                    note_damage(drive, source.store.name(), source.key).await?;
                }
                failure = Failure::of(to)(error);
            }
            Err(error) => return Err(Failure::of(to)(error)),
        }
    }
    Err(failure)
}

/// The copy is there: the log learns it, the source goes if nothing more is to come of it, and the transfer is done.
async fn settle(drive: &Drive, id: TransferId, requested: &TransferRequested, key: BlobKey, seen: Seen) -> Result<(), Failure> {
    let to = store(drive, &requested.to)?;
    let relocate = BlobCommand::Relocate { from: requested.from.clone(), to: requested.to.clone() };
    let request = request_for(drive, id).await?;
    let (blob, relocated) = match seen {
        Seen::ThereNow => {
            let changed = change_copy(drive, to.name(), key, &request, relocate).await?;
            if changed.event.is_some() {
                let causation = requested_event(id);
                tracing::info!(transfer = %id, sha256 = %requested.sha256, %causation, from = requested.from, to = requested.to, "a content is relocated");
            }
            (changed.loaded, changed.event)
        }
        Seen::OnTheLog => (load(drive, requested).await?, None),
    };
    if !is_named(&blob.state, to.name(), key) {
        // It was deleted meanwhile, so the name under which it was written is dead.
        return abandon(drive, id, requested).await;
    }
    if blob.state.health_in(to.name()) != Some(Health::Sound) {
        return Err(Failure::Changed);
    }
    if let Err(error) = to.tidy(key, requested.size).await {
        tracing::warn!(%key, store = to.name(), error = &error as &dyn std::error::Error, "what others have left of a copy could not be looked for");
    }
    if transfer_of(drive, id).await?.phase() == Phase::Abandoned {
        // Somebody wants the source to stay; that there is one more copy does no harm.
        return Ok(());
    }
    // Where another worker was first, its relocation is not ours to name: the rest follows from what was asked for.
    let cause = relocated.unwrap_or_else(|| requested_event(id));
    remove_source(drive, id, requested, &to, key, &request.because_of(cause, drive.ports().ids.command())).await?;
    let complete = |transfer: &Loaded<Transfer>| match transfer.state.decide(TransferCommand::Complete) {
        Ok(events) => Ok(events),
        Err(TransferRejection::Abandoned) => Ok(Vec::new()),
        Err(other) => Err(Trouble::Broken(format!("{other:?}").into())),
    };
    let request = request.because_of(cause, drive.ports().ids.command());
    let stream = StreamName::transfer(id);
    if drive.journal().execute_and_tell::<Transfer, Trouble>(&stream, Start::Load, &request, complete).await?.event.is_some() {
        tracing::info!(transfer = %id, sha256 = %requested.sha256, causation = %cause, from = requested.from, to = requested.to, "a transfer is completed");
    }
    Ok(())
}

/// The copy at the source goes when every store has the content that shall have it, and really has it: first on the log, then in the store.
async fn remove_source(
    drive: &Drive,
    id: TransferId,
    requested: &TransferRequested,
    to: &Arc<dyn BlobStore>,
    key: BlobKey,
    request: &Request,
) -> Result<(), Failure> {
    let from = store(drive, &requested.from)?;
    let blob = load(drive, requested).await?.state;
    let everywhere = requested.along_with.iter().all(|store| blob.health_in(store) == Some(Health::Sound));
    if !everywhere || requested.from == requested.to {
        return Ok(());
    }
    if blob.health_in(from.name()).is_some() {
        if to.size(key).await.map_err(Failure::of(to))? != Some(requested.size) {
            note_damage(drive, to.name(), key).await?;
            return Err(Failure::NoSource);
        }
        let (from_key, remove) =
            (blob.key_in(from.name(), requested.sha256), BlobCommand::RemoveCopy { store: requested.from.clone() });
        if change_copy(drive, from.name(), from_key, request, remove).await?.event.is_some() {
            let causation = request.causation.map(tracing::field::display);
            tracing::info!(transfer = %id, sha256 = %requested.sha256, causation, store = from.name(), "the source of a transfer is removed");
        }
    }
    let blob = load(drive, requested).await?.state;
    for dead in blob.dead_keys_in(from.name(), requested.sha256) {
        from.remove(dead).await.map_err(Failure::of(&from))?;
    }
    Ok(())
}

/// The content is gone, and with it whatever was written of it.
async fn abandon(drive: &Drive, id: TransferId, requested: &TransferRequested) -> Result<(), Failure> {
    let (blob, to) = (load(drive, requested).await?, store(drive, &requested.to)?);
    for dead in blob.state.dead_keys_in(to.name(), requested.sha256) {
        to.remove(dead).await.map_err(Failure::of(&to))?;
    }
    let command = TransferCommand::Abandon { reason: "the content was deleted".to_owned() };
    let decide = |transfer: &Loaded<Transfer>| Ok::<_, Trouble>(transfer.state.decide(command.clone()).unwrap_or_default());
    let stream = StreamName::transfer(id);
    let request = request_for(drive, id).await?;
    if drive.journal().execute_and_tell::<Transfer, Trouble>(&stream, Start::Load, &request, decide).await?.event.is_some() {
        let causation = requested_event(id);
        tracing::info!(transfer = %id, sha256 = %requested.sha256, %causation, "a transfer is abandoned: the content was deleted");
    }
    Ok(())
}
