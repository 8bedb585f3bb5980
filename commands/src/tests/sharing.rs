use std::sync::Arc;

use cairn_domain::file::File;
use cairn_domain::share::Share;
use cairn_domain::{FileId, ShareId, StreamName};
use futures_util::FutureExt;

use super::stage::{Stage, keyed, stage, stage_with};
use crate::file::{delete, restore};
use crate::share::{
    ChangeShare, CreateShare, CreateShareError, Delivery, FindError, SaveError, SaveShare, ShareError, ShareToken, activity, begin,
    create, find, new_token, peek, revoke, save, update,
};
use crate::{Caller, Limits, Loaded, Request};

const BYTES: &[u8] = b"hello world";

fn wish(file: FileId) -> CreateShare {
    CreateShare { file, password: None, expires_at: None, max_downloads: None }
}

async fn put(stage: &Stage, caller: &Caller) -> FileId {
    let request = stage.request();
    super::stage::upload(&stage.drive, &request, caller, "a.txt", BYTES).await.expect("stored");
    request.new_file()
}

async fn shared(stage: &Stage, caller: &Caller, wish: CreateShare) -> ShareToken {
    let request = stage.request();
    let token = new_token(&stage.drive, &request, caller);
    create(&stage.drive, &request, caller, token, wish).await.expect("shared");
    token
}

async fn limited(stage: &Stage, caller: &Caller, downloads: u64) -> ShareToken {
    let file = put(stage, caller).await;
    shared(stage, caller, CreateShare { max_downloads: Some(downloads), ..wish(file) }).await
}

fn from(stage: &Stage, address: &str) -> Request {
    Request { client: Some(address.to_owned()), ..stage.request() }
}

async fn download(stage: &Stage, token: &ShareToken, address: &str, in_part: bool) -> Result<Delivery, FindError> {
    let grant = peek(&stage.drive, &from(stage, address), token, None).await?;
    begin(&stage.drive, grant, in_part, std::future::ready(true).boxed()).await
}

/// Sends so many bytes from the beginning, and ends.
fn send(delivery: Delivery, bytes: usize) {
    delivery.sent(0..bytes as u64);
    drop(delivery);
}

async fn downloads(stage: &Stage, id: ShareId) -> u64 {
    let share = stage.drive.journal.load::<Share>(&StreamName::share(id)).await.expect("loaded");
    share.state.offered().expect("a share").downloads
}

async fn save_it(stage: &Stage, caller: &Caller, token: ShareToken) -> Result<(FileId, Loaded<File>), SaveError> {
    save(&stage.drive, &stage.request(), caller, SaveShare { token, password: None, folder: None }).await
}

fn is_absent<T>(found: &Result<T, FindError>) -> bool {
    matches!(found, Err(FindError::Absent))
}

#[tokio::test]
async fn only_the_whole_token_opens_a_share() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let file = put(&stage, &alice).await;
    let token = shared(&stage, &alice, wish(file)).await;
    assert_eq!(find(&stage.drive, &token).await.expect("found").file_id(), file);
    let other = shared(&stage, &alice, wish(file)).await;
    let mixed: ShareToken = (token.to_string()[..32].to_owned() + &other.to_string()[32..]).parse().expect("a token");
    assert!(is_absent(&find(&stage.drive, &mixed).await));
}

#[tokio::test]
async fn a_keyed_request_makes_the_same_token_again_and_one_share() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let (file, request) = (put(&stage, &alice).await, keyed(&stage.request()));
    let token = new_token(&stage.drive, &request, &alice);
    for _ in 0..2 {
        let again = new_token(&stage.drive, &request, &alice);
        assert_eq!(again.to_string(), token.to_string());
        create(&stage.drive, &request, &alice, again, wish(file)).await.expect("shared");
    }
    assert_eq!(stage.names().await.iter().filter(|name| *name == "ShareCreated").count(), 1);
}

#[tokio::test]
async fn only_files_in_use_are_shared_and_only_by_their_owner() {
    let stage = stage_with(Limits { shares_max: 1, ..Limits::default() });
    let (alice, bob) = (stage.caller("alice").await, stage.caller("bob").await);
    let file = put(&stage, &alice).await;
    let try_it = async |caller: &Caller, wish: CreateShare| {
        let request = stage.request();
        let token = new_token(&stage.drive, &request, caller);
        create(&stage.drive, &request, caller, token, wish).await
    };
    assert!(matches!(try_it(&bob, wish(file)).await, Err(CreateShareError::NoSuchFile)));
    let over = CreateShare { expires_at: Some(stage.drive.ports().clock.now()), ..wish(file) };
    assert!(matches!(try_it(&alice, over).await, Err(CreateShareError::EndIsOver)));
    delete(&stage.drive, &stage.request(), &alice, file, false).await.expect("trashed");
    assert!(matches!(try_it(&alice, wish(file)).await, Err(CreateShareError::Trashed)));
    restore(&stage.drive, &stage.request(), &alice, file).await.expect("restored");
    let made = try_it(&alice, wish(file)).await.expect("shared");
    assert!(matches!(try_it(&alice, wish(file)).await, Err(CreateShareError::TooMany { limit: 1 })));
    revoke(&stage.drive, &stage.request(), &alice, made.id).await.expect("revoked");
    try_it(&alice, wish(file)).await.expect("shared");
}

#[tokio::test]
async fn a_share_leads_nowhere_while_its_file_is_in_the_trash() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let file = put(&stage, &alice).await;
    let token = shared(&stage, &alice, wish(file)).await;
    delete(&stage.drive, &stage.request(), &alice, file, false).await.expect("trashed");
    assert!(is_absent(&find(&stage.drive, &token).await));
    restore(&stage.drive, &stage.request(), &alice, file).await.expect("restored");
    find(&stage.drive, &token).await.expect("found");
    delete(&stage.drive, &stage.request(), &alice, file, true).await.expect("purged");
    assert!(is_absent(&find(&stage.drive, &token).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_as_many_downloads_begin_as_there_may_be() {
    let stage = Arc::new(stage());
    let alice = stage.caller("alice").await;
    let token = limited(&stage, &alice, 5).await;
    let attempts = (0..64).map(|number| {
        let stage = Arc::clone(&stage);
        tokio::spawn(async move { download(&stage, &token, &format!("192.0.2.{}", number % 3), false).await })
    });
    let mut began = Vec::new();
    for attempt in futures_util::future::join_all(attempts).await {
        match attempt.expect("no panic") {
            Ok(delivery) => began.push(delivery),
            Err(error) => assert!(matches!(error, FindError::Absent), "{error:?}"),
        }
    }
    assert_eq!((began.len(), downloads(&stage, token.share).await), (5, 5));
    assert!(is_absent(&find(&stage.drive, &token).await));
}

#[tokio::test]
async fn parts_and_what_broke_off_go_on_with_the_download_that_counted() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let token = limited(&stage, &alice, 1).await;
    // It breaks off, and its client comes again: in part, or from the beginning.
    send(download(&stage, &token, "192.0.2.1", false).await.expect("begun"), 3);
    send(download(&stage, &token, "192.0.2.1", true).await.expect("gone on"), 2);
    // However often it breaks off just before its end, it counts once.
    for _ in 0..3 {
        send(download(&stage, &token, "192.0.2.1", false).await.expect("begun again"), BYTES.len() - 1);
    }
    assert!(is_absent(&download(&stage, &token, "192.0.2.2", true).await));
    let again = download(&stage, &token, "192.0.2.1", false).await.expect("begun again");
    // While that is being sent nobody begins another.
    assert!(is_absent(&download(&stage, &token, "192.0.2.1", false).await));
    send(again, BYTES.len());
    stage.drive.drained().await;
    assert!(is_absent(&download(&stage, &token, "192.0.2.1", true).await));
    assert_eq!(downloads(&stage, token.share).await, 1);
    let events = stage.events().await;
    let (began, ended) =
        (events.iter().find(|event| event.name == "ShareDownloaded").expect("begun"), events.last().expect("ended"));
    assert_eq!((ended.name.as_str(), ended.metadata.causation), ("ShareDownloadEnded", Some(began.id)));
}

#[tokio::test]
async fn of_many_who_begin_again_what_broke_off_one_may() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let token = limited(&stage, &alice, 1).await;
    send(download(&stage, &token, "192.0.2.1", false).await.expect("begun"), 3);
    let again = futures_util::future::join_all((0..8).map(|_| download(&stage, &token, "192.0.2.1", false))).await;
    assert_eq!(again.iter().filter(|delivery| delivery.is_ok()).count(), 1);
}

#[tokio::test]
async fn passwords_that_are_right_do_not_count_while_they_are_looked_at() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let file = put(&stage, &alice).await;
    let token = shared(&stage, &alice, CreateShare { password: Some("between us".parse().expect("one")), ..wish(file) }).await;
    let knocks = (0..20).map(|_| async {
        let request = from(&stage, "192.0.2.1");
        peek(&stage.drive, &request, &token, Some("between us")).await
    });
    assert!(futures_util::future::join_all(knocks).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn passwords_are_tried_five_times_in_a_quarter_of_an_hour() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let file = put(&stage, &alice).await;
    let token = shared(&stage, &alice, CreateShare { password: Some("between us".parse().expect("one")), ..wish(file) }).await;
    let knock = async |address: &str, password: Option<&str>| {
        peek(&stage.drive, &from(&stage, address), &token, password).await.map(|_| ())
    };
    assert!(matches!(knock("192.0.2.1", None).await, Err(FindError::PasswordRequired)));
    for _ in 0..5 {
        knock("192.0.2.1", Some("between us")).await.expect("let in");
        assert!(matches!(knock("192.0.2.1", Some("guess")).await, Err(FindError::PasswordRequired)));
    }
    let wait = knock("192.0.2.1", Some("between us")).await;
    assert!(matches!(wait, Err(FindError::TooManyAttempts { wait_seconds: 900 })), "{wait:?}");
    knock("192.0.2.2", Some("between us")).await.expect("let in from elsewhere");
    stage.clock.advance_seconds(900);
    knock("192.0.2.1", Some("between us")).await.expect("let in again");
}

#[tokio::test]
async fn terms_can_be_changed_until_the_share_is_revoked() {
    let stage = stage();
    let (alice, bob) = (stage.caller("alice").await, stage.caller("bob").await);
    let token = limited(&stage, &alice, 1).await;
    send(download(&stage, &token, "192.0.2.1", false).await.expect("begun"), BYTES.len());
    let more = || ChangeShare { id: token.share, password: None, expires_at: None, max_downloads: Some(Some(2)) };
    let theirs = update(&stage.drive, &stage.request(), &bob, more()).await;
    assert!(matches!(theirs, Err(ShareError::Absent)), "{theirs:?}");
    update(&stage.drive, &stage.request(), &alice, more()).await.expect("changed");
    drop(download(&stage, &token, "192.0.2.1", false).await.expect("begun"));
    revoke(&stage.drive, &stage.request(), &alice, token.share).await.expect("revoked");
    revoke(&stage.drive, &stage.request(), &alice, token.share).await.expect("revoked again");
    assert!(is_absent(&download(&stage, &token, "192.0.2.1", true).await));
    let late = update(&stage.drive, &stage.request(), &alice, more()).await;
    assert!(matches!(late, Err(ShareError::Revoked)), "{late:?}");
}

#[tokio::test]
async fn what_was_saved_stays_when_the_share_and_the_file_are_gone() {
    let stage = stage();
    let (alice, bob) = (stage.caller("alice").await, stage.caller("bob").await);
    let file = put(&stage, &alice).await;
    let token = shared(&stage, &alice, wish(file)).await;
    let (theirs, saved) = save_it(&stage, &bob, token).await.expect("saved");
    let entry = saved.state.entry().expect("an entry");
    assert_eq!((entry.name.as_str(), entry.added.owner), ("a.txt", bob.account));
    delete(&stage.drive, &stage.request(), &alice, file, true).await.expect("purged");
    revoke(&stage.drive, &stage.request(), &alice, token.share).await.expect("revoked");
    assert!(matches!(save_it(&stage, &bob, token).await, Err(SaveError::Find(FindError::Absent))));
    let kept = crate::file::load(&stage.drive, theirs).await.expect("loaded");
    assert!(kept.state.entry().is_some());
    let seen = activity(&stage.drive, &alice, token.share, None, 10).await.expect("seen");
    let names: Vec<_> = seen.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["ShareCreated", "ShareSaved", "ShareRevoked"]);
    assert!(matches!(activity(&stage.drive, &bob, token.share, None, 10).await, Err(ShareError::Absent)));
}
