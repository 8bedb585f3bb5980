use super::*;
use crate::decider::spec::given;
use crate::{Sha1, Sha256};

fn request() -> TransferRequested {
    TransferRequested {
        sha256: Sha256([1; 32]),
        sha1: Sha1([1; 20]),
        size: 3,
        from: "local".to_owned(),
        to: "oss".to_owned(),
        along_with: Vec::new(),
    }
}

fn requested() -> TransferEvent {
    TransferEvent::TransferRequested(request())
}

fn queued(failures: u32, reason: Option<&str>) -> TransferEvent {
    TransferEvent::TransferQueued(TransferQueued { failures, reason: reason.map(str::to_owned) })
}

fn started() -> TransferEvent {
    TransferEvent::TransferStarted(TransferStarted { worker: "one".to_owned() })
}

fn stalled(failures: u32) -> TransferEvent {
    TransferEvent::TransferStalled(TransferStalled { failures, reason: "no answer".to_owned() })
}

fn completed() -> TransferEvent {
    TransferEvent::TransferCompleted(TransferCompleted {})
}

fn abandoned() -> TransferEvent {
    TransferEvent::TransferAbandoned(TransferAbandoned { reason: "not wanted".to_owned() })
}

fn start() -> TransferCommand {
    TransferCommand::Start { worker: "one".to_owned() }
}

fn fail(failures_max: u32) -> TransferCommand {
    TransferCommand::Fail { reason: "no answer".to_owned(), failures_max }
}

fn abandon() -> TransferCommand {
    TransferCommand::Abandon { reason: "not wanted".to_owned() }
}

#[test]
fn it_is_asked_for_once_however_often_the_saga_sees_its_cause() {
    given::<Transfer>([]).when(TransferCommand::Request(request())).then([requested()]);
    let later = TransferRequested { along_with: vec!["ceph".to_owned()], ..request() };
    given::<Transfer>([requested()]).when(TransferCommand::Request(later)).then_nothing();
    let other = TransferRequested { to: "ceph".to_owned(), ..request() };
    given::<Transfer>([requested()]).when(TransferCommand::Request(other)).then_rejected(TransferRejection::AlreadyRequested);
}

#[test]
fn it_goes_from_request_to_queue_to_worker_to_end() {
    given::<Transfer>([requested()]).when(TransferCommand::Queue).then([queued(0, None)]);
    given::<Transfer>([requested(), queued(0, None)]).when(TransferCommand::Queue).then_nothing();
    given::<Transfer>([requested(), queued(0, None)]).when(start()).then([started()]);
    given::<Transfer>([requested(), queued(0, None), started()]).when(start()).then_nothing();
    given::<Transfer>([requested(), queued(0, None), started()]).when(TransferCommand::Complete).then([completed()]);
}

#[test]
fn a_worker_may_be_faster_than_whoever_notes_that_the_task_is_in_the_queue() {
    given::<Transfer>([requested()]).when(start()).then([started()]);
    given::<Transfer>([requested(), started()]).when(TransferCommand::Queue).then_nothing();
    given::<Transfer>([requested(), started(), completed()])
        .when(TransferCommand::Queue)
        .then_rejected(TransferRejection::Completed);
}

#[test]
fn what_nothing_was_heard_of_is_put_into_the_queue_again() {
    let again = || TransferCommand::QueueAgain { times_queued: 1 };
    given::<Transfer>([requested(), queued(1, None)]).when(again()).then([queued(1, None)]);
    given::<Transfer>([requested(), queued(0, None), started()]).when(again()).then([queued(0, None)]);
    given::<Transfer>([requested(), queued(0, None), queued(0, None)]).when(again()).then_nothing();
    given::<Transfer>([requested(), queued(0, None), started(), stalled(2)])
        .when(again())
        .then_rejected(TransferRejection::Stalled);
}

#[test]
fn a_failure_puts_it_back_into_the_queue_until_it_has_failed_too_often() {
    given::<Transfer>([requested(), started()]).when(fail(2)).then([queued(1, Some("no answer"))]);
    given::<Transfer>([requested(), started(), queued(1, Some("no answer"))]).when(fail(2)).then_nothing();
    given::<Transfer>([requested(), started(), queued(1, Some("no answer")), started()]).when(fail(2)).then([stalled(2)]);
}

#[test]
fn what_is_stalled_rests_until_somebody_has_looked_at_it() {
    let history = [requested(), started(), stalled(2)];
    given::<Transfer>(history.clone()).when(start()).then_rejected(TransferRejection::Stalled);
    given::<Transfer>(history.clone()).when(fail(2)).then_rejected(TransferRejection::Stalled);
    given::<Transfer>(history.clone()).when(TransferCommand::Retry).then([TransferEvent::TransferRetried(TransferRetried {})]);
    let [one, two, three] = history;
    given::<Transfer>([one, two, three, TransferEvent::TransferRetried(TransferRetried {})])
        .when(TransferCommand::Queue)
        .then([queued(0, None)]);
    given::<Transfer>([requested(), started()]).when(TransferCommand::Retry).then_nothing();
}

#[test]
fn what_is_done_is_done_also_after_somebody_has_called_it_stalled() {
    given::<Transfer>([requested(), started(), stalled(2)]).when(TransferCommand::Complete).then([completed()]);
    given::<Transfer>([requested(), started(), completed()]).when(TransferCommand::Complete).then_nothing();
    given::<Transfer>([requested(), started(), completed()]).when(abandon()).then_rejected(TransferRejection::Completed);
}

#[test]
fn it_can_be_given_up_until_it_is_done() {
    given::<Transfer>([requested()]).when(abandon()).then([abandoned()]);
    given::<Transfer>([requested(), started(), stalled(2)]).when(abandon()).then([abandoned()]);
    given::<Transfer>([requested(), abandoned()]).when(abandon()).then_nothing();
    given::<Transfer>([requested(), abandoned()]).when(start()).then_rejected(TransferRejection::Abandoned);
    given::<Transfer>([requested(), abandoned()]).when(TransferCommand::Complete).then_rejected(TransferRejection::Abandoned);
}

#[test]
fn nothing_happens_to_what_was_never_asked_for() {
    for command in [TransferCommand::Queue, start(), fail(1), TransferCommand::Complete, TransferCommand::Retry, abandon()] {
        given::<Transfer>([]).when(command).then_rejected(TransferRejection::Absent);
    }
}
