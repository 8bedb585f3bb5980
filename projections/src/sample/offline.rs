use cairn_domain::offline::{FailureReason, Offline, OfflineCommand, OfflineFound, OfflineRequested, Phase};
use cairn_domain::{AccountId, Decider, Event, FileId, FileName, OfflineId, StreamName, Timestamp, UploadId};
use uuid::Uuid;

use super::Chance;

/// Files that the drive fetches from elsewhere. Of those that come, no more is told than that they came. They have a chance of their own, so that
/// whatever else happens would happen without them, too.
pub(super) struct Downloads {
    chance: Chance,
    known: Vec<(OfflineId, Offline)>,
}

impl Downloads {
    pub(super) fn new(chance: Chance) -> Self {
        Self { chance, known: Vec::new() }
    }

    /// Something is asked for by one of these, or goes on.
    pub(super) fn act(&mut self, accounts: &[AccountId], names: &[FileName], at: Timestamp) -> Vec<(StreamName, Event)> {
        let Self { chance, known } = self;
        let (owner, name) = (*chance.pick(accounts), chance.pick(names).clone());
        if known.is_empty() || chance.below(4) == 0 {
            return self.ask(owner, name);
        }
        let place = chance.index(known.len());
        let (id, offline) = &known[place];
        let start = offline.times_started();
        let command = match (offline.phase(), chance.below(10)) {
            (Phase::Queued | Phase::Running, 0) => OfflineCommand::Cancel,
            (Phase::Queued, _) => OfflineCommand::Start { worker: "worker-1".to_owned(), times_started: start, deadline: at },
            (Phase::Running, 1) => OfflineCommand::Start { worker: "worker-2".to_owned(), times_started: start, deadline: at },
            (Phase::Running, 2..5) => OfflineCommand::Find { start, found: found(*id, name, offline, chance) },
            (Phase::Running, 5..7) => OfflineCommand::Progress { start, received_bytes: chance.below(1 << 30), at },
            (Phase::Running, 7) => {
                let detail = (chance.below(2) == 0).then(|| "The source answered 404.".to_owned());
                OfflineCommand::Fail { start, reason: FailureReason::SourceRefused, detail }
            }
            (Phase::Running, _) => OfflineCommand::Complete { file: FileId(id.0), size: chance.below(1 << 30) },
            (Phase::Completed(_) | Phase::Failed(_) | Phase::Cancelled, _) => {
                known.swap_remove(place);
                return Vec::new();
            }
        };
        self.change(place, command)
    }

    fn ask(&mut self, owner: AccountId, name: FileName) -> Vec<(StreamName, Event)> {
        let id = OfflineId(uuid(&mut self.chance));
        let Ok(url) = format!("https://example.org/{id}").parse() else { return Vec::new() };
        let name = (self.chance.below(2) == 0).then_some(name);
        self.known.push((id, Offline::default()));
        let request = OfflineRequested { owner, url, name, folder: None, expected_sha256: None };
        self.change(self.known.len() - 1, OfflineCommand::Request(request))
    }

    /// A refusal is nothing that happens.
    fn change(&mut self, place: usize, command: OfflineCommand) -> Vec<(StreamName, Event)> {
        let (id, offline) = &mut self.known[place];
        let events = offline.decide(command).unwrap_or_default();
        *offline = events.iter().fold(std::mem::take(offline), Offline::evolve);
        events.into_iter().map(|event| (StreamName::offline(*id), event.into())).collect()
    }
}

fn found(id: OfflineId, name: FileName, offline: &Offline, chance: &mut Chance) -> OfflineFound {
    let upload = UploadId(Uuid::new_v5(&id.0, &offline.times_found().to_be_bytes()));
    let size = (chance.below(3) > 0).then(|| chance.below(1 << 30));
    OfflineFound { upload, name, content_type: None, size, validator: None }
}

fn uuid(chance: &mut Chance) -> Uuid {
    uuid::Builder::from_random_bytes(chance.any_u128().to_be_bytes()).into_uuid()
}
