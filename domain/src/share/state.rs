use std::collections::{BTreeMap, VecDeque};

use super::event::{ShareChanged, ShareCreated, ShareDownloadEnded, ShareDownloaded, ShareEvent, ShareRevoked, Terms};
use super::{ChangeTerms, ShareCommand, ShareRejection, StartDownload, Visitor};
use crate::{AccountId, Decider, DownloadId, FileId, Sha256, Timestamp};

/// How long somebody may go on with a download after it began.
pub const GOES_ON_SECONDS: u64 = 24 * 60 * 60;

/// Downloads under way that are kept in mind; of more, the oldest can't be gone on with.
const UNDER_WAY_MAX: usize = 1_000;

/// Entries that were saved lately, as many as are kept in mind: a command that comes again comes soon.
const SAVED_MAX: usize = 100;

/// A share, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share(Option<Offered>);

/// What is known of a share that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Whose it is.
    pub owner: AccountId,
    /// The entry that it leads to.
    pub file: FileId,
    /// Of the token.
    pub token_sha256: Sha256,
    /// What it asks and allows now.
    pub terms: Terms,
    /// Downloads that began.
    pub downloads: u64,
    /// When the last of them did.
    pub last_download_at: Option<Timestamp>,
    /// Whether the owner has ended it.
    pub revoked: bool,
    under_way: BTreeMap<DownloadId, UnderWay>,
    saved: VecDeque<FileId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct UnderWay {
    visitor: Visitor,
    began: Timestamp,
}

/// Whether a share can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It can.
    Active,
    /// Its time is over.
    Expired,
    /// There were as many downloads as there may be.
    UsedUp,
    /// The owner has ended it.
    Revoked,
}

impl Standing {
    /// That of a share with these terms and this past.
    pub fn of(revoked: bool, expires_at: Option<Timestamp>, max_downloads: Option<u64>, downloads: u64, at: Timestamp) -> Self {
        if revoked {
            Self::Revoked
        } else if expires_at.is_some_and(|end| end <= at) {
            Self::Expired
        } else if max_downloads.is_some_and(|max| downloads >= max) {
            Self::UsedUp
        } else {
            Self::Active
        }
    }
}

type Decision = Result<Vec<ShareEvent>, ShareRejection>;

impl Share {
    /// The share, if it was made; it may be over.
    pub fn offered(&self) -> Option<&Offered> {
        self.0.as_ref()
    }

    fn create(&self, created: ShareCreated) -> Decision {
        match &self.0 {
            None => Ok(vec![ShareEvent::ShareCreated(created)]),
            Some(known) if known.token_sha256 == created.token_sha256 => Ok(Vec::new()),
            Some(_) => Err(ShareRejection::AlreadyCreated),
        }
    }
}

impl Offered {
    fn new(created: &ShareCreated) -> Self {
        Self {
            owner: created.owner,
            file: created.file,
            token_sha256: created.token_sha256,
            terms: created.terms.clone(),
            downloads: 0,
            last_download_at: None,
            revoked: false,
            under_way: BTreeMap::new(),
            saved: VecDeque::new(),
        }
    }

    /// Whether it can be used at this time.
    pub fn standing(&self, at: Timestamp) -> Standing {
        let Terms { expires_at, max_downloads, .. } = self.terms;
        Standing::of(self.revoked, expires_at, max_downloads, self.downloads, at)
    }

    /// The download of the same visitor with which this one goes on.
    pub fn goes_on_with(&self, start: &StartDownload) -> Option<DownloadId> {
        if self.under_way.contains_key(&start.download) {
            return Some(start.download);
        }
        let goes_on = |(id, download): &(&DownloadId, &UnderWay)| {
            let recent = start.at < download.began.plus_seconds(GOES_ON_SECONDS) && !start.sent.contains(id);
            recent && download.visitor == start.visitor && (start.in_part || start.broken.contains(id))
        };
        self.under_way.iter().find(goes_on).map(|(id, _)| *id)
    }

    /// Whether this visitor has a download to go on with, which is none of those that were sent.
    pub fn has_under_way(&self, visitor: &Visitor, at: Timestamp, sent: &[DownloadId]) -> bool {
        let recent = |download: &UnderWay| at < download.began.plus_seconds(GOES_ON_SECONDS);
        let goes_on =
            |(id, download): (&DownloadId, &UnderWay)| download.visitor == *visitor && recent(download) && !sent.contains(id);
        self.under_way.iter().any(goes_on)
    }

    fn change(&self, change: ChangeTerms) -> Decision {
        if self.revoked {
            return Err(ShareRejection::Over);
        }
        let ChangeTerms { password_hash, expires_at, max_downloads } = change;
        let now = self.terms.clone();
        let terms = Terms {
            password_hash: password_hash.unwrap_or(now.password_hash),
            expires_at: expires_at.unwrap_or(now.expires_at),
            max_downloads: max_downloads.unwrap_or(now.max_downloads),
        };
        let changes = terms != self.terms;
        Ok(changes.then_some(ShareEvent::ShareChanged(ShareChanged { terms })).into_iter().collect())
    }

    fn download(&self, start: StartDownload) -> Decision {
        match self.standing(start.at) {
            Standing::Active | Standing::UsedUp if self.goes_on_with(&start).is_some() => Ok(Vec::new()),
            Standing::Active => {
                let StartDownload { download, visitor, sha256, at, .. } = start;
                Ok(vec![ShareEvent::ShareDownloaded(ShareDownloaded { download, visitor, sha256, at })])
            }
            Standing::UsedUp => Err(ShareRejection::UsedUp),
            Standing::Expired | Standing::Revoked => Err(ShareRejection::Over),
        }
    }

    fn began(&mut self, began: &ShareDownloaded) {
        self.downloads += 1;
        self.under_way.retain(|_, download| began.at < download.began.plus_seconds(GOES_ON_SECONDS));
        if self.under_way.len() >= UNDER_WAY_MAX
            && let Some(oldest) = self.under_way.iter().min_by_key(|(_, download)| download.began).map(|(id, _)| *id)
        {
            self.under_way.remove(&oldest);
        }
        self.last_download_at = Some(began.at);
        self.under_way.insert(began.download, UnderWay { visitor: began.visitor.clone(), began: began.at });
    }
}

impl Decider for Share {
    type Command = ShareCommand;
    type Event = ShareEvent;
    type Rejection = ShareRejection;

    fn decide(&self, command: ShareCommand) -> Decision {
        if let ShareCommand::Create(created) = command {
            return self.create(created);
        }
        let share = self.0.as_ref().ok_or(ShareRejection::Absent)?;
        match command {
            ShareCommand::Create(_) => Ok(Vec::new()),
            ShareCommand::Change(change) => share.change(change),
            ShareCommand::Download(start) => share.download(start),
            ShareCommand::EndDownload(download) => {
                let open = share.under_way.contains_key(&download);
                Ok(open.then_some(ShareEvent::ShareDownloadEnded(ShareDownloadEnded { download })).into_iter().collect())
            }
            ShareCommand::Save { saved, .. } if share.saved.contains(&saved.file) => Ok(Vec::new()),
            ShareCommand::Save { saved, at } => match share.standing(at) {
                Standing::Active => Ok(vec![ShareEvent::ShareSaved(saved)]),
                Standing::UsedUp => Err(ShareRejection::UsedUp),
                Standing::Expired | Standing::Revoked => Err(ShareRejection::Over),
            },
            ShareCommand::Revoke if share.revoked => Ok(Vec::new()),
            ShareCommand::Revoke => Ok(vec![ShareEvent::ShareRevoked(ShareRevoked {})]),
        }
    }

    fn evolve(self, event: &ShareEvent) -> Self {
        let Some(mut share) = self.0 else {
            // Only a creation makes a share; anything else before it is noise.
            let ShareEvent::ShareCreated(created) = event else { return Self(None) };
            return Self(Some(Offered::new(created)));
        };
        match event {
            ShareEvent::ShareCreated(_) => {}
            ShareEvent::ShareChanged(changed) => share.terms = changed.terms.clone(),
            ShareEvent::ShareDownloaded(began) => share.began(began),
            ShareEvent::ShareDownloadEnded(ended) => {
                share.under_way.remove(&ended.download);
            }
            ShareEvent::ShareSaved(saved) => {
                share.saved.push_back(saved.file);
                if share.saved.len() > SAVED_MAX {
                    share.saved.pop_front();
                }
            }
            ShareEvent::ShareRevoked(_) => share.revoked = true,
        }
        Self(Some(share))
    }

    fn commutes(event: &ShareEvent) -> bool {
        matches!(event, ShareEvent::ShareDownloadEnded(_))
    }
}
