use uuid::Uuid;

use super::*;
use crate::decider::{fold, spec::given};
use crate::{FileId, Sha1, Sha256};

fn stored_in(store: &str) -> BlobStored {
    BlobStored { size: 3, sha1: Sha1([1; 20]), store: store.to_owned() }
}

fn stored() -> BlobEvent {
    BlobEvent::BlobStored(stored_in("local"))
}

fn file(n: u128) -> FileId {
    FileId(Uuid::from_u128(n))
}

fn referenced(n: u128) -> BlobEvent {
    BlobEvent::BlobReferenced(BlobReferenced { file: file(n) })
}

fn relocated(from: &str, to: &str) -> BlobEvent {
    BlobEvent::BlobRelocated(BlobRelocated { from: from.to_owned(), to: to.to_owned() })
}

fn removed(store: &str, remains_in: &str) -> BlobEvent {
    BlobEvent::BlobCopyRemoved(BlobCopyRemoved { store: store.to_owned(), remains_in: remains_in.to_owned() })
}

fn damaged(store: &str, sound_in: Option<&str>) -> BlobEvent {
    BlobEvent::BlobDamaged(BlobDamaged { store: store.to_owned(), sound_in: sound_in.map(str::to_owned) })
}

fn repaired(store: &str) -> BlobEvent {
    BlobEvent::BlobRepaired(BlobRepaired { store: store.to_owned() })
}

fn deleted(stores: &[&str]) -> BlobEvent {
    BlobEvent::BlobDeleted(BlobDeleted { stores: stores.iter().map(|store| (*store).to_owned()).collect() })
}

fn relocate(from: &str, to: &str) -> BlobCommand {
    BlobCommand::Relocate { from: from.to_owned(), to: to.to_owned() }
}

fn remove(store: &str) -> BlobCommand {
    BlobCommand::RemoveCopy { store: store.to_owned() }
}

#[test]
fn new_bytes_are_stored_and_referred_to() {
    given::<Blob>([]).when(BlobCommand::StoreFor(stored_in("local"), file(1))).then([stored(), referenced(1)]);
}

#[test]
fn known_bytes_are_stored_once_wherever_they_are_by_now() {
    given::<Blob>([stored()]).when(BlobCommand::StoreFor(stored_in("local"), file(2))).then([referenced(2)]);
    given::<Blob>([stored(), relocated("local", "oss"), removed("local", "oss")])
        .when(BlobCommand::StoreFor(stored_in("local"), file(2)))
        .then([referenced(2)]);
}

#[test]
fn bytes_that_come_again_heal_a_content_of_which_no_sound_copy_is_left() {
    given::<Blob>([stored(), damaged("local", None)])
        .when(BlobCommand::StoreFor(stored_in("local"), file(2)))
        .then([stored(), referenced(2)]);
    let state: Blob = fold(&[stored(), damaged("local", None), stored()]);
    assert_eq!(state.health_in("local"), Some(Health::Sound));
}

#[test]
fn nothing_can_refer_to_bytes_that_are_not_there() {
    given::<Blob>([]).when(BlobCommand::ReferTo(file(1))).then_rejected(BlobRejection::NotStored);
    given::<Blob>([stored(), deleted(&["local"])]).when(BlobCommand::ReferTo(file(1))).then_rejected(BlobRejection::NotStored);
    given::<Blob>([stored(), damaged("local", None)]).when(BlobCommand::ReferTo(file(1))).then_rejected(BlobRejection::NotStored);
    given::<Blob>([stored()]).when(BlobCommand::ReferTo(file(1))).then([referenced(1)]);
}

#[test]
fn a_verified_copy_is_recorded_once() {
    given::<Blob>([stored()]).when(relocate("local", "oss")).then([relocated("local", "oss")]);
    given::<Blob>([stored(), relocated("local", "oss")]).when(relocate("local", "oss")).then_nothing();
    given::<Blob>([]).when(relocate("local", "oss")).then_rejected(BlobRejection::NotStored);
}

#[test]
fn the_last_sound_copy_never_goes() {
    given::<Blob>([stored()]).when(remove("local")).then_rejected(BlobRejection::LastCopy);
    let both = [stored(), relocated("local", "oss")];
    given::<Blob>(both.clone()).when(remove("local")).then([removed("local", "oss")]);
    let [stored, relocated] = both;
    given::<Blob>([stored.clone(), relocated.clone(), damaged("oss", Some("local"))])
        .when(remove("local"))
        .then_rejected(BlobRejection::LastCopy);
    given::<Blob>([stored, relocated, removed("local", "oss")]).when(remove("local")).then_nothing();
}

#[test]
fn damage_is_recorded_once_and_tells_where_a_sound_copy_is() {
    let find = || BlobCommand::FindDamaged { store: "local".to_owned() };
    given::<Blob>([stored()]).when(find()).then([damaged("local", None)]);
    given::<Blob>([stored(), relocated("local", "oss")]).when(find()).then([damaged("local", Some("oss"))]);
    given::<Blob>([stored(), damaged("local", None)]).when(find()).then_nothing();
    given::<Blob>([]).when(find()).then_rejected(BlobRejection::NoSuchCopy);
}

#[test]
fn only_what_is_damaged_is_repaired() {
    let repair = || BlobCommand::Repair { store: "local".to_owned() };
    given::<Blob>([stored()]).when(repair()).then_nothing();
    given::<Blob>([stored(), damaged("local", None)]).when(repair()).then([repaired("local")]);
    given::<Blob>([stored(), damaged("local", None), repaired("local")]).when(repair()).then_nothing();
}

#[test]
fn a_deleted_content_is_gone_everywhere_and_can_be_stored_again() {
    let both = [stored(), relocated("local", "oss")];
    given::<Blob>(both.clone()).when(BlobCommand::Delete).then([deleted(&["local", "oss"])]);
    let [one, two] = both;
    let gone = [one, two, deleted(&["local", "oss"])];
    given::<Blob>(gone.clone()).when(BlobCommand::Delete).then_nothing();
    given::<Blob>(gone).when(BlobCommand::StoreFor(stored_in("local"), file(1))).then([stored(), referenced(1)]);
}

#[test]
fn a_name_that_was_declared_dead_never_comes_to_life_again() {
    let sha256 = Sha256([7; 32]);
    let moved_there_and_back =
        [stored(), relocated("local", "oss"), removed("local", "oss"), relocated("oss", "local"), removed("oss", "local")];
    let state: Blob = fold(&moved_there_and_back);
    assert_eq!(state.key_in("local", sha256), BlobKey { sha256, generation: 1 });
    assert_eq!(state.key_in("oss", sha256), BlobKey { sha256, generation: 1 });
    assert_eq!(state.key_in("ceph", sha256), BlobKey::first(sha256));
    assert_eq!(state.dead_keys_in("local", sha256).collect::<Vec<_>>(), [BlobKey::first(sha256)]);
    let state = [deleted(&["local"]), stored()].iter().fold(state, crate::Decider::evolve);
    assert_eq!(state.key_in("local", sha256), BlobKey { sha256, generation: 2 });
}
