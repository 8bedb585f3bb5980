use uuid::Uuid;

use super::*;
use crate::decider::{fold, spec::given};
use crate::{FileId, Position, Timestamp};

fn id(number: u128) -> FileId {
    FileId(Uuid::from_u128(number))
}

fn wish(file: u128, bytes: u64, used: u64, seen: u64) -> Reserve {
    let (holder, seen, at) = (Holder::Command, Position(seen), Timestamp(1));
    Reserve { file: id(file), bytes, holder, quota: 10, used, seen, at }
}

fn reserve(file: u128, bytes: u64, used: u64, seen: u64) -> SpaceCommand {
    SpaceCommand::Reserve(wish(file, bytes, used, seen))
}

fn reserved(file: u128, bytes: u64, seen: u64) -> SpaceEvent {
    let Reserve { file, bytes, holder, seen, at, .. } = wish(file, bytes, 0, seen);
    SpaceEvent::SpaceReserved(SpaceReserved { file, bytes, holder, seen, at })
}

fn settled(file: u128, position: u64) -> SpaceEvent {
    let settled = vec![Settled { file: id(file), position: Position(position) }];
    SpaceEvent::SpaceFreed(SpaceFreed { settled, released: Vec::new() })
}

fn released(file: u128) -> SpaceEvent {
    SpaceEvent::SpaceFreed(SpaceFreed { settled: Vec::new(), released: vec![id(file)] })
}

#[test]
fn promises_and_what_is_there_stay_within_the_quota() {
    given::<Space>([]).when(reserve(1, 6, 4, 1)).then([reserved(1, 6, 1)]);
    given::<Space>([]).when(reserve(1, 7, 4, 1)).then_rejected(SpaceRejection::Over { free: 6 });
    given::<Space>([reserved(1, 4, 1)]).when(reserve(2, 3, 4, 1)).then_rejected(SpaceRejection::Over { free: 2 });
    given::<Space>([reserved(1, 4, 1), released(1)]).when(reserve(2, 6, 4, 1)).then([reserved(2, 6, 1)]);
}

#[test]
fn the_same_promise_is_made_once() {
    given::<Space>([reserved(1, 6, 1)]).when(reserve(1, 6, 4, 1)).then_nothing();
    given::<Space>([reserved(1, 6, 1)]).when(reserve(1, 9, 0, 1)).then([reserved(1, 9, 1)]);
    let holder = Holder::Upload(crate::UploadId(Uuid::from_u128(5)));
    let by_upload = SpaceEvent::SpaceReserved(SpaceReserved { file: id(1), bytes: 6, holder, seen: Position(1), at: Timestamp(1) });
    let command = SpaceCommand::Reserve(Reserve { holder, ..wish(1, 6, 4, 1) });
    given::<Space>([reserved(1, 6, 1)]).when(command).then([by_upload]);
}

#[test]
fn an_entry_that_has_come_counts_until_the_read_tables_count_it() {
    let history = || [reserved(1, 6, 1), settled(1, 5)];
    given::<Space>(history()).when(reserve(2, 5, 0, 4)).then_rejected(SpaceRejection::Over { free: 4 });
    given::<Space>(history()).when(reserve(2, 4, 6, 5)).then([reserved(2, 4, 5)]);
}

#[test]
fn who_has_counted_before_somebody_else_counts_again() {
    given::<Space>([reserved(1, 1, 7)]).when(reserve(2, 1, 0, 6)).then_rejected(SpaceRejection::Behind);
}

#[test]
fn only_open_promises_are_forgotten() {
    let free = |file| SpaceCommand::Free { settled: Vec::new(), released: vec![id(file)] };
    given::<Space>([reserved(1, 6, 1)]).when(free(1)).then([released(1)]);
    given::<Space>([reserved(1, 6, 1)]).when(free(2)).then_nothing();
    given::<Space>([reserved(1, 6, 1), released(1)]).when(free(1)).then_nothing();
}

#[test]
fn many_promises_are_looked_through_now_and_then() {
    let mut history: Vec<_> = (0..63).map(|number| reserved(number, 0, 1)).collect();
    assert!(!fold::<Space>(&history).is_untidy());
    history.push(reserved(63, 0, 1));
    assert!(fold::<Space>(&history).is_untidy());
    history.push(released(0));
    assert!(!fold::<Space>(&history).is_untidy());
}
