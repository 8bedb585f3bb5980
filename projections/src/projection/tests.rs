use cairn_domain::account::*;
use cairn_domain::blob::*;
use cairn_domain::file::*;
use cairn_domain::transfer::*;
use cairn_domain::upload::*;
use cairn_domain::{AccountId, FileId, FolderId, SessionId, Sha1, Sha256, TransferId, UploadId};
use uuid::Uuid;

use super::files::{File as ContentRow, Files, UserFile};
use super::transfers::{TransferRow, TransferTotal, Transfers};
use super::uploads::{Upload, Uploads};
use super::usage::{Usage, UsageRow};
use super::users::{User, UserToken, Users};
use super::*;
use crate::statement::{Change, Value};
use crate::table::Columns;

const TIME: Timestamp = Timestamp(1_000);

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn key(n: u128) -> String {
    id(n).to_string()
}

/// The statements of an event that is the third of its stream and the 70th of the log.
fn project(projection: &dyn Projection, stream: &StreamName, event: impl Into<Event>) -> Vec<Statement> {
    let event = event.into();
    assert!(projection.events().contains(&event.name()), "{} would be passed over", event.name());
    projection.project(&event, envelope(stream)).expect("rows")
}

fn envelope(stream: &StreamName) -> Envelope<'_> {
    Envelope { stream, version: Version(2), position: Position(70), time: TIME }
}

fn account() -> StreamName {
    StreamName::account(AccountId(id(1)))
}

fn file() -> StreamName {
    StreamName::file(FileId(id(2)))
}

fn upload() -> StreamName {
    StreamName::upload(UploadId(id(3)))
}

/// The column of the row that is put.
fn put(statement: &Statement, column: impl Columns) -> &Value {
    let Change::Put(row) = &statement.change else { panic!("{statement:?} does not put") };
    &row[column.number() - 1]
}

fn added(size: u64) -> FileAdded {
    FileAdded {
        owner: AccountId(id(1)),
        name: "a.txt".parse().expect("a name"),
        folder: None,
        size,
        sha256: Sha256([0xab; 32]),
        sha1: Sha1([0xcd; 20]),
        content_type: "text/plain".to_owned(),
        origin: Origin::Instant,
        version_of: None,
    }
}

#[test]
fn an_account_is_a_row_with_its_canonical_name() {
    let registered = AccountRegistered {
        username: "Alice".parse().expect("a name"),
        password_hash: "secret".to_owned(),
        email: Some("a@example.org".parse().expect("an address")),
        phone: None,
    };
    let [row] = &project(&Users, &account(), AccountEvent::AccountRegistered(registered))[..] else { panic!("one row") };
    assert_eq!((row.table.name, row.key.as_str()), ("tbl_user", key(1).as_str()));
    assert_eq!(put(row, User::Username), &Value::from("Alice"));
    assert_eq!(put(row, User::UsernameCanonical), &Value::from("alice"));
    assert_eq!(put(row, User::Phone), &Value::Null);
    assert_eq!(put(row, User::SignupAt), &Value::Integer(1_000));
    assert_eq!(put(row, User::LastActiveAt), &Value::Null);
    let Change::Put(values) = &row.change else { panic!("put") };
    assert!(!values.contains(&Value::from("secret")), "no table holds a password");
}

#[test]
fn a_session_is_a_row_until_it_is_closed() {
    let session = SessionId(id(9));
    let opened = SessionOpened { session, token_sha256: Sha256([1; 32]), expires_at: Timestamp(5_000) };
    let [token, active] = &project(&Users, &account(), AccountEvent::SessionOpened(opened))[..] else { panic!("two changes") };
    assert_eq!(token.key, key(9));
    assert_eq!(put(token, UserToken::TokenSha256), &Value::from("01".repeat(32)));
    assert_eq!(put(token, UserToken::AccountId), &Value::from(key(1)));
    assert_eq!(active, &Statement::set(key(1), [(User::LastActiveAt, TIME.into())]));
    let closed = SessionClosed { session, reason: SessionEnd::SignedOut };
    let gone = project(&Users, &account(), AccountEvent::SessionClosed(closed));
    assert_eq!(gone, [Statement::remove::<UserToken>(key(9))]);
}

#[test]
fn roles_and_quota_change_the_account() {
    let granted = AccountEvent::RoleGranted(RoleGranted { role: Role::Admin });
    assert_eq!(project(&Users, &account(), granted), [Statement::set(key(1), [(User::IsAdmin, Value::Integer(1))])]);
    let revoked = AccountEvent::RoleRevoked(RoleRevoked { role: Role::Admin });
    assert_eq!(project(&Users, &account(), revoked), [Statement::set(key(1), [(User::IsAdmin, Value::Integer(0))])]);
    let unlimited = AccountEvent::QuotaChanged(QuotaChanged { quota_bytes: None });
    assert_eq!(project(&Users, &account(), unlimited), [Statement::set(key(1), [(User::QuotaBytes, Value::Null)])]);
}

#[test]
fn a_content_is_a_row_under_its_address() {
    let stored = || BlobEvent::BlobStored(BlobStored { size: 3, sha1: Sha1([2; 20]), store: "local".to_owned() });
    let [row] = &project(&Files, &StreamName::blob(Sha256([1; 32])), stored())[..] else { panic!("one row") };
    assert_eq!((row.table.name, row.key.as_str()), ("tbl_file", "01".repeat(32).as_str()));
    assert_eq!(put(row, ContentRow::FileAddr), &Value::from("local"));
    let stray = StreamName::try_from("blob-x".to_owned()).expect("a stream");
    assert_eq!(Files.project(&stored().into(), envelope(&stray)), Err(Unprojectable::Stream("x".to_owned())));
}

#[test]
fn a_content_that_moves_is_where_a_sound_copy_is() {
    let (blob, key, store) = (StreamName::blob(Sha256([1; 32])), "01".repeat(32), |store: &str| store.to_owned());
    let addressed = |event: BlobEvent, store: &'static str| {
        let values =
            [(ContentRow::FileAddr, store.into()), (ContentRow::Status, "stored".into()), (ContentRow::UpdateAt, TIME.into())];
        assert_eq!(project(&Files, &blob, event), [Statement::set(key.clone(), values)]);
    };
    addressed(BlobEvent::BlobRelocated(BlobRelocated { from: store("local"), to: store("far") }), "far");
    addressed(BlobEvent::BlobCopyRemoved(BlobCopyRemoved { store: store("local"), remains_in: store("far") }), "far");
    addressed(BlobEvent::BlobDamaged(BlobDamaged { store: store("far"), sound_in: Some(store("local")) }), "local");
    addressed(BlobEvent::BlobRepaired(BlobRepaired { store: store("far") }), "far");
}

#[test]
fn a_content_without_a_sound_copy_is_damaged_and_a_deleted_one_has_no_row() {
    let (blob, key) = (StreamName::blob(Sha256([1; 32])), "01".repeat(32));
    let lost = BlobEvent::BlobDamaged(BlobDamaged { store: "local".to_owned(), sound_in: None });
    let values = [(ContentRow::Status, "damaged".into()), (ContentRow::UpdateAt, TIME.into())];
    assert_eq!(project(&Files, &blob, lost), [Statement::set(key.clone(), values)]);
    let deleted = BlobEvent::BlobDeleted(BlobDeleted { stores: vec!["local".to_owned()] });
    assert_eq!(project(&Files, &blob, deleted), [Statement::remove::<ContentRow>(key)]);
}

#[test]
fn an_entry_is_a_row_that_counts_its_events() {
    let [row] = &project(&Files, &file(), FileEvent::FileAdded(added(3)))[..] else { panic!("one row") };
    assert_eq!((row.table.name, row.key.as_str()), ("tbl_user_file", key(2).as_str()));
    assert_eq!(put(row, UserFile::Version), &Value::Integer(3));
    assert_eq!(put(row, UserFile::AddedPosition), &Value::Integer(70));
    assert_eq!(put(row, UserFile::Status), &Value::from("active"));
    assert_eq!(put(row, UserFile::Sha1), &Value::from("cd".repeat(20)));
}

#[test]
fn every_change_of_an_entry_renews_its_version() {
    let changed = |event: FileEvent, change: &[(UserFile, Value)]| {
        let of_every = [(UserFile::Version, Value::Integer(3)), (UserFile::UpdatedAt, TIME.into())];
        assert_eq!(project(&Files, &file(), event), [Statement::set(key(2), change.iter().cloned().chain(of_every))]);
    };
    let renamed = FileRenamed { name: "ÜBUNG.md".parse().expect("a name") };
    let names = [(UserFile::Name, "ÜBUNG.md".into()), (UserFile::NameLower, "übung.md".into())];
    changed(FileEvent::FileRenamed(renamed), &names);
    changed(FileEvent::FileMoved(FileMoved { folder: None }), &[(UserFile::FolderId, Value::Null)]);
    changed(FileEvent::FileMoved(FileMoved { folder: Some(FolderId(id(8))) }), &[(UserFile::FolderId, key(8).into())]);
    changed(FileEvent::FileTrashed(FileTrashed {}), &[(UserFile::Status, "trashed".into())]);
    changed(FileEvent::FileRestored(FileRestored {}), &[(UserFile::Status, "active".into())]);
}

#[test]
fn what_is_purged_has_no_row_and_takes_no_room() {
    let purged = || FileEvent::FilePurged(FilePurged { owner: AccountId(id(1)), size: 3, sha256: Sha256([0; 32]) });
    assert_eq!(project(&Files, &file(), purged()), [Statement::remove::<UserFile>(key(2))]);
    let grown = |bytes, files| [Statement::add(key(1), [(UsageRow::UsedBytes, bytes), (UsageRow::Files, files)])];
    assert_eq!(project(&Usage, &file(), FileEvent::FileAdded(added(3))), grown(3, 1));
    assert_eq!(project(&Usage, &file(), purged()), grown(-3, -1));
}

#[test]
fn a_size_that_no_column_holds_is_said_so() {
    let event = Event::from(FileEvent::FileAdded(added(u64::MAX)));
    for projection in [&Files as &dyn Projection, &Usage] {
        let refused = projection.project(&event, envelope(&file()));
        assert_eq!(refused, Err(Unprojectable::TooLarge(crate::statement::value::TooLarge(u64::MAX))));
    }
}

fn started() -> UploadStarted {
    UploadStarted {
        owner: AccountId(id(1)),
        name: "a.txt".parse().expect("a name"),
        folder: None,
        content_type: "text/plain".to_owned(),
        size: 10,
        part_bytes: 4,
        expected_sha256: Some(Sha256([0xab; 32])),
        expected_sha1: None,
        expires_at: Timestamp(9_000),
        replaces: None,
    }
}

#[test]
fn an_upload_is_a_row_from_its_start_to_its_end() {
    let [row] = &project(&Uploads, &upload(), UploadEvent::UploadStarted(started()))[..] else { panic!("one row") };
    assert_eq!((row.table.name, row.key.as_str()), ("tbl_upload", key(3).as_str()));
    assert_eq!(put(row, Upload::State), &Value::from("open"));
    assert_eq!(put(row, Upload::ExpectedSha256), &Value::from("ab".repeat(32)));
    assert_eq!(put(row, Upload::ExpectedSha1), &Value::Null);
    assert_eq!(put(row, Upload::ExpiresAt), &Value::Integer(9_000));

    let chunk = ChunkReceived { offset: 0, length: 4, sha256: Sha256([0; 32]), expires_at: Timestamp(9_500) };
    let slid = [(Upload::ExpiresAt, Value::Integer(9_500)), (Upload::UpdatedAt, TIME.into())];
    assert_eq!(project(&Uploads, &upload(), UploadEvent::ChunkReceived(chunk)), [Statement::set(key(3), slid)]);
}

#[test]
fn an_upload_ends_in_one_of_four_ways() {
    let UploadStarted { owner, name, folder, content_type, size, .. } = started();
    let sha256 = Sha256([0; 32]);
    let merged =
        FileMerged { file: FileId(id(2)), owner, name, folder, content_type, size, sha256, sha1: Sha1([0; 20]), replaces: None };
    let rejected = UploadRejected { reason: RejectionReason::DigestMismatch, sha256 };
    let ends = [
        (UploadEvent::FileMerged(merged), "merged", Some(FileId(id(2)))),
        (UploadEvent::UploadCancelled(UploadCancelled {}), "cancelled", None),
        (UploadEvent::UploadExpired(UploadExpired {}), "expired", None),
        (UploadEvent::UploadRejected(rejected), "rejected", None),
    ];
    for (event, state, file) in ends {
        let end = [(Upload::State, state.into()), (Upload::FileId, file.into()), (Upload::UpdatedAt, TIME.into())];
        assert_eq!(project(&Uploads, &upload(), event), [Statement::set(key(3), end)]);
    }
}

fn transfer() -> StreamName {
    StreamName::transfer(TransferId(id(4)))
}

#[test]
fn a_transfer_is_a_row_and_is_counted_once() {
    let (from, to) = ("local".to_owned(), "far".to_owned());
    let requested = TransferRequested { sha256: Sha256([1; 32]), sha1: Sha1([2; 20]), size: 7, from, to, along_with: Vec::new() };
    let made = project(&Transfers, &transfer(), TransferEvent::TransferRequested(requested));
    let [row, counted] = &made[..] else { panic!("two changes") };
    assert_eq!((row.table.name, row.key.as_str()), ("tbl_transfer", key(4).as_str()));
    assert_eq!(put(row, TransferRow::Sha256), &Value::from("01".repeat(32)));
    assert_eq!((put(row, TransferRow::FromStore), put(row, TransferRow::ToStore)), (&"local".into(), &"far".into()));
    assert_eq!((put(row, TransferRow::State), put(row, TransferRow::Failures)), (&"requested".into(), &Value::Integer(0)));
    assert_eq!((put(row, TransferRow::Reason), put(row, TransferRow::Worker)), (&Value::Null, &Value::Null));
    assert_eq!(put(row, TransferRow::RequestedPosition), &Value::Integer(70));
    assert_eq!(counted, &Statement::add("ever", [(TransferTotal::Transfers, 1), (TransferTotal::Bytes, 7)]));
}

#[test]
fn a_transfer_goes_its_way_with_what_went_wrong_and_who_took_it() {
    let changed = |event: TransferEvent, state: &'static str, values: &[(TransferRow, Value)]| {
        let of_every = [(TransferRow::State, state.into()), (TransferRow::UpdatedAt, TIME.into())];
        assert_eq!(project(&Transfers, &transfer(), event), [Statement::set(key(4), values.iter().cloned().chain(of_every))]);
    };
    let told = |failures: i64, reason: Value| [(TransferRow::Failures, failures.into()), (TransferRow::Reason, reason)];
    let nobody = || (TransferRow::Worker, Value::Null);
    let reason = || "no answer".to_owned();
    let [failures, none] = told(0, Value::Null);
    let queued = TransferQueued { failures: 0, reason: None };
    changed(TransferEvent::TransferQueued(queued), "queued", &[failures.clone(), none.clone(), nobody()]);
    let [failed, why] = told(1, reason().into());
    let again = TransferQueued { failures: 1, reason: Some(reason()) };
    changed(TransferEvent::TransferQueued(again), "queued", &[failed, why, nobody()]);
    let started = TransferStarted { worker: "one".to_owned() };
    changed(TransferEvent::TransferStarted(started), "started", &[(TransferRow::Worker, "one".into())]);
    changed(
        TransferEvent::TransferStalled(TransferStalled { failures: 5, reason: reason() }),
        "stalled",
        &told(5, reason().into()),
    );
    changed(TransferEvent::TransferRetried(TransferRetried {}), "requested", &[failures, none, nobody()]);
    changed(TransferEvent::TransferCompleted(TransferCompleted {}), "completed", &[]);
    let abandoned = TransferAbandoned { reason: reason() };
    changed(TransferEvent::TransferAbandoned(abandoned), "abandoned", &[(TransferRow::Reason, reason().into())]);
}

#[test]
fn a_reason_is_as_long_as_its_column() {
    let stalled = TransferStalled { failures: 1, reason: "é".repeat(2_000) };
    let made = project(&Transfers, &transfer(), TransferEvent::TransferStalled(stalled));
    let Change::Set(values) = &made[0].change else { panic!("set") };
    assert!(values.contains(&(TransferRow::Reason.number(), "é".repeat(1_024).into())));
}

#[test]
fn projections_name_events_that_exist_and_tables_that_are_theirs() {
    let mut tables = std::collections::HashSet::new();
    for projection in projections() {
        for name in projection.events() {
            assert!(cairn_domain::event::CATALOGUE.iter().any(|entry| entry.1 == *name), "{name}");
        }
        for table in projection.tables() {
            assert!(tables.insert(table.name), "{} is written twice", table.name);
        }
    }
}

#[test]
fn the_sample_has_every_event_of_contents_and_transfers() {
    let seen: std::collections::HashSet<String> =
        crate::sample::Sample::events(1, 6_000).into_iter().map(|stored| stored.name).collect();
    for (category, name, _) in cairn_domain::event::CATALOGUE {
        assert!(!["blob", "transfer"].contains(category) || seen.contains(*name), "{name}");
    }
}

#[test]
fn a_projection_names_every_event_of_which_it_makes_rows() {
    for stored in crate::sample::Sample::events(1, 3_000) {
        let event = cairn_domain::codec::decode(&stored).expect("an event");
        for projection in projections() {
            let rows = projection.project(&event, envelope(&stored.stream)).expect("rows");
            assert!(rows.is_empty() || projection.events().contains(&event.name()), "{}", event.name());
            assert!(rows.iter().all(|row| projection.tables().contains(&row.table)), "{}", event.name());
        }
    }
}
