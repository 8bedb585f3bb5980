use cairn_domain::username::{ClaimedUsername, UsernameClaimed, UsernameEvent};
use cairn_domain::{AccountId, StreamName};

use super::stage::{caller_of, keyed, password, sign_in_wish, sign_up_wish, stage, stage_with};
use crate::account::{
    ChangePassword, ChangePasswordError, Password, SignInError, SignUpError, change_password, find_account, sign_in, sign_out,
    sign_up,
};
use crate::journal::Start;
use crate::ports::attempts::AttemptPolicy;
use crate::{Limits, Loaded, Trouble};

#[tokio::test]
async fn a_sign_up_claims_the_name_and_makes_the_account() {
    let stage = stage();
    let signed_up = stage.sign_up("alice").await;
    assert_eq!(stage.names().await, ["UsernameClaimed", "AccountRegistered"]);
    assert_eq!(signed_up.position.0, 2);
    let events = stage.events().await;
    assert_eq!(events[1].metadata.causation, Some(events[0].id));
    assert_eq!(events[1].stream.as_str(), format!("account-{}", signed_up.id));
}

#[tokio::test]
async fn a_name_in_another_case_or_form_is_taken() {
    let stage = stage();
    stage.sign_up("Zoë").await;
    for name in ["zoë", "ZOË", "zoe\u{308}"] {
        let refused = sign_up(&stage.drive, &stage.request(), sign_up_wish(name)).await;
        assert!(matches!(refused, Err(SignUpError::UsernameTaken)), "{name}");
    }
}

#[tokio::test]
async fn names_that_differ_in_case_alone_are_one_where_lower_case_does_not_show_it() {
    let stage = stage();
    for (name, others) in [("straße", ["STRASSE", "strasse"]), ("σοφος", ["σοφοσ", "ΣΟΦΟΣ"])] {
        let id = stage.sign_up(name).await.id;
        for other in others {
            let refused = sign_up(&stage.drive, &stage.request(), sign_up_wish(other)).await;
            assert!(matches!(refused, Err(SignUpError::UsernameTaken)), "{other}");
            assert_eq!(stage.sign_in(other).await.account, id);
        }
    }
}

/// Its claim stands on the stream of its lower case.
#[tokio::test]
async fn an_account_of_an_earlier_version_keeps_its_name() {
    let stage = stage();
    let account = AccountId(uuid::Uuid::from_u128(7));
    let password_hash = stage.drive.ports().passwords.hash("correct horse".to_owned(), [7; 32]).await.expect("hashed");
    let username = "Straße".parse().expect("a name");
    let claim = UsernameClaimed { account, username, password_hash, email: None, phone: None };
    let stream = StreamName::try_from("username-straße".to_owned()).expect("a stream");
    let decide = |_: &Loaded<ClaimedUsername>| Ok::<_, Trouble>(vec![UsernameEvent::UsernameClaimed(claim.clone())]);
    stage.drive.journal().execute(&stream, Start::Load, &stage.request(), decide).await.expect("claimed");

    assert_eq!(stage.sign_in("straße").await.account, account, "also when its account was not made yet");
    assert_eq!(stage.sign_in("StraßE").await.account, account);
    let name = "straße".parse().expect("a name");
    assert_eq!(find_account(stage.drive.journal(), &name).await.expect("found"), account);
    let refused = sign_up(&stage.drive, &stage.request(), sign_up_wish("straße")).await;
    assert!(matches!(refused, Err(SignUpError::UsernameTaken)));
    // Nobody can tell from this name that there is another one.
    let other = stage.sign_up("STRASSE").await.id;
    assert_eq!(stage.sign_in("strasse").await.account, other);
    assert_eq!(stage.sign_in("straße").await.account, account);
}

#[tokio::test]
async fn a_hundred_sign_ups_at_once_make_one_account() {
    let stage = stage();
    let tries = (0..100).map(|_| {
        let (drive, request) = (stage.drive.clone(), stage.request());
        tokio::spawn(async move { sign_up(&drive, &request, sign_up_wish("alice")).await.is_ok() })
    });
    let mut winners = 0;
    for attempt in tries.collect::<Vec<_>>() {
        winners += u32::from(attempt.await.expect("no panic"));
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn a_session_has_a_token_of_256_bits_of_which_the_log_knows_only_the_hash() {
    let stage = stage();
    stage.sign_up("alice").await;
    let signed_in = stage.sign_in("ALICE").await;
    assert_eq!(signed_in.token.len(), 64);
    assert_eq!(signed_in.username.as_str(), "alice");
    let log: String = stage.events().await.iter().map(|event| event.data.clone()).collect();
    assert!(!log.contains(&signed_in.token));
    assert!(log.contains(&super::stage::sha256(signed_in.token.as_bytes()).to_string()));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let stage = stage();
    stage.sign_up("alice").await;
    for (name, text) in [("alice", "wrong horse"), ("nobody", "correct horse"), ("no/name", "x")] {
        let refused = sign_in(&stage.drive, &stage.request(), sign_in_wish(name, text)).await;
        assert!(matches!(refused, Err(SignInError::BadCredentials)), "{name}");
    }
}

#[tokio::test]
async fn guessing_gets_slow_and_waiting_helps() {
    let patience = AttemptPolicy { free: 2, first_wait_seconds: 4, wait_seconds_max: 60 };
    let stage = stage_with(Limits { attempts_per_name: patience, ..Limits::default() });
    stage.sign_up("alice").await;
    for _ in 0..3 {
        let refused = sign_in(&stage.drive, &stage.request(), sign_in_wish("alice", "wrong horse")).await;
        assert!(matches!(refused, Err(SignInError::BadCredentials)));
    }
    let waiting = sign_in(&stage.drive, &stage.request(), sign_in_wish("alice", "correct horse")).await;
    assert!(matches!(waiting, Err(SignInError::TooManyAttempts { wait_seconds: 4 })), "{waiting:?}");
    stage.clock.advance_seconds(4);
    stage.sign_in("alice").await;
}

#[tokio::test]
async fn signing_out_ends_one_session() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    sign_out(&stage.drive, &stage.request(), &alice).await.expect("signed out");
    sign_out(&stage.drive, &stage.request(), &alice).await.expect("again is no error");
    assert_eq!(stage.names().await.iter().filter(|name| *name == "SessionClosed").count(), 1);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_and_the_old_password() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let other = stage.sign_in("alice").await;
    let wish = ChangePassword { old_password: Password::to_check("correct horse"), new_password: password("battery staple") };
    change_password(&stage.drive, &stage.request(), &alice, wish).await.expect("changed");
    let refused = sign_in(&stage.drive, &stage.request(), sign_in_wish("alice", "correct horse")).await;
    assert!(matches!(refused, Err(SignInError::BadCredentials)));
    let open = caller_of(&stage.drive, &other).await;
    assert_eq!(open.session, alice.session, "only the asking session is left");
}

#[tokio::test]
async fn a_password_is_not_changed_without_the_old_one() {
    let stage = stage();
    let alice = stage.caller("alice").await;
    let wish = ChangePassword { old_password: Password::to_check("guess"), new_password: password("battery staple") };
    let refused = change_password(&stage.drive, &stage.request(), &alice, wish).await;
    assert!(matches!(refused, Err(ChangePasswordError::BadCredentials)));
    stage.sign_in("alice").await;
}

#[tokio::test]
async fn a_keyed_sign_in_gives_the_same_token_again_and_opens_one_session() {
    let stage = stage();
    stage.sign_up("alice").await;
    let request = keyed(&stage.request());
    let wish = || sign_in_wish("alice", "correct horse");
    let first = sign_in(&stage.drive, &request, wish()).await.expect("signed in");
    stage.clock.advance_seconds(5);
    let again = sign_in(&stage.drive, &request, wish()).await.expect("signed in");
    assert_eq!((first.token, first.expires_at), (again.token, again.expires_at));
    assert_eq!(stage.names().await.iter().filter(|name| *name == "SessionOpened").count(), 1);
}

#[tokio::test]
async fn guesses_at_once_are_counted_before_they_are_judged() {
    let patience = AttemptPolicy { free: 2, first_wait_seconds: 4, wait_seconds_max: 60 };
    let stage = stage_with(Limits { attempts_per_name: patience, ..Limits::default() });
    stage.sign_up("alice").await;
    let guesses = (0..50).map(|_| {
        let (drive, request) = (stage.drive.clone(), stage.request());
        tokio::spawn(async move { sign_in(&drive, &request, sign_in_wish("alice", "wrong horse")).await })
    });
    let mut judged = 0;
    for guess in guesses.collect::<Vec<_>>() {
        judged += u32::from(matches!(guess.await.expect("no panic"), Err(SignInError::BadCredentials)));
    }
    assert_eq!(judged, 3);
}

#[tokio::test]
async fn a_keyed_sign_in_does_not_give_a_dead_token_again() {
    let stage = stage();
    stage.sign_up("alice").await;
    let request = keyed(&stage.request());
    let signed_in = sign_in(&stage.drive, &request, sign_in_wish("alice", "correct horse")).await.expect("signed in");
    let alice = caller_of(&stage.drive, &signed_in).await;
    sign_out(&stage.drive, &stage.request(), &alice).await.expect("signed out");
    let again = sign_in(&stage.drive, &request, sign_in_wish("alice", "correct horse")).await;
    assert!(matches!(again, Err(SignInError::SessionEnded)), "{again:?}");
}
