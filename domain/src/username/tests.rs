use uuid::Uuid;

use super::*;
use crate::decider::spec::given;

fn claim(account: u128) -> UsernameClaimed {
    UsernameClaimed {
        account: AccountId(Uuid::from_u128(account)),
        username: "alice".parse().expect("a name"),
        password_hash: "$argon2id$".to_owned(),
        email: None,
        phone: None,
    }
}

#[test]
fn a_free_name_is_given() {
    given::<ClaimedUsername>([]).when(UsernameCommand::Claim(claim(1))).then([UsernameEvent::UsernameClaimed(claim(1))]);
}

#[test]
fn a_repeated_claim_changes_nothing() {
    given::<ClaimedUsername>([UsernameEvent::UsernameClaimed(claim(1))]).when(UsernameCommand::Claim(claim(1))).then_nothing();
}

#[test]
fn a_taken_name_stays_with_its_account() {
    given::<ClaimedUsername>([UsernameEvent::UsernameClaimed(claim(1))])
        .when(UsernameCommand::Claim(claim(2)))
        .then_rejected(UsernameRejection::Taken(AccountId(Uuid::from_u128(1))));
}
