use cairn_commands::account::{self, Password, SignUp};
use cairn_domain::Timestamp;
use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::resources::common::Fields;
use crate::resources::time::Time;

/// Who wants an account.
#[derive(Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "SignUp", example)]
pub(super) struct SignUpBody {
    /// 3 to 64 letters, digits, marks and `. _ - @ +`.
    #[oai(validator(min_length = 3, max_length = 64))]
    pub username: String,
    /// 8 to 256 characters.
    #[oai(validator(min_length = 8, max_length = 256))]
    pub password: String,
    /// Where to write to.
    pub email: Option<String>,
    /// Where to call.
    pub phone: Option<String>,
}

impl SignUpBody {
    /// Tells of all fields at once that are not acceptable.
    pub(super) fn wish(&self) -> Result<SignUp, Problem> {
        let mut fields = Fields::default();
        let username = fields.read("username", &self.username);
        let known = [self.username.as_str(), self.email.as_deref().unwrap_or_default()];
        let password = fields.read("password", &self.password);
        let password = password.and_then(|password| unless_guessable(&mut fields, "password", password, &known));
        let email = fields.read_optional("email", self.email.as_deref());
        let phone = fields.read_optional("phone", self.phone.as_deref());
        let wish = (|| Some(SignUp { username: username?, password: password?, email: email?, phone: phone? }))();
        fields.finish(wish)
    }
}

/// A new password, unless it is one that is known to be bad.
pub(super) fn unless_guessable(fields: &mut Fields, field: &str, password: Password, known: &[&str]) -> Option<Password> {
    if password.is_guessable(known) {
        return fields.refuse(field, "is among the first that anybody would try; choose another");
    }
    Some(password)
}

/// The account that was made.
#[derive(Debug, Serialize, Deserialize, Object)]
#[oai(example)]
pub struct SignedUp {
    /// Its id.
    pub id: Uuid,
    /// The name as it was given.
    pub username: String,
    /// When it was made.
    pub signup_at: Time,
}

impl From<account::SignedUp> for SignedUp {
    fn from(made: account::SignedUp) -> Self {
        Self { id: made.id.0, username: made.username.to_string(), signup_at: made.signup_at.into() }
    }
}

/// Who wants to come in.
#[derive(Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "SignIn", example)]
pub(super) struct SignInBody {
    /// The name, in any spelling that is the same name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// A session that was opened.
#[derive(Serialize, Object)]
#[oai(example)]
pub struct Session {
    /// The name as it was given at sign-up.
    pub username: String,
    /// To be sent as `Authorization: Bearer <token>`. Empty when it came in a cookie.
    pub token: String,
    /// When the token stops working.
    pub expires_at: Time,
    /// Where a browser goes next.
    pub location: String,
}

/// An account, as its owner sees it.
#[derive(Debug, Serialize, Object)]
#[oai(example)]
pub struct UserInfo {
    /// Its id.
    pub id: Uuid,
    /// The name as it was given.
    pub username: String,
    /// Where to write to.
    pub email: Option<String>,
    /// Where to call.
    pub phone: Option<String>,
    /// When the account was made.
    pub signup_at: Time,
    /// When the last session was opened.
    pub last_active_at: Option<Time>,
    /// What the account's files occupy, those in the trash included, in bytes.
    pub used_bytes: u64,
    /// What they may occupy, in bytes; null for no limit.
    pub quota_bytes: Option<u64>,
}

/// One password for another.
#[derive(Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(rename = "PasswordChange", example)]
pub(super) struct PasswordBody {
    /// The one that is valid now.
    pub old_password: String,
    /// The one to be, 8 to 256 characters.
    #[oai(validator(min_length = 8, max_length = 256))]
    pub new_password: String,
}

/// What a sign-up is answered with.
#[derive(ApiResponse)]
pub enum SignUpAnswer {
    /// The account is there.
    #[oai(status = 201)]
    Created(
        Json<SignedUp>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

/// What a sign-in is answered with.
#[derive(ApiResponse)]
pub enum SignInAnswer {
    /// The session is open.
    #[oai(status = 200)]
    Opened(
        Json<Session>,
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        u64,
        /// The token, for a browser that asked for it so.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
}

/// What a sign-out is answered with.
#[derive(ApiResponse)]
pub enum SignOutAnswer {
    /// The session has ended.
    #[oai(status = 204)]
    Ended(
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
        /// Takes the cookie away from a browser that has one.
        #[oai(header = "Set-Cookie")]
        Option<String>,
    ),
}

/// What somebody hears of themselves.
#[derive(ApiResponse)]
pub enum InfoAnswer {
    /// The caller's account.
    #[oai(status = 200)]
    Found(Json<UserInfo>),
}

/// What a password change is answered with.
#[derive(ApiResponse)]
pub enum PasswordAnswer {
    /// The password is the new one, and every other session has ended.
    #[oai(status = 204)]
    Changed(
        /// Where the log then stood.
        #[oai(header = "Cairn-Position")]
        Option<u64>,
    ),
}

const EXAMPLE_ID: Uuid = Uuid::from_u128(0x6f1d_4c0e_58a2_5b7e_9d37_2a1c_0be4_f5a6);
const EXAMPLE_TIME: Timestamp = Timestamp(1_769_860_800_000_000);

impl Example for SignUpBody {
    fn example() -> Self {
        let (email, phone) = (Some("alice@example.org".to_owned()), Some("+49 30 123456".to_owned()));
        Self { username: "alice".to_owned(), password: "correct horse battery".to_owned(), email, phone }
    }
}

impl Example for SignedUp {
    fn example() -> Self {
        Self { id: EXAMPLE_ID, username: "alice".to_owned(), signup_at: EXAMPLE_TIME.into() }
    }
}

impl Example for SignInBody {
    fn example() -> Self {
        Self { username: "alice".to_owned(), password: "correct horse battery".to_owned() }
    }
}

impl Example for Session {
    fn example() -> Self {
        Self {
            username: "alice".to_owned(),
            token: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            expires_at: EXAMPLE_TIME.plus_seconds(30 * 24 * 60 * 60).into(),
            location: "/home".to_owned(),
        }
    }
}

impl Example for UserInfo {
    fn example() -> Self {
        Self {
            id: EXAMPLE_ID,
            username: "alice".to_owned(),
            email: Some("alice@example.org".to_owned()),
            phone: None,
            signup_at: EXAMPLE_TIME.into(),
            last_active_at: Some(EXAMPLE_TIME.plus_seconds(60).into()),
            used_bytes: 209_715_200,
            quota_bytes: None,
        }
    }
}

impl Example for PasswordBody {
    fn example() -> Self {
        Self { old_password: "correct horse battery".to_owned(), new_password: "staple, and more of it".to_owned() }
    }
}
