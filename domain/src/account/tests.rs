use uuid::Uuid;

use super::*;
use crate::decider::spec::given;
use crate::{SessionId, Sha256, Timestamp};

fn registered() -> AccountEvent {
    AccountEvent::AccountRegistered(registration("alice"))
}

fn registration(name: &str) -> AccountRegistered {
    AccountRegistered { username: name.parse().expect("a name"), password_hash: "old".to_owned(), email: None, phone: None }
}

fn session(n: u128) -> SessionOpened {
    SessionOpened { session: id(n), token_sha256: Sha256([n as u8; 32]), expires_at: Timestamp(1_000) }
}

fn id(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

fn opened(n: u128) -> AccountEvent {
    AccountEvent::SessionOpened(session(n))
}

fn closed(n: u128, reason: SessionEnd) -> AccountEvent {
    AccountEvent::SessionClosed(SessionClosed { session: id(n), reason })
}

fn open(n: u128, sessions_max: usize) -> AccountCommand {
    AccountCommand::OpenSession { verified_hash: "old".to_owned(), session: session(n), sessions_max }
}

fn change_password(verified: &str) -> AccountCommand {
    AccountCommand::ChangePassword { verified_hash: verified.to_owned(), new_hash: "new".to_owned(), keep: id(1) }
}

#[test]
fn an_account_is_made_once() {
    given::<Account>([]).when(AccountCommand::Register(registration("alice"))).then([registered()]);
    given::<Account>([registered()]).when(AccountCommand::Register(registration("alice"))).then_nothing();
    given::<Account>([registered()])
        .when(AccountCommand::Register(registration("bob")))
        .then_rejected(AccountRejection::AlreadyRegistered);
}

#[test]
fn nothing_can_be_asked_of_an_account_that_is_not_there() {
    given::<Account>([]).when(open(1, 9)).then_rejected(AccountRejection::NotRegistered);
    given::<Account>([opened(1)]).when(AccountCommand::GrantRole(Role::Admin)).then_rejected(AccountRejection::NotRegistered);
}

#[test]
fn a_session_opens_once_and_closes_once() {
    given::<Account>([registered()]).when(open(1, 9)).then([opened(1)]);
    given::<Account>([registered(), opened(1)]).when(open(1, 9)).then_nothing();
    given::<Account>([registered(), opened(1)]).when(AccountCommand::CloseSession(id(1))).then([closed(1, SessionEnd::SignedOut)]);
    given::<Account>([registered()]).when(AccountCommand::CloseSession(id(1))).then_nothing();
}

#[test]
fn one_session_too_many_ends_the_oldest() {
    given::<Account>([registered(), opened(1), opened(2)]).when(open(3, 2)).then([closed(1, SessionEnd::Displaced), opened(3)]);
}

#[test]
fn a_new_password_ends_every_other_session() {
    let changed = AccountEvent::PasswordChanged(PasswordChanged { password_hash: "new".to_owned() });
    given::<Account>([registered(), opened(1), opened(2), opened(3)]).when(change_password("old")).then([
        changed,
        closed(2, SessionEnd::PasswordChanged),
        closed(3, SessionEnd::PasswordChanged),
    ]);
}

#[test]
fn a_check_against_a_password_that_has_changed_is_void() {
    given::<Account>([registered()]).when(change_password("older")).then_rejected(AccountRejection::PasswordChangedMeanwhile);
    let changed = AccountEvent::PasswordChanged(PasswordChanged { password_hash: "new".to_owned() });
    given::<Account>([registered(), changed]).when(open(1, 9)).then_rejected(AccountRejection::PasswordChangedMeanwhile);
}

#[test]
fn roles_and_quota_change_only_when_they_differ() {
    let granted = AccountEvent::RoleGranted(RoleGranted { role: Role::Admin });
    let revoked = AccountEvent::RoleRevoked(RoleRevoked { role: Role::Admin });
    given::<Account>([registered()]).when(AccountCommand::GrantRole(Role::Admin)).then([granted.clone()]);
    given::<Account>([registered(), granted.clone()]).when(AccountCommand::GrantRole(Role::Admin)).then_nothing();
    given::<Account>([registered(), granted]).when(AccountCommand::RevokeRole(Role::Admin)).then([revoked]);
    let quota = AccountEvent::QuotaChanged(QuotaChanged { quota_bytes: Some(5) });
    given::<Account>([registered()]).when(AccountCommand::SetQuota(Some(5))).then([quota.clone()]);
    given::<Account>([registered(), quota]).when(AccountCommand::SetQuota(Some(5))).then_nothing();
}
