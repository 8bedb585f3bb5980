use super::*;
use crate::ask::canonical;

fn sign_up(username: &str, password: &str, email: Option<&str>) -> SignUpBody {
    SignUpBody { username: username.to_owned(), password: password.to_owned(), email: email.map(str::to_owned), phone: None }
}

#[test]
fn a_sign_up_is_told_of_every_wrong_field_at_once() {
    let problem = sign_up("al", "short", Some("nowhere")).wish().expect_err("three faults");
    let fields: Vec<&str> = problem.errors().iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["username", "password", "email"]);
    assert!(sign_up("alice", "correct horse", None).wish().is_ok());
}

#[test]
fn null_and_absent_mean_the_same_in_a_sign_up() {
    let texts =
        [r#"{"username":"alice","password":"correct horse"}"#, r#"{"password":"correct horse","username":"alice","email":null}"#];
    let [one, other] = texts.map(|text| serde_json::from_str::<SignUpBody>(text).expect("a sign-up"));
    assert_eq!(canonical(&one), canonical(&other));
}
