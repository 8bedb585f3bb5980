use cairn_domain::share::{ChangeTerms, Share, ShareCommand, ShareCreated, StartDownload, Terms, Visitor};
use cairn_domain::{AccountId, Decider, DownloadId, Event, FileId, Sha256, ShareId, StreamName, Timestamp};
use uuid::Uuid;

use super::Chance;

/// The shares that anybody has made, whatever has become of their entries.
#[derive(Default)]
pub(super) struct Shares(Vec<(ShareId, Share)>);

impl Shares {
    /// The entry is shared, or something happens to an older share.
    pub(super) fn act(
        &mut self,
        file: FileId,
        owner: AccountId,
        sha256: Sha256,
        at: Timestamp,
        chance: &mut Chance,
    ) -> Vec<(StreamName, Event)> {
        let place = chance.index(self.0.len().max(1));
        let command = match (self.0.is_empty(), chance.below(10)) {
            (true, _) | (_, 0..4) => {
                self.0.push((ShareId(uuid(chance)), Share::default()));
                return self.decide(self.0.len() - 1, ShareCommand::Create(creation(file, owner, at, chance)));
            }
            (false, 4..8) => ShareCommand::Download(StartDownload {
                download: DownloadId(uuid(chance)),
                visitor: Visitor::Network("192.0.2.7".to_owned()),
                sha256,
                at,
                in_part: false,
                broken: Vec::new(),
                sent: Vec::new(),
            }),
            (false, 8) => ShareCommand::Revoke,
            (false, _) => {
                let max_downloads = Some(Some(chance.below(9)));
                ShareCommand::Change(ChangeTerms { max_downloads, ..ChangeTerms::default() })
            }
        };
        self.decide(place, command)
    }

    /// What can't be done is not.
    fn decide(&mut self, place: usize, command: ShareCommand) -> Vec<(StreamName, Event)> {
        let (id, share) = &mut self.0[place];
        let events = share.decide(command).unwrap_or_default();
        *share = events.iter().fold(std::mem::take(share), Share::evolve);
        events.into_iter().map(|event| (StreamName::share(*id), event.into())).collect()
    }
}

fn creation(file: FileId, owner: AccountId, at: Timestamp, chance: &mut Chance) -> ShareCreated {
    let terms = Terms {
        password_hash: (chance.below(3) == 0).then(|| "$argon2id$".to_owned()),
        expires_at: (chance.below(3) == 0).then(|| at.plus_seconds(chance.below(86_400))),
        max_downloads: (chance.below(3) == 0).then(|| chance.below(9) + 1),
    };
    ShareCreated { owner, file, token_sha256: Sha256(chance.bytes()), terms }
}

fn uuid(chance: &mut Chance) -> Uuid {
    uuid::Builder::from_random_bytes(chance.any_u128().to_be_bytes()).into_uuid()
}
