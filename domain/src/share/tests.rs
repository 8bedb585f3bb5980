use uuid::Uuid;

use super::*;
use crate::decider::{fold, spec::given};
use crate::{AccountId, DownloadId, FileId, Sha1, Sha256, Timestamp};

const NOW: Timestamp = Timestamp(1_000_000);

fn creation(terms: Terms) -> ShareCreated {
    let (owner, file) = (AccountId(Uuid::from_u128(1)), FileId(Uuid::from_u128(2)));
    ShareCreated { owner, file, token_sha256: Sha256([3; 32]), terms }
}

fn created(terms: Terms) -> ShareEvent {
    ShareEvent::ShareCreated(creation(terms))
}

fn at_most(downloads: u64) -> ShareEvent {
    created(Terms { max_downloads: Some(downloads), ..Terms::default() })
}

fn id(number: u128) -> DownloadId {
    DownloadId(Uuid::from_u128(number))
}

fn start(number: u128, visitor: &str) -> StartDownload {
    let (download, visitor, sha256) = (id(number), Visitor::Network(visitor.to_owned()), Sha256([4; 32]));
    StartDownload { download, visitor, sha256, at: NOW, in_part: false, broken: Vec::new(), sent: Vec::new() }
}

fn began(number: u128, visitor: &str) -> ShareEvent {
    let StartDownload { download, visitor, sha256, at, .. } = start(number, visitor);
    ShareEvent::ShareDownloaded(ShareDownloaded { download, visitor, sha256, at })
}

fn ended(number: u128) -> ShareEvent {
    ShareEvent::ShareDownloadEnded(ShareDownloadEnded { download: id(number) })
}

fn revoked() -> ShareEvent {
    ShareEvent::ShareRevoked(ShareRevoked {})
}

#[test]
fn a_share_is_made_once() {
    given::<Share>([]).when(ShareCommand::Create(creation(Terms::default()))).then([created(Terms::default())]);
    given::<Share>([created(Terms::default())]).when(ShareCommand::Create(creation(Terms::default()))).then_nothing();
    let other = ShareCreated { token_sha256: Sha256([9; 32]), ..creation(Terms::default()) };
    given::<Share>([created(Terms::default())]).when(ShareCommand::Create(other)).then_rejected(ShareRejection::AlreadyCreated);
}

#[test]
fn downloads_are_counted_when_they_begin() {
    let whole = || ShareCommand::Download(start(2, "a"));
    given::<Share>([at_most(2), began(1, "a")]).when(whole()).then([began(2, "a")]);
    given::<Share>([at_most(1), began(1, "a")]).when(whole()).then_rejected(ShareRejection::UsedUp);
    given::<Share>([at_most(1), began(1, "a"), ended(1)]).when(whole()).then_rejected(ShareRejection::UsedUp);
}

#[test]
fn parts_go_on_with_a_download_that_is_under_way() {
    let part = |visitor| ShareCommand::Download(StartDownload { in_part: true, ..start(2, visitor) });
    given::<Share>([at_most(1)]).when(part("a")).then([began(2, "a")]);
    given::<Share>([at_most(1), began(1, "a")]).when(part("a")).then_nothing();
    given::<Share>([at_most(1), began(1, "a")]).when(part("b")).then_rejected(ShareRejection::UsedUp);
    given::<Share>([at_most(1), began(1, "a"), ended(1)]).when(part("a")).then_rejected(ShareRejection::UsedUp);
    let late = StartDownload { in_part: true, at: NOW.plus_seconds(GOES_ON_SECONDS), ..start(2, "a") };
    given::<Share>([at_most(1), began(1, "a")]).when(ShareCommand::Download(late)).then_rejected(ShareRejection::UsedUp);
}

#[test]
fn what_broke_off_may_be_begun_again() {
    let again = |visitor| ShareCommand::Download(StartDownload { broken: vec![id(1)], ..start(2, visitor) });
    given::<Share>([at_most(1), began(1, "a")]).when(again("a")).then_nothing();
    given::<Share>([at_most(1), began(1, "a")]).when(again("b")).then_rejected(ShareRejection::UsedUp);
}

#[test]
fn nobody_goes_on_with_what_was_sent() {
    let part = StartDownload { in_part: true, sent: vec![id(1)], ..start(2, "a") };
    given::<Share>([at_most(1), began(1, "a")]).when(ShareCommand::Download(part.clone())).then_rejected(ShareRejection::UsedUp);
    given::<Share>([at_most(2), began(1, "a")]).when(ShareCommand::Download(part)).then([began(2, "a")]);
}

#[test]
fn a_download_ends_once() {
    given::<Share>([at_most(1), began(1, "a")]).when(ShareCommand::EndDownload(id(1))).then([ended(1)]);
    given::<Share>([at_most(1), began(1, "a"), ended(1)]).when(ShareCommand::EndDownload(id(1))).then_nothing();
}

#[test]
fn nothing_is_given_out_when_it_is_over() {
    let timed = created(Terms { expires_at: Some(NOW), ..Terms::default() });
    for over in [vec![timed, began(1, "a")], vec![at_most(9), began(1, "a"), revoked()]] {
        let part = StartDownload { in_part: true, ..start(2, "a") };
        given::<Share>(over.clone()).when(ShareCommand::Download(part)).then_rejected(ShareRejection::Over);
        given::<Share>(over).when(ShareCommand::Download(start(2, "a"))).then_rejected(ShareRejection::Over);
    }
}

#[test]
fn terms_change_only_when_they_differ_and_while_it_stands() {
    let change = |max| ShareCommand::Change(ChangeTerms { max_downloads: Some(max), ..ChangeTerms::default() });
    let changed = ShareEvent::ShareChanged(ShareChanged { terms: Terms::default() });
    given::<Share>([at_most(2)]).when(change(Some(2))).then_nothing();
    given::<Share>([at_most(2)]).when(change(None)).then([changed]);
    given::<Share>([at_most(2), revoked()]).when(change(None)).then_rejected(ShareRejection::Over);
}

#[test]
fn whoever_saves_it_twice_by_one_command_has_it_once() {
    let saved = ShareSaved {
        file: FileId(Uuid::from_u128(7)),
        account: AccountId(Uuid::from_u128(8)),
        name: "a.txt".parse().expect("a name"),
        folder: None,
        size: 3,
        sha256: Sha256([4; 32]),
        sha1: Sha1([5; 20]),
        content_type: "text/plain".to_owned(),
    };
    let event = ShareEvent::ShareSaved(saved.clone());
    let save = || ShareCommand::Save { saved: saved.clone(), at: NOW };
    given::<Share>([at_most(1)]).when(save()).then([event.clone()]);
    given::<Share>([at_most(1), event, revoked()]).when(save()).then_nothing();
    given::<Share>([at_most(1), revoked()]).when(save()).then_rejected(ShareRejection::Over);
    given::<Share>([at_most(0)]).when(save()).then_rejected(ShareRejection::UsedUp);
}

#[test]
fn a_share_stands_as_its_terms_and_its_life_say() {
    let standing = |events: &[ShareEvent]| fold::<Share>(events).offered().map(|share| share.standing(NOW));
    assert_eq!(standing(&[]), None);
    assert_eq!(standing(&[at_most(1)]), Some(Standing::Active));
    assert_eq!(standing(&[at_most(1), began(1, "a")]), Some(Standing::UsedUp));
    assert_eq!(standing(&[created(Terms { expires_at: Some(NOW), ..Terms::default() })]), Some(Standing::Expired));
    assert_eq!(standing(&[at_most(1), began(1, "a"), revoked()]), Some(Standing::Revoked));
}
