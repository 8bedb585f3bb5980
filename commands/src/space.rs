//! Keeping to quotas: space is promised before anything occupies it, so that no number of uploads at once gets beyond the limit.
//!
//! What the read tables show is counted there; promises cover what they do not show yet. Nobody has to take a promise back: whoever meets the
//! limit, or very many promises, looks on the log which of them are still needed. So a crash can't lose any space.
//! An account without a quota has no promises, and nothing of this happens.

use cairn_domain::account::Account;
use cairn_domain::space::{Holder, Promise, Reserve, Settled, Space, SpaceCommand, SpaceRejection};
use cairn_domain::upload::{Phase, Upload};
use cairn_domain::{AccountId, Decider, FileId, Position, StreamName, Version};

use crate::journal::Start;
use crate::{Drive, Loaded, Request, Trouble, offline};

/// How long a command may take to make the entry for which it was promised space, in seconds.
const COMMAND_SECONDS: u64 = 60 * 60;

/// How often the read tables are counted again because another process had counted later ones.
const COUNTED_MAX: u32 = 5;

/// What is left of a quota.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    quota: u64,
    pub(crate) free: u64,
}

impl Left {
    pub(crate) fn over(self) -> Trouble {
        Trouble::OverQuota { quota: self.quota, free: self.free }
    }
}

/// What is left for the account, promises taken off; none without a limit.
pub(crate) async fn left(drive: &Drive, owner: AccountId) -> Result<Option<Left>, Trouble> {
    let Some(quota) = quota_of(drive, owner).await? else { return Ok(None) };
    let stream = StreamName::space(owner);
    let _turn = drive.reserving.turn(owner.0).await;
    let mut space = drive.journal.load::<Space>(&stream).await?;
    if space.state.open().next().is_some() {
        space = tidy(drive, &stream, space).await?;
    }
    let (used, seen) = occupied(drive, owner, &space).await?;
    let free = quota.saturating_sub(used.saturating_add(space.state.promised(seen)));
    Ok(Some(Left { quota, free }))
}

/// Promises space to the entry, unless it would be too much. Promised again, it counts once.
pub(crate) async fn reserve(drive: &Drive, owner: AccountId, file: FileId, bytes: u64, holder: Holder) -> Result<(), Trouble> {
    if bytes == 0 {
        return Ok(());
    }
    let Some(quota) = quota_of(drive, owner).await? else { return Ok(()) };
    let stream = StreamName::space(owner);
    let _turn = drive.reserving.turn(owner.0).await;
    let mut tidied = false;
    for _ in 0..COUNTED_MAX {
        let mut space = drive.journal.load::<Space>(&stream).await?;
        if space.state.is_untidy() && !tidied {
            space = tidy(drive, &stream, space).await?;
            tidied = true;
        }
        let (used, seen) = occupied(drive, owner, &space).await?;
        let wish = Reserve { file, bytes, holder, quota, used, seen, at: drive.ports.clock.now() };
        match promise(drive, &stream, wish).await {
            Err(Refused::Because(SpaceRejection::Behind)) => {}
            Err(Refused::Because(SpaceRejection::Over { .. })) if !tidied => {
                tidy(drive, &stream, space).await?;
                tidied = true;
            }
            // A request that comes again has what it asks for.
            Err(Refused::Because(SpaceRejection::Over { .. })) if made_at(drive, file).await?.is_some() => return Ok(()),
            Err(Refused::Because(SpaceRejection::Over { free })) => return Err(Left { quota, free }.over()),
            Err(Refused::Trouble(trouble)) => return Err(trouble),
            Ok(()) => return Ok(()),
        }
    }
    Err(Trouble::Busy)
}

/// Forgets a promise of which it is known that its entry will not come. It is no harm when that fails: whoever meets the limit finds out.
pub(crate) async fn release(drive: &Drive, owner: AccountId, file: FileId) {
    let stream = StreamName::space(owner);
    let free = SpaceCommand::Free { settled: Vec::new(), released: vec![file] };
    let decide = |space: &Loaded<Space>| {
        let decision = space.state.decide(free.clone());
        decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    let _turn = drive.reserving.turn(owner.0).await;
    if let Err(trouble) = drive.journal.execute::<Space, Trouble>(&stream, Start::Load, &request(drive), decide).await {
        tracing::debug!(error = &trouble as &dyn std::error::Error, "a promise of space is forgotten later");
    }
}

enum Refused {
    Because(SpaceRejection),
    Trouble(Trouble),
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

async fn promise(drive: &Drive, stream: &StreamName, wish: Reserve) -> Result<(), Refused> {
    let decide = |space: &Loaded<Space>| space.state.decide(SpaceCommand::Reserve(wish.clone())).map_err(Refused::Because);
    drive.journal.execute(stream, Start::Load, &request(drive), decide).await.map(drop)
}

/// What the account may hold: a new limit counts at once where it was set, and everywhere a quarter of a second later.
async fn quota_of(drive: &Drive, owner: AccountId) -> Result<Option<u64>, Trouble> {
    let account = drive.journal.load_recent::<Account>(&StreamName::account(owner)).await?;
    Ok(account.state.registered().and_then(|known| known.quota_bytes).or(drive.limits.quota_bytes_default))
}

/// What the read tables count. They must have come as far as when they were last counted, and the first time to the end of the log.
async fn occupied(drive: &Drive, owner: AccountId, space: &Loaded<Space>) -> Result<(u64, Position), Trouble> {
    let wanted = if space.version.is_none() { drive.ports.log.head().await? } else { space.state.seen() };
    drive.ports.views.reached(wanted).await;
    let (used, seen) = drive.ports.views.occupied(owner).await?;
    if seen < wanted {
        return Err(Trouble::Unavailable("the read tables are behind what was counted before".into()));
    }
    Ok((used, seen))
}

/// Looks on the log which promises are still needed, and forgets the others.
async fn tidy(drive: &Drive, stream: &StreamName, space: Loaded<Space>) -> Result<Loaded<Space>, Trouble> {
    let (mut settled, mut released) = (Vec::new(), Vec::new());
    for (file, promise) in space.state.open() {
        match fate(drive, file, promise).await? {
            Fate::Kept => {}
            Fate::Settled(position) => settled.push(Settled { file, position }),
            Fate::Released => released.push(file),
        }
    }
    let free = SpaceCommand::Free { settled, released };
    let decide = |space: &Loaded<Space>| {
        let decision = space.state.decide(free.clone());
        decision.map_err(|rejection| Trouble::Broken(format!("{rejection:?}").into()))
    };
    drive.journal.execute(stream, Start::Load, &request(drive), decide).await
}

enum Fate {
    Kept,
    Settled(Position),
    Released,
}

async fn fate(drive: &Drive, file: FileId, promise: Promise) -> Result<Fate, Trouble> {
    if let Some(made_at) = made_at(drive, file).await? {
        // What has become of it since, the read tables count.
        return Ok(Fate::Settled(made_at));
    }
    let late = drive.ports.clock.now() >= promise.at.plus_seconds(COMMAND_SECONDS);
    let kept = match promise.holder {
        Holder::Command => !late,
        Holder::Upload(id) => {
            let upload = drive.journal.load::<Upload>(&StreamName::upload(id)).await?.state;
            match upload.phase() {
                Phase::Open => match upload.started().map(|started| started.offline) {
                    None => !late,
                    Some(None) => true,
                    Some(Some(offline)) => offline::needs(drive, offline, id).await?,
                },
                Phase::Merged(_) => true,
                Phase::Cancelled | Phase::Expired | Phase::Rejected(_) => false,
            }
        }
    };
    Ok(if kept { Fate::Kept } else { Fate::Released })
}

/// Where in the log the entry was made, if it was.
async fn made_at(drive: &Drive, file: FileId) -> Result<Option<Position>, Trouble> {
    let first = drive.ports.log.read_stream(&StreamName::file(file), Version(0), 1).await?;
    Ok(first.first().map(|made| made.position))
}

fn request(drive: &Drive) -> Request {
    // Whether a promise stands is told by the state, not by who asked: each has an id of its own.
    Request::of_system(drive.ports.ids.command())
}
