//! The laws of every aggregate, over random histories and commands:
//! `evolve` is total, and a command whose events are folded does not do its work a second time.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use crate::account::{
    Account, AccountCommand, AccountEvent, AccountRegistered, PasswordChanged, QuotaChanged, Role, RoleGranted, RoleRevoked,
    SessionClosed, SessionEnd, SessionOpened,
};
use crate::blob::{
    Blob, BlobCommand, BlobCopyRemoved, BlobDamaged, BlobDeleted, BlobEvent, BlobReferenced, BlobRelocated, BlobRepaired,
    BlobStored,
};
use crate::decider::fold;
use crate::file::{
    Content, File, FileAdded, FileCommand, FileEvent, FileMoved, FilePurged, FileRenamed, FileReplaced, FileRestored, FileTrashed,
    FileVersionRemoved, Origin, Replace,
};
use crate::folder::{
    CreateFolder, FolderCommand, FolderCreated, FolderEvent, FolderMoved, FolderPurged, FolderRenamed, FolderRestored,
    FolderTrashed, Tree, UpdateFolder,
};
use crate::offline::{
    FailureReason, Offline, OfflineCancelled, OfflineCommand, OfflineCompleted, OfflineEvent, OfflineFailed, OfflineFound,
    OfflineProgressed, OfflineRequested, OfflineStarted,
};
use crate::share::{
    ChangeTerms, Share, ShareChanged, ShareCommand, ShareCreated, ShareDownloadEnded, ShareDownloaded, ShareEvent, ShareRevoked,
    ShareSaved, StartDownload, Terms, Visitor,
};
use crate::space::{Holder, Reserve, Settled, Space, SpaceCommand, SpaceEvent, SpaceFreed, SpaceReserved};
use crate::transfer::{
    Transfer, TransferAbandoned, TransferCommand, TransferCompleted, TransferEvent, TransferQueued, TransferRequested,
    TransferRetried, TransferStalled, TransferStarted,
};
use crate::upload::{
    ChunkReceived, FileMerged, MergeCommand, RejectionReason, Upload, UploadCancelled, UploadCommand, UploadEvent, UploadExpired,
    UploadRejected, UploadStarted,
};
use crate::{AccountId, Decider, DownloadId, FileId, FileName, FolderId, Position, SessionId, Sha1, Sha256, Timestamp, UploadId};

/// Folds a random history, decides, folds what was decided and decides again.
fn holds<D: Decider>(history: &[D::Event], command: &D::Command) -> Result<(), TestCaseError>
where
    D::Event: PartialEq + std::fmt::Debug,
{
    let state: D = fold(history);
    if let Ok(events) = state.decide(command.clone()) {
        let after = events.iter().fold(state, D::evolve);
        if let Ok(again) = after.decide(command.clone()) {
            let repeats: Vec<_> = again.iter().filter(|event| !D::commutes(event)).collect();
            prop_assert!(repeats.is_empty(), "decided {events:?} and then again {again:?}");
        }
    }
    Ok(())
}

fn account() -> impl Strategy<Value = AccountId> {
    (0..3_u128).prop_map(|n| AccountId(Uuid::from_u128(n)))
}

fn session() -> impl Strategy<Value = SessionId> {
    (0..4_u128).prop_map(|n| SessionId(Uuid::from_u128(n)))
}

fn file() -> impl Strategy<Value = FileId> {
    (0..3_u128).prop_map(|n| FileId(Uuid::from_u128(n)))
}

fn folder() -> impl Strategy<Value = Option<FolderId>> {
    proptest::option::of((0..3_u128).prop_map(|n| FolderId(Uuid::from_u128(n))))
}

fn name() -> impl Strategy<Value = FileName> {
    "[a-c]{1,2}\\.txt".prop_map(|text| text.parse().expect("a name"))
}

fn hash() -> impl Strategy<Value = String> {
    "[a-c]"
}

fn sha256() -> impl Strategy<Value = Sha256> {
    (0..4_u8).prop_map(|n| Sha256([n; 32]))
}

fn sha1() -> impl Strategy<Value = Sha1> {
    (0..4_u8).prop_map(|n| Sha1([n; 20]))
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..1_000_i64).prop_map(Timestamp)
}

fn registered() -> impl Strategy<Value = AccountRegistered> {
    ("[a-b]{3}", hash()).prop_map(|(username, password_hash)| AccountRegistered {
        username: username.parse().expect("a name"),
        password_hash,
        email: None,
        phone: None,
    })
}

fn session_opened() -> impl Strategy<Value = SessionOpened> {
    (session(), sha256(), time()).prop_map(|(session, token_sha256, expires_at)| SessionOpened {
        session,
        token_sha256,
        expires_at,
    })
}

fn account_event() -> impl Strategy<Value = AccountEvent> {
    let end = prop_oneof![Just(SessionEnd::SignedOut), Just(SessionEnd::PasswordChanged), Just(SessionEnd::Displaced)];
    prop_oneof![
        registered().prop_map(AccountEvent::AccountRegistered),
        hash().prop_map(|password_hash| AccountEvent::PasswordChanged(PasswordChanged { password_hash })),
        session_opened().prop_map(AccountEvent::SessionOpened),
        (session(), end).prop_map(|(session, reason)| AccountEvent::SessionClosed(SessionClosed { session, reason })),
        Just(AccountEvent::RoleGranted(RoleGranted { role: Role::Admin })),
        Just(AccountEvent::RoleRevoked(RoleRevoked { role: Role::Admin })),
        any::<Option<u64>>().prop_map(|quota_bytes| AccountEvent::QuotaChanged(QuotaChanged { quota_bytes })),
    ]
}

fn account_command() -> impl Strategy<Value = AccountCommand> {
    prop_oneof![
        registered().prop_map(AccountCommand::Register),
        (hash(), "[x-z]", session()).prop_map(|(verified_hash, new_hash, keep)| AccountCommand::ChangePassword {
            verified_hash,
            new_hash,
            keep
        }),
        (hash(), session_opened(), 1..4_usize).prop_map(|(verified_hash, session, sessions_max)| AccountCommand::OpenSession {
            verified_hash,
            session,
            sessions_max
        }),
        session().prop_map(AccountCommand::CloseSession),
        Just(AccountCommand::GrantRole(Role::Admin)),
        Just(AccountCommand::RevokeRole(Role::Admin)),
        any::<Option<u64>>().prop_map(AccountCommand::SetQuota),
    ]
}

fn added() -> impl Strategy<Value = FileAdded> {
    let origin = prop_oneof![Just(Origin::Instant), Just(Origin::Upload(UploadId(Uuid::nil())))];
    (account(), name(), folder(), sha256(), sha1(), origin).prop_map(|(owner, name, folder, sha256, sha1, origin)| FileAdded {
        owner,
        name,
        folder,
        size: 7,
        sha256,
        sha1,
        content_type: "text/plain".to_owned(),
        origin,
        version_of: None,
    })
}

fn content() -> impl Strategy<Value = Content> {
    (sha256(), sha1()).prop_map(|(sha256, sha1)| Content { size: 7, sha256, sha1, content_type: "text/plain".to_owned() })
}

fn file_event() -> impl Strategy<Value = FileEvent> {
    prop_oneof![
        added().prop_map(FileEvent::FileAdded),
        name().prop_map(|name| FileEvent::FileRenamed(FileRenamed { name })),
        folder().prop_map(|folder| FileEvent::FileMoved(FileMoved { folder })),
        (proptest::option::of(file()), content(), time()).prop_map(|(by, content, at)| {
            let Content { size, sha256, sha1, content_type } = content;
            FileEvent::FileReplaced(FileReplaced { by, size, sha256, sha1, content_type, at })
        }),
        (proptest::option::of(file()), account(), sha256()).prop_map(|(held_by, owner, sha256)| {
            FileEvent::FileVersionRemoved(FileVersionRemoved { held_by, owner, size: 7, sha256 })
        }),
        Just(FileEvent::FileTrashed(FileTrashed {})),
        Just(FileEvent::FileRestored(FileRestored {})),
        (account(), sha256()).prop_map(|(owner, sha256)| FileEvent::FilePurged(FilePurged { owner, size: 7, sha256 })),
    ]
}

fn file_command() -> impl Strategy<Value = FileCommand> {
    prop_oneof![
        added().prop_map(FileCommand::Add),
        (proptest::option::of(name()), proptest::option::of(folder()))
            .prop_map(|(name, folder)| FileCommand::Update { name, folder }),
        (file(), content(), time(), 1..4_usize).prop_map(|(by, content, at, versions_max)| FileCommand::Replace(Replace {
            by,
            content,
            at,
            versions_max
        })),
        (1..4_u64, time()).prop_map(|(number, at)| FileCommand::RestoreVersion { number, at }),
        time().prop_map(|replaced_before| FileCommand::RemoveVersions { replaced_before }),
        Just(FileCommand::Trash),
        Just(FileCommand::Restore),
        Just(FileCommand::Purge),
    ]
}

fn one_folder() -> impl Strategy<Value = FolderId> {
    (0..5_u128).prop_map(|n| FolderId(Uuid::from_u128(n)))
}

fn place() -> impl Strategy<Value = Option<FolderId>> {
    proptest::option::of(one_folder())
}

/// Whatever a history says, also what no decider would: folders that stand in each other, or in one that is gone.
fn folder_event() -> impl Strategy<Value = FolderEvent> {
    let along = || vec(one_folder(), 0..3);
    prop_oneof![
        3 => (one_folder(), name(), place(), time())
            .prop_map(|(folder, name, parent, at)| FolderEvent::FolderCreated(FolderCreated { folder, name, parent, at })),
        1 => (one_folder(), name(), time())
            .prop_map(|(folder, name, at)| FolderEvent::FolderRenamed(FolderRenamed { folder, name, at })),
        2 => (one_folder(), place(), time())
            .prop_map(|(folder, parent, at)| FolderEvent::FolderMoved(FolderMoved { folder, parent, at })),
        2 => (one_folder(), along(), time())
            .prop_map(|(folder, along, at)| FolderEvent::FolderTrashed(FolderTrashed { folder, along, at })),
        1 => (one_folder(), along(), time())
            .prop_map(|(folder, along, at)| FolderEvent::FolderRestored(FolderRestored { folder, along, at })),
        1 => (one_folder(), along(), time())
            .prop_map(|(folder, along, at)| FolderEvent::FolderPurged(FolderPurged { folder, along, at })),
    ]
}

fn folder_command() -> impl Strategy<Value = FolderCommand> {
    prop_oneof![
        3 => (one_folder(), name(), place(), time()).prop_map(|(folder, name, parent, at)| FolderCommand::Create(CreateFolder {
            folder,
            name,
            parent,
            at,
            folders_max: 4
        })),
        3 => (one_folder(), proptest::option::of(name()), proptest::option::of(place()), time())
            .prop_map(|(folder, name, parent, at)| FolderCommand::Update(UpdateFolder { folder, name, parent, at })),
        2 => (one_folder(), time()).prop_map(|(folder, at)| FolderCommand::Trash { folder, at }),
        2 => (one_folder(), time()).prop_map(|(folder, at)| FolderCommand::Restore { folder, at }),
        1 => (one_folder(), time()).prop_map(|(folder, at)| FolderCommand::Purge { folder, at }),
    ]
}

fn terms() -> impl Strategy<Value = Terms> {
    (proptest::option::of(hash()), proptest::option::of(time()), proptest::option::of(0..4_u64))
        .prop_map(|(password_hash, expires_at, max_downloads)| Terms { password_hash, expires_at, max_downloads })
}

fn share_created() -> impl Strategy<Value = ShareCreated> {
    (account(), file(), sha256(), terms()).prop_map(|(owner, file, token_sha256, terms)| ShareCreated {
        owner,
        file,
        token_sha256,
        terms,
    })
}

fn share_saved() -> impl Strategy<Value = ShareSaved> {
    (file(), account(), name(), folder(), sha256()).prop_map(|(file, account, name, folder, sha256)| ShareSaved {
        file,
        account,
        name,
        folder,
        size: 7,
        sha256,
        sha1: Sha1([1; 20]),
        content_type: "text/plain".to_owned(),
    })
}

fn download() -> impl Strategy<Value = DownloadId> {
    (0..4_u128).prop_map(|n| DownloadId(Uuid::from_u128(n)))
}

fn visitor() -> impl Strategy<Value = Visitor> {
    prop_oneof![
        (0..2_u128).prop_map(|n| Visitor::Account(AccountId(Uuid::from_u128(n)))),
        hash().prop_map(Visitor::Network),
        Just(Visitor::Unknown)
    ]
}

fn share_event() -> impl Strategy<Value = ShareEvent> {
    prop_oneof![
        3 => share_created().prop_map(ShareEvent::ShareCreated),
        1 => terms().prop_map(|terms| ShareEvent::ShareChanged(ShareChanged { terms })),
        3 => (download(), visitor(), sha256(), time()).prop_map(|(download, visitor, sha256, at)| {
            ShareEvent::ShareDownloaded(ShareDownloaded { download, visitor, sha256, at })
        }),
        2 => download().prop_map(|download| ShareEvent::ShareDownloadEnded(ShareDownloadEnded { download })),
        1 => share_saved().prop_map(ShareEvent::ShareSaved),
        1 => Just(ShareEvent::ShareRevoked(ShareRevoked {})),
    ]
}

fn share_command() -> impl Strategy<Value = ShareCommand> {
    let change = (proptest::option::of(proptest::option::of(hash())), proptest::option::of(proptest::option::of(0..4_u64)))
        .prop_map(|(password_hash, max_downloads)| ChangeTerms { password_hash, expires_at: None, max_downloads });
    prop_oneof![
        1 => share_created().prop_map(ShareCommand::Create),
        1 => change.prop_map(ShareCommand::Change),
        4 => (download(), visitor(), time(), any::<bool>(), vec(download(), 0..3)).prop_map(
            |(download, visitor, at, in_part, broken)| ShareCommand::Download(StartDownload {
                download,
                visitor,
                sha256: Sha256([1; 32]),
                at,
                in_part,
                broken,
                sent: Vec::new()
            })
        ),
        2 => download().prop_map(ShareCommand::EndDownload),
        2 => (share_saved(), time()).prop_map(|(saved, at)| ShareCommand::Save { saved, at }),
        1 => Just(ShareCommand::Revoke),
    ]
}

fn position() -> impl Strategy<Value = Position> {
    (0..9_u64).prop_map(Position)
}

fn freed() -> impl Strategy<Value = SpaceFreed> {
    let settled = (file(), position()).prop_map(|(file, position)| Settled { file, position });
    (vec(settled, 0..2), vec(file(), 0..2)).prop_map(|(settled, released)| SpaceFreed { settled, released })
}

fn space_event() -> impl Strategy<Value = SpaceEvent> {
    let holder = Holder::Command;
    prop_oneof![
        2 => (file(), 0..9_u64, position(), time()).prop_map(move |(file, bytes, seen, at)| {
            SpaceEvent::SpaceReserved(SpaceReserved { file, bytes, holder, seen, at })
        }),
        1 => freed().prop_map(SpaceEvent::SpaceFreed),
    ]
}

fn space_command() -> impl Strategy<Value = SpaceCommand> {
    let holder = Holder::Command;
    prop_oneof![
        2 => (file(), 0..9_u64, 0..9_u64, position(), time()).prop_map(move |(file, bytes, used, seen, at)| {
            SpaceCommand::Reserve(Reserve { file, bytes, holder, quota: 20, used, seen, at })
        }),
        1 => freed().prop_map(|SpaceFreed { settled, released }| SpaceCommand::Free { settled, released }),
    ]
}

fn store() -> impl Strategy<Value = String> {
    prop_oneof![Just("local"), Just("ceph"), Just("oss")].prop_map(str::to_owned)
}

fn stored() -> impl Strategy<Value = BlobStored> {
    (sha1(), store()).prop_map(|(sha1, store)| BlobStored { size: 7, sha1, store })
}

fn blob_event() -> impl Strategy<Value = BlobEvent> {
    prop_oneof![
        3 => stored().prop_map(BlobEvent::BlobStored),
        1 => file().prop_map(|file| BlobEvent::BlobReferenced(BlobReferenced { file })),
        2 => (store(), store()).prop_map(|(from, to)| BlobEvent::BlobRelocated(BlobRelocated { from, to })),
        2 => (store(), store())
            .prop_map(|(store, remains_in)| BlobEvent::BlobCopyRemoved(BlobCopyRemoved { store, remains_in })),
        1 => (store(), proptest::option::of(store()))
            .prop_map(|(store, sound_in)| BlobEvent::BlobDamaged(BlobDamaged { store, sound_in })),
        1 => store().prop_map(|store| BlobEvent::BlobRepaired(BlobRepaired { store })),
        1 => vec(store(), 0..3).prop_map(|stores| BlobEvent::BlobDeleted(BlobDeleted { stores })),
    ]
}

fn blob_command() -> impl Strategy<Value = BlobCommand> {
    prop_oneof![
        (stored(), file()).prop_map(|(stored, file)| BlobCommand::StoreFor(stored, file)),
        file().prop_map(BlobCommand::ReferTo),
        (store(), store()).prop_map(|(from, to)| BlobCommand::Relocate { from, to }),
        store().prop_map(|store| BlobCommand::RemoveCopy { store }),
        store().prop_map(|store| BlobCommand::FindDamaged { store }),
        store().prop_map(|store| BlobCommand::Repair { store }),
        Just(BlobCommand::Delete),
    ]
}

fn transfer_requested() -> impl Strategy<Value = TransferRequested> {
    (store(), store()).prop_map(|(from, to)| TransferRequested {
        sha256: Sha256([1; 32]),
        sha1: Sha1([1; 20]),
        size: 7,
        from,
        to,
        along_with: Vec::new(),
    })
}

fn transfer_event() -> impl Strategy<Value = TransferEvent> {
    let (worker, reason) = (|| "w".to_owned(), || "r".to_owned());
    prop_oneof![
        3 => transfer_requested().prop_map(TransferEvent::TransferRequested),
        2 => (0..3_u32).prop_map(|failures| TransferEvent::TransferQueued(TransferQueued { failures, reason: None })),
        2 => Just(TransferEvent::TransferStarted(TransferStarted { worker: worker() })),
        1 => Just(TransferEvent::TransferCompleted(TransferCompleted {})),
        1 => Just(TransferEvent::TransferStalled(TransferStalled { failures: 3, reason: reason() })),
        1 => Just(TransferEvent::TransferRetried(TransferRetried {})),
        1 => Just(TransferEvent::TransferAbandoned(TransferAbandoned { reason: reason() })),
    ]
}

fn transfer_command() -> impl Strategy<Value = TransferCommand> {
    prop_oneof![
        transfer_requested().prop_map(TransferCommand::Request),
        Just(TransferCommand::Queue),
        (0..3_u32).prop_map(|times_queued| TransferCommand::QueueAgain { times_queued }),
        Just(TransferCommand::Start { worker: "w".to_owned() }),
        (1..3_u32).prop_map(|failures_max| TransferCommand::Fail { reason: "r".to_owned(), failures_max }),
        Just(TransferCommand::Complete),
        Just(TransferCommand::Retry),
        Just(TransferCommand::Abandon { reason: "r".to_owned() }),
    ]
}

fn offline_requested() -> impl Strategy<Value = OfflineRequested> {
    "http://[a-b]/[a-b]".prop_map(|url| OfflineRequested {
        owner: AccountId(Uuid::nil()),
        url: url.parse().expect("a URL"),
        name: None,
        folder: None,
        expected_sha256: None,
    })
}

fn offline_found() -> impl Strategy<Value = OfflineFound> {
    (0..3_u128, name(), any::<Option<u64>>()).prop_map(|(upload, name, size)| OfflineFound {
        upload: UploadId(Uuid::from_u128(upload)),
        name,
        content_type: None,
        size,
        validator: None,
    })
}

fn offline_event() -> impl Strategy<Value = OfflineEvent> {
    let worker = || "w".to_owned();
    prop_oneof![
        4 => offline_requested().prop_map(OfflineEvent::OfflineRequested),
        4 => (1..3_u32, time())
            .prop_map(move |(attempt, deadline)| OfflineEvent::OfflineStarted(OfflineStarted { worker: worker(), attempt, deadline })),
        2 => offline_found().prop_map(OfflineEvent::OfflineFound),
        2 => (0..9_u64, time())
            .prop_map(|(received_bytes, at)| OfflineEvent::OfflineProgressed(OfflineProgressed { received_bytes, at })),
        1 => (file(), 0..9_u64).prop_map(|(file, size)| OfflineEvent::OfflineCompleted(OfflineCompleted { file, size })),
        1 => Just(OfflineEvent::OfflineFailed(OfflineFailed { reason: FailureReason::TimedOut, detail: None })),
        1 => Just(OfflineEvent::OfflineCancelled(OfflineCancelled {})),
    ]
}

fn offline_command() -> impl Strategy<Value = OfflineCommand> {
    prop_oneof![
        offline_requested().prop_map(OfflineCommand::Request),
        (0..4_u32, time()).prop_map(|(times_started, deadline)| OfflineCommand::Start {
            worker: "w".to_owned(),
            times_started,
            deadline
        }),
        (0..4_u32, offline_found()).prop_map(|(start, found)| OfflineCommand::Find { start, found }),
        (0..4_u32, 0..9_u64, time()).prop_map(|(start, received_bytes, at)| OfflineCommand::Progress { start, received_bytes, at }),
        (file(), 0..9_u64).prop_map(|(file, size)| OfflineCommand::Complete { file, size }),
        (0..4_u32).prop_map(|start| OfflineCommand::Fail { start, reason: FailureReason::TooLarge, detail: None }),
        Just(OfflineCommand::Cancel),
    ]
}

fn started() -> impl Strategy<Value = UploadStarted> {
    (0..30_u64, 0..9_u64, proptest::option::of(sha256()), time()).prop_map(|(size, part_bytes, expected_sha256, expires_at)| {
        UploadStarted {
            owner: AccountId(Uuid::nil()),
            name: "a.bin".parse().expect("a name"),
            folder: None,
            content_type: "application/octet-stream".to_owned(),
            size,
            part_bytes,
            expected_sha256,
            expected_sha1: None,
            expires_at,
            replaces: None,
            offline: None,
        }
    })
}

fn chunk() -> impl Strategy<Value = ChunkReceived> {
    (any::<u64>().prop_map(|n| if n % 5 == 0 { n } else { n % 40 }), 0..9_u64, sha256(), time())
        .prop_map(|(offset, length, sha256, expires_at)| ChunkReceived { offset, length, sha256, expires_at })
}

fn merged() -> impl Strategy<Value = FileMerged> {
    (file(), sha256(), sha1()).prop_map(|(file, sha256, sha1)| FileMerged {
        file,
        owner: AccountId(Uuid::nil()),
        name: "a.bin".parse().expect("a name"),
        folder: None,
        content_type: "application/octet-stream".to_owned(),
        size: 7,
        sha256,
        sha1,
        replaces: None,
        offline: None,
    })
}

fn upload_event() -> impl Strategy<Value = UploadEvent> {
    let reason = RejectionReason::DigestMismatch;
    prop_oneof![
        1 => started().prop_map(UploadEvent::UploadStarted),
        4 => chunk().prop_map(UploadEvent::ChunkReceived),
        1 => merged().prop_map(UploadEvent::FileMerged),
        1 => Just(UploadEvent::UploadCancelled(UploadCancelled {})),
        1 => Just(UploadEvent::UploadExpired(UploadExpired {})),
        1 => sha256().prop_map(move |sha256| UploadEvent::UploadRejected(UploadRejected { reason, sha256 })),
    ]
}

fn upload_command() -> impl Strategy<Value = UploadCommand> {
    prop_oneof![
        started().prop_map(UploadCommand::Start),
        chunk().prop_map(UploadCommand::ReceiveChunk),
        (0..9_u64, sha256(), sha1(), file()).prop_map(|(revision, sha256, sha1, file)| UploadCommand::Merge(MergeCommand {
            revision,
            sha256,
            sha1,
            file,
            folder: None
        })),
        merged().prop_map(UploadCommand::StoreWhole),
        Just(UploadCommand::Cancel),
        Just(UploadCommand::Withdraw),
        time().prop_map(|now| UploadCommand::Expire { now }),
        any::<bool>().prop_map(|merged| UploadCommand::Lose { merged }),
    ]
}

proptest! {
    #[test]
    fn of_accounts(history in vec(account_event(), 0..12), command in account_command()) {
        holds::<Account>(&history, &command)?;
    }

    #[test]
    fn of_entries(history in vec(file_event(), 0..12), command in file_command()) {
        holds::<File>(&history, &command)?;
    }

    #[test]
    fn of_folders(history in vec(folder_event(), 0..12), command in folder_command()) {
        holds::<Tree>(&history, &command)?;
    }

    #[test]
    fn every_folder_leads_to_the_top(commands in vec(folder_command(), 0..40)) {
        let mut tree = Tree::default();
        for command in commands {
            tree = tree.decide(command).unwrap_or_default().iter().fold(tree, Tree::evolve);
            for number in 0..5 {
                let mut place = Some(FolderId(Uuid::from_u128(number)));
                for _ in 0..5 {
                    place = place.and_then(|folder| tree.folder(folder)).and_then(|folder| folder.parent);
                }
                prop_assert_eq!(place, None);
            }
        }
    }

    #[test]
    fn events_name_every_folder_that_comes_or_goes(commands in vec(folder_command(), 0..40)) {
        let all = || (0..5).map(|number| FolderId(Uuid::from_u128(number)));
        let mut tree = Tree::default();
        for command in commands {
            for event in tree.clone().decide(command).unwrap_or_default() {
                let before: Vec<_> = all().map(|folder| tree.status(folder)).collect();
                tree = tree.evolve(&event);
                let differs = |(folder, before): (FolderId, _)| (tree.status(folder) != before).then_some(folder);
                let changed: BTreeSet<_> = all().zip(before).filter_map(differs).collect();
                let named: BTreeSet<_> = match &event {
                    FolderEvent::FolderCreated(FolderCreated { folder, .. }) => BTreeSet::from([*folder]),
                    FolderEvent::FolderTrashed(FolderTrashed { folder, along, .. })
                    | FolderEvent::FolderRestored(FolderRestored { folder, along, .. })
                    | FolderEvent::FolderPurged(FolderPurged { folder, along, .. }) => along.iter().copied().chain([*folder]).collect(),
                    // Of one that comes out of the trash with its move, the event after it tells.
                    FolderEvent::FolderMoved(_) | FolderEvent::FolderRenamed(_) => changed.clone(),
                };
                prop_assert!(changed.is_subset(&named), "{event:?} changed {changed:?}");
            }
        }
    }

    #[test]
    fn of_shares(history in vec(share_event(), 0..12), command in share_command()) {
        holds::<Share>(&history, &command)?;
    }

    #[test]
    fn no_share_is_downloaded_more_often_than_it_may_be(commands in vec(share_command(), 0..40), max in 0..4_u64) {
        let terms = Terms { max_downloads: Some(max), ..Terms::default() };
        let (owner, file) = (AccountId(Uuid::nil()), FileId(Uuid::nil()));
        let created = ShareCreated { owner, file, token_sha256: Sha256([9; 32]), terms };
        let mut share = Share::default().evolve(&ShareEvent::ShareCreated(created));
        for command in commands.into_iter().filter(|command| !matches!(command, ShareCommand::Change(_))) {
            share = share.decide(command).unwrap_or_default().iter().fold(share, Share::evolve);
        }
        prop_assert!(share.offered().is_some_and(|share| share.downloads <= max));
    }

    #[test]
    fn of_space(history in vec(space_event(), 0..12), command in space_command()) {
        holds::<Space>(&history, &command)?;
    }

    #[test]
    fn of_contents(history in vec(blob_event(), 0..12), command in blob_command()) {
        holds::<Blob>(&history, &command)?;
    }

    #[test]
    fn a_name_of_a_copy_never_comes_to_life_again(history in vec(blob_event(), 0..24)) {
        // What is dead after any first part of a history is not alive after any longer one.
        let sha256 = Sha256([1; 32]);
        let (mut blob, mut dead) = (Blob::default(), std::collections::BTreeSet::new());
        for event in &history {
            blob = blob.evolve(event);
            for store in ["local", "ceph", "oss"] {
                let alive = blob.key_in(store, sha256);
                prop_assert!(!dead.contains(&(store, alive)), "{alive} is alive again in {store}");
                dead.extend(blob.dead_keys_in(store, sha256).map(|key| (store, key)));
            }
        }
    }

    #[test]
    fn a_content_is_never_without_a_copy_that_was_not_deleted(history in vec(blob_command(), 0..24)) {
        let mut blob = Blob::default();
        for command in history {
            let damages = matches!(command, BlobCommand::FindDamaged { .. });
            let was_sound = blob.sound().next().is_some();
            let deletes = matches!(command, BlobCommand::Delete);
            blob = blob.decide(command).unwrap_or_default().iter().fold(blob, Blob::evolve);
            prop_assert!(!was_sound || damages || deletes || blob.sound().next().is_some());
        }
    }

    #[test]
    fn of_transfers(history in vec(transfer_event(), 0..12), command in transfer_command()) {
        holds::<Transfer>(&history, &command)?;
    }

    #[test]
    fn of_offline_downloads(history in vec(offline_event(), 0..12), command in offline_command()) {
        holds::<Offline>(&history, &command)?;
    }

    #[test]
    fn of_uploads(history in vec(upload_event(), 0..16), command in upload_command()) {
        holds::<Upload>(&history, &command)?;
        let upload: Upload = fold(&history);
        prop_assert_eq!(upload.received().is_empty() && upload.missing().is_empty(), upload.plan().is_none_or(|plan| plan.count() == 0));
    }

    #[test]
    fn chunks_commute(chunks in vec(chunk(), 0..8)) {
        // Different parts may be recorded in any order; only of one part the last counts.
        let mut distinct = chunks;
        distinct.sort_by_key(|chunk| chunk.offset);
        distinct.dedup_by_key(|chunk| chunk.offset);
        let whole = UploadStarted { size: u64::MAX, part_bytes: 1, ..example_start() };
        let fold_of = |chunks: &[ChunkReceived]| {
            let started = std::iter::once(UploadEvent::UploadStarted(whole.clone()));
            let events: Vec<_> = started.chain(chunks.iter().cloned().map(UploadEvent::ChunkReceived)).collect();
            fold::<Upload>(&events)
        };
        let forwards = fold_of(&distinct);
        distinct.reverse();
        prop_assert_eq!(forwards, fold_of(&distinct));
    }
}

fn example_start() -> UploadStarted {
    UploadStarted {
        owner: AccountId(Uuid::nil()),
        name: "a.bin".parse().expect("a name"),
        folder: None,
        content_type: "application/octet-stream".to_owned(),
        size: 1,
        part_bytes: 1,
        expected_sha256: None,
        expected_sha1: None,
        expires_at: Timestamp(0),
        replaces: None,
        offline: None,
    }
}
