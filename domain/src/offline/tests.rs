use super::*;
use crate::decider::spec::given;
use crate::{AccountId, FileId, Timestamp, UploadId};
use uuid::Uuid;

fn request() -> OfflineRequested {
    OfflineRequested {
        owner: AccountId(Uuid::nil()),
        url: "https://example.org/a.iso".parse().expect("a URL"),
        name: None,
        folder: None,
        expected_sha256: None,
    }
}

fn requested() -> OfflineEvent {
    OfflineEvent::OfflineRequested(request())
}

fn started(attempt: u32) -> OfflineEvent {
    OfflineEvent::OfflineStarted(OfflineStarted { worker: "one".to_owned(), attempt, deadline: Timestamp(100) })
}

fn found(upload: u128) -> OfflineFound {
    let name = "a.iso".parse().expect("a name");
    OfflineFound { upload: UploadId(Uuid::from_u128(upload)), name, content_type: None, size: Some(9), validator: None }
}

fn progressed(received_bytes: u64, at: i64) -> OfflineEvent {
    OfflineEvent::OfflineProgressed(OfflineProgressed { received_bytes, at: Timestamp(at) })
}

fn completed() -> OfflineEvent {
    OfflineEvent::OfflineCompleted(OfflineCompleted { file: FileId(Uuid::nil()), size: 9 })
}

fn failed() -> OfflineEvent {
    OfflineEvent::OfflineFailed(OfflineFailed { reason: FailureReason::TooLarge, detail: None })
}

fn cancelled() -> OfflineEvent {
    OfflineEvent::OfflineCancelled(OfflineCancelled {})
}

fn start(times_started: u32) -> OfflineCommand {
    OfflineCommand::Start { worker: "one".to_owned(), times_started, deadline: Timestamp(100) }
}

fn progress(start: u32, received_bytes: u64, at: i64) -> OfflineCommand {
    OfflineCommand::Progress { start, received_bytes, at: Timestamp(at) }
}

fn complete() -> OfflineCommand {
    OfflineCommand::Complete { file: FileId(Uuid::nil()), size: 9 }
}

fn fail(start: u32) -> OfflineCommand {
    OfflineCommand::Fail { start, reason: FailureReason::TooLarge, detail: None }
}

#[test]
fn it_goes_from_request_to_worker_to_end() {
    given::<Offline>([]).when(OfflineCommand::Request(request())).then([requested()]);
    given::<Offline>([requested()]).when(start(0)).then([started(1)]);
    let find = |start, found| OfflineCommand::Find { start, found };
    given::<Offline>([requested(), started(1)]).when(find(1, found(1))).then([OfflineEvent::OfflineFound(found(1))]);
    given::<Offline>([requested(), started(1)]).when(progress(1, 5, 10)).then([progressed(5, 10)]);
    given::<Offline>([requested(), started(1)]).when(complete()).then([completed()]);
    given::<Offline>([requested(), started(1)]).when(fail(1)).then([failed()]);
}

#[test]
fn it_is_asked_for_once() {
    given::<Offline>([requested()]).when(OfflineCommand::Request(request())).then_nothing();
    let other = OfflineRequested { url: "https://example.org/b".parse().expect("a URL"), ..request() };
    given::<Offline>([requested()]).when(OfflineCommand::Request(other)).then_rejected(OfflineRejection::AlreadyRequested);
}

#[test]
fn of_two_workers_that_looked_at_once_one_gets_it() {
    given::<Offline>([requested(), started(1)]).when(start(0)).then_rejected(OfflineRejection::Taken);
}

#[test]
fn a_worker_that_was_given_up_is_not_heard_any_more() {
    let taken_over = || given::<Offline>([requested(), started(1), started(2)]);
    taken_over().when(progress(1, 5, 10)).then_rejected(OfflineRejection::Taken);
    taken_over().when(fail(1)).then_rejected(OfflineRejection::Taken);
    taken_over().when(OfflineCommand::Find { start: 1, found: found(1) }).then_rejected(OfflineRejection::Taken);
    taken_over().when(progress(2, 5, 10)).then([progressed(5, 10)]);
}

#[test]
fn starts_are_counted_until_it_comes_further_than_ever() {
    given::<Offline>([requested(), started(1)]).when(start(1)).then([started(2)]);
    given::<Offline>([requested(), started(3), progressed(5, 10)]).when(start(1)).then([started(2)]);
    given::<Offline>([requested(), started(1), progressed(5, 10), started(2), progressed(5, 20)]).when(start(2)).then([started(3)]);
}

#[test]
fn the_first_start_says_when_it_shall_be_there() {
    let later = OfflineCommand::Start { worker: "one".to_owned(), times_started: 1, deadline: Timestamp(900) };
    given::<Offline>([requested(), started(1)]).when(later).then([started(2)]);
}

#[test]
fn what_the_source_says_again_is_no_news() {
    let again = OfflineCommand::Find { start: 1, found: found(1) };
    given::<Offline>([requested(), started(1), OfflineEvent::OfflineFound(found(1))]).when(again).then_nothing();
    let other = OfflineCommand::Find { start: 1, found: found(2) };
    given::<Offline>([requested(), started(1), OfflineEvent::OfflineFound(found(1))])
        .when(other)
        .then([OfflineEvent::OfflineFound(found(2))]);
}

#[test]
fn it_is_given_up_as_long_as_it_has_not_ended() {
    given::<Offline>([requested()]).when(OfflineCommand::Cancel).then([cancelled()]);
    given::<Offline>([requested(), started(1)]).when(OfflineCommand::Cancel).then([cancelled()]);
    for end in [cancelled(), failed(), completed()] {
        given::<Offline>([requested(), started(1), end.clone()]).when(OfflineCommand::Cancel).then_nothing();
        given::<Offline>([requested(), started(1), end]).when(start(1)).then_rejected(OfflineRejection::Ended);
    }
}

#[test]
fn a_file_that_is_there_is_there_whatever_was_said_before() {
    for end in [cancelled(), failed()] {
        given::<Offline>([requested(), started(1), end]).when(complete()).then([completed()]);
    }
    given::<Offline>([requested(), completed()]).when(complete()).then_nothing();
}

#[test]
fn nothing_happens_to_what_was_never_asked_for() {
    for command in [start(0), progress(1, 0, 0), complete(), fail(1), OfflineCommand::Cancel] {
        given::<Offline>([]).when(command).then_rejected(OfflineRejection::Absent);
    }
}

#[test]
fn a_source_is_an_address_of_the_web_without_a_password() {
    for good in ["http://example.org", "https://example.org:8443/a/b.iso?x=y@z", "http://[2001:db8::1]/"] {
        assert!(good.parse::<SourceUrl>().is_ok(), "{good}");
    }
    let long = format!("http://example.org/{}", "a".repeat(SOURCE_URL_BYTES_MAX));
    for bad in [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http:///a",
        "http://u:p@example.org/",
        "http://a\\@b/",
        "http://a b/",
        "http://é/",
        &long,
    ] {
        assert!(bad.parse::<SourceUrl>().is_err(), "{bad}");
    }
}

#[test]
fn the_last_segment_of_a_path_may_name_a_file() {
    let segment = |text: &str| text.parse::<SourceUrl>().expect("a URL").last_segment().to_owned();
    assert_eq!(segment("http://example.org/a/b%20c.iso?d/e#f/g"), "b%20c.iso");
    assert_eq!(segment("http://example.org/a/"), "");
    assert_eq!(segment("http://example.org?x"), "");
}

#[test]
fn a_reason_is_called_the_same_everywhere() {
    use FailureReason as R;
    let all =
        [R::UrlRefused, R::TooManyRedirects, R::SourceRefused, R::SourceUnavailable, R::TooLarge, R::DigestMismatch, R::TimedOut];
    for reason in all.into_iter().chain([R::StorageFull, R::QuotaExceeded]) {
        assert_eq!(serde_json::to_value(reason).expect("JSON"), reason.code());
    }
}
