//! People: signing up, in and out, and what they may see and change of themselves.

mod problems;
mod types;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_commands::account::{self, ChangePassword, Password, SignIn};
use cairn_projections::queries::users::{usage_of, user_by_id};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Header;
use poem_openapi::payload::Json;

use self::problems::{InfoProblem, PasswordProblem, SignInProblem, SignOutProblem, SignUpProblem};
use self::types::{
    InfoAnswer, PasswordAnswer, PasswordBody, Session, SignInAnswer, SignInBody, SignOutAnswer, SignUpAnswer, SignUpBody, SignedUp,
    UserInfo, unless_guessable,
};
use super::Tag;
use super::common::{Fields, perform, print_of};
use crate::app::App;
use crate::ask::{Done, IdempotencyKey, MinPosition};
use crate::auth::SignedIn;
use crate::cookie;
use crate::http::json::JsonBody;
use crate::http::problem::{Problem, common};

/// Accounts and sessions.
pub struct UserApi;

/// Where a browser goes after signing in.
const HOME: &str = "/home";
const MICROSECONDS: i64 = 1_000_000;

#[OpenApi(tag = "Tag::User")]
impl UserApi {
    /// Sign up
    ///
    /// Makes an account. Names that differ only in case or in their Unicode form are the same name.
    #[oai(path = "/user/signup", method = "post", operation_id = "user_signup")]
    async fn sign_up(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<SignUpBody>,
    ) -> Result<SignUpAnswer, SignUpProblem> {
        app.pace_stranger(request).await?;
        let wish = body.0.wish()?;
        let asking = app.ask(request, None, &key)?;
        let print = print_of(&app, &asking, Some(&body.0.password)).await?;
        let ask = asking.about("POST /user/signup", &(&body.0.username, &body.0.email, &body.0.phone, print));
        let (drive, request) = (app.drive.clone(), ask.request.clone());
        let work = async move {
            let made = account::sign_up(&drive, &request, wish).await?;
            Ok::<_, SignUpProblem>(Done { status: 201, position: Some(made.position), body: SignedUp::from(made) })
        };
        let done = perform(&app, ask, work).await?;
        Ok(SignUpAnswer::Created(Json(done.body), done.position.map(|position| position.0)))
    }

    /// Sign in
    ///
    /// Opens a session. The answer and the time that it takes are the same for an unknown user and a wrong password. The token is shown
    /// only here; a retry under the same `Idempotency-Key` shows the same one. A browser gets it in a cookie when it asks so, which signs in
    /// requests of the drive's own pages; then the body has none.
    #[oai(path = "/user/signin", method = "post", operation_id = "user_signin")]
    async fn sign_in(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        /// `cookie`: the token comes in a cookie that scripts can't read, and is empty in the body.
        #[oai(name = "Cairn-Session")]
        _session: Header<Option<String>>,
        body: JsonBody<SignInBody>,
    ) -> Result<SignInAnswer, SignInProblem> {
        app.pace_stranger(request).await?;
        // The answer holds a secret and is never stored: the use case makes the same one again. The password is judged before the key is
        // looked at, so only the name tells one request from another.
        let ask = app.ask(request, None, &key)?.about("POST /user/signin", &body.0.username);
        let wish = SignIn { password: Password::to_check(&body.0.password), username: body.0.username.clone() };
        let inner = Arc::clone(&app);
        let work = async move {
            let person = account::recognise(&inner.drive, &ask.request, wish).await?;
            // Not before: who guesses passwords leaves nothing here.
            inner.answered::<()>(&ask).await?;
            Ok::<_, SignInProblem>(account::open_session(&inner.drive, &ask.request, person).await?)
        };
        let opened = app.detached(work).await?;
        let seconds = (opened.expires_at.0 - app.drive.ports().clock.now().0) / MICROSECONDS;
        let is_cookie = cookie::is_wished(request.headers());
        let set_cookie = is_cookie.then(|| cookie::opened(&app.settings, &opened.token, seconds));
        let session = Session {
            username: opened.username.to_string(),
            token: if is_cookie { String::new() } else { opened.token },
            expires_at: opened.expires_at.into(),
            location: HOME.to_owned(),
        };
        Ok(SignInAnswer::Opened(Json(session), opened.position.0, set_cookie))
    }

    /// Sign out
    ///
    /// Ends the session of this token, which is dead when the answer comes; a retry is answered with 401.
    #[oai(path = "/user/signout", method = "post", operation_id = "user_signout")]
    async fn sign_out(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
    ) -> Result<SignOutAnswer, SignOutProblem> {
        let ask = app.ask(request, Some(&caller), &key)?.about("POST /user/signout", &caller.session);
        let ended = cookie::ended(&app.settings, request.headers());
        let (inner, request) = (Arc::clone(&app), ask.request.clone());
        let work = async move {
            let position = account::sign_out(&inner.drive, &request, &caller).await?;
            Ok::<_, SignOutProblem>(Done { status: 204, position: Some(position), body: () })
        };
        let done = perform(&app, ask, work).await?;
        Ok(SignOutAnswer::Ended(done.position.map(|position| position.0), ended))
    }

    /// Who am I
    ///
    /// The caller's account, and how much of it is used. What lies in the trash counts.
    #[oai(path = "/user/info", method = "get", operation_id = "user_info")]
    async fn info(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        /// The answer shows at least what the log held at this position.
        #[oai(name = "Cairn-Min-Position")]
        position: MinPosition,
    ) -> Result<InfoAnswer, InfoProblem> {
        let tables = app.reach(&caller, position.0).await?;
        let user = user_by_id(&*tables, caller.account).await.map_err(Problem::from)?;
        let user = user.ok_or(Problem::of(common::unauthorized))?;
        let usage = usage_of(&*tables, caller.account).await.map_err(Problem::from)?;
        Ok(InfoAnswer::Found(Json(UserInfo {
            id: user.id.0,
            username: user.username,
            email: user.email,
            phone: user.phone,
            signup_at: user.signup_at.into(),
            last_active_at: user.last_active_at.map(Into::into),
            used_bytes: usage.used_bytes,
            quota_bytes: user.quota_bytes.or(app.drive.limits().quota_bytes_default),
        })))
    }

    /// Change the password
    ///
    /// Every other session of the account ends; the caller's goes on.
    #[oai(path = "/user/password", method = "post", operation_id = "user_password")]
    async fn password(
        &self,
        app: Data<&Arc<App>>,
        SignedIn(caller): SignedIn,
        request: &Request,
        /// A retry under the same key returns the first answer and changes nothing.
        #[oai(name = "Idempotency-Key")]
        key: IdempotencyKey,
        body: JsonBody<PasswordBody>,
    ) -> Result<PasswordAnswer, PasswordProblem> {
        let mut fields = Fields::default();
        let new_password = fields.read("new_password", &body.0.new_password);
        let new_password = new_password.and_then(|password| unless_guessable(&mut fields, "new_password", password, &[]));
        let new_password = fields.finish(new_password)?;
        let wish = ChangePassword { old_password: Password::to_check(&body.0.old_password), new_password };
        let asking = app.ask(request, Some(&caller), &key)?;
        let both = format!("{}\0{}", body.0.old_password, body.0.new_password);
        let print = print_of(&app, &asking, Some(&both)).await?;
        let ask = asking.about("POST /user/password", &print);
        let (inner, request) = (Arc::clone(&app), ask.request.clone());
        let work = async move {
            let position = account::change_password(&inner.drive, &request, &caller, wish).await?;
            Ok::<_, PasswordProblem>(Done { status: 204, position: Some(position), body: () })
        };
        let done = perform(&app, ask, work).await?;
        Ok(PasswordAnswer::Changed(done.position.map(|position| position.0)))
    }
}
