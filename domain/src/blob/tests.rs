use uuid::Uuid;

use super::*;
use crate::Sha1;
use crate::decider::spec::given;

fn stored() -> BlobStored {
    BlobStored { size: 3, sha1: Sha1([1; 20]), store: "local".to_owned() }
}

fn file(n: u128) -> FileId {
    FileId(Uuid::from_u128(n))
}

fn referenced(n: u128) -> BlobEvent {
    BlobEvent::BlobReferenced(BlobReferenced { file: file(n) })
}

#[test]
fn new_bytes_are_stored_and_referred_to() {
    given::<Blob>([]).when(BlobCommand::StoreFor(stored(), file(1))).then([BlobEvent::BlobStored(stored()), referenced(1)]);
}

#[test]
fn known_bytes_are_stored_once() {
    given::<Blob>([BlobEvent::BlobStored(stored())]).when(BlobCommand::StoreFor(stored(), file(2))).then([referenced(2)]);
}

#[test]
fn nothing_can_refer_to_bytes_that_are_not_there() {
    given::<Blob>([]).when(BlobCommand::ReferTo(file(1))).then_rejected(BlobRejection::NotStored);
    given::<Blob>([BlobEvent::BlobStored(stored())]).when(BlobCommand::ReferTo(file(1))).then([referenced(1)]);
}
